"""How sending money to somebody can be refused."""

from app.common.errors import BadRequest, Conflict, NotFound


class RecipientNotFound(NotFound):
    code = "RECIPIENT_NOT_FOUND"
    message = "Nobody who can receive money goes by that name here"


class CannotTransferToSelf(BadRequest):
    code = "CANNOT_TRANSFER_TO_SELF"
    message = "You cannot send money to yourself"


class RecipientCannotReceive(Conflict):
    """The same for every reason: a locked wallet, a limit, a full one are not the sender's affair.

    None of the receiver's numbers is in it.
    """

    code = "RECIPIENT_CANNOT_RECEIVE"
    message = "The recipient cannot receive this amount at the moment"


class TransferNotFound(NotFound):
    code = "TRANSFER_NOT_FOUND"
    message = "Transfer not found"
