"""Errors of transfers."""

from typing import Final

from app.common.errors import BadRequest, Conflict, NotFound
from app.wallets.errors import PAYMENT_ERRORS


class RecipientNotFound(NotFound):
    code = "RECIPIENT_NOT_FOUND"
    message = "Recipient not found"


class CannotTransferToSelf(BadRequest):
    code = "CANNOT_TRANSFER_TO_SELF"
    message = "You cannot send money to yourself"


class RecipientCannotReceive(Conflict):
    """One error for all reasons, because the receiver's wallet status and limits are private.

    It contains no data of the receiver.
    """

    code = "RECIPIENT_CANNOT_RECEIVE"
    message = "The recipient cannot receive this amount at this time"


class RecipientNotVerified(Conflict):
    """The email address or phone number has an account, but whose it is was never proved.

    It contains no data of the account.
    """

    code = "RECIPIENT_NOT_VERIFIED"
    message = (
        "The owner of this email address or phone number has not verified it yet; ask for the"
        " wallet number, or wait until it is verified"
    )


class TransferNotFound(NotFound):
    code = "TRANSFER_NOT_FOUND"
    message = "Transfer not found"


#: Why a transfer to another user can be refused.
TRANSFER_ERRORS: Final = (RecipientNotFound, RecipientCannotReceive, *PAYMENT_ERRORS)
