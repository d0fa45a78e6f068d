"""Schemas of transfers and user identifiers."""

import re
from typing import Any, Final
from uuid import UUID

import marshmallow as ma
from stdnum.iso7064 import mod_11_10

from app.auth.schemas import Email, Phone
from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID, OTHER_EMAIL
from app.common.fields import (
    Amount,
    Id,
    MoneyOut,
    ObjectType,
    Schema,
    TextLines,
    Timestamp,
    serializes,
)
from app.common.money import format_minor
from app.common.pagination import PageArgs, page_of
from app.common.text import typed_code
from app.shops.schemas import PartyOut, party_out
from app.transfers.service import TransferDetails

_WALLET_NUMBER: Final = re.compile(r" *(?:[0-9] *){12}")
_ONE_IDENTIFIER: Final = "Send exactly one of email, phone, walletNumber and userId."


class WalletNumber(ma.fields.String):
    """A wallet number as typed by users, with spaces anywhere.

    Typing errors are detected by its check digit (ISO 7064, MOD 11,10), before the lookup.
    """

    def __init__(self, *, example: str | None = "4821 0937 5513", **kwargs: Any) -> None:
        documented = {
            "description": "Wallet number of 12 digits; spaces are ignored",
            "pattern": f"^{_WALLET_NUMBER.pattern}$",
        } | ({"example": example} if example else {})
        super().__init__(metadata=documented, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        typed = typed_code(value).replace("-", " ")
        if not _WALLET_NUMBER.fullmatch(typed):
            raise ma.ValidationError("Not a wallet number: it has 12 digits.")
        digits = typed.replace(" ", "")
        if not mod_11_10.is_valid(digits):
            raise ma.ValidationError("Not a wallet number: a digit is wrong or two are swapped.")
        return digits


class UserIdentifierIn(Schema):
    """A user, identified by exactly one of these.

    A separate object, because transfers and payment requests share it, and because an invalid
    identifier is then reported under one field.
    """

    email = Email(metadata={"example": OTHER_EMAIL})
    phone = Phone()
    wallet_number = WalletNumber()
    user_id = Id(metadata={"example": EXAMPLE_ID})

    @ma.validates_schema
    def _require_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ma.ValidationError(_ONE_IDENTIFIER)


def user_identifier(**options: Any) -> ma.fields.Nested:
    """A field that identifies a user."""
    documented = {
        "description": _ONE_IDENTIFIER,
        "minProperties": 1,
        "maxProperties": 1,
        "example": {"email": OTHER_EMAIL},
    }
    return ma.fields.Nested(UserIdentifierIn, metadata=documented, **options)


class RecipientArgs(UserIdentifierIn):
    # One of them has an example: Swagger UI sends every parameter that has one.
    email = Email(metadata={"description": "Email address", "example": OTHER_EMAIL})
    phone = Phone(example=None)
    wallet_number = WalletNumber(example=None)
    user_id = Id(metadata={"description": "User ID"})


class CreateTransferIn(Schema):
    recipient = user_identifier(required=True)
    amount = Amount(
        required=True,
        metadata={"description": "Amount to send, used exactly", "example": "12.50"},
    )
    note = TextLines(
        max_length=200,
        allow_none=True,
        metadata={"description": "Visible to both parties", "example": "Lunch on Friday"},
    )


class TransfersArgs(PageArgs):
    direction = ma.fields.String(
        validate=ma.validate.OneOf(["in", "out"]),
        metadata={"description": "Only received, or only sent transfers"},
    )


class RecipientOut(Schema):
    name = ma.fields.String(required=True, allow_none=True, metadata={"example": "B••• S."})
    email = ma.fields.String(required=True, allow_none=True, metadata={"example": "b•••@e•••.com"})
    wallet_number = ma.fields.String(
        required=True, allow_none=True, metadata={"example": "•••• •••• 5516"}
    )
    verified = ma.fields.Boolean(
        required=True,
        metadata={
            "description": "Whether the email address or phone number that was looked up is"
            " verified; of a wallet number or user ID, whether the user has a verified one"
        },
    )
    verified_since = Timestamp(required=True, allow_none=True)


class TransferOut(Schema):
    """Describes what `transfer_out` returns."""

    id = ma.fields.UUID(required=True)
    direction = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["IN", "OUT"]),
        metadata={"description": "From the caller's point of view"},
    )
    amount = MoneyOut(required=True, metadata={"example": "12.50"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    note = ma.fields.String(required=True, allow_none=True, metadata={"example": "Lunch on Friday"})
    sender = ma.fields.Nested(PartyOut, required=True)
    receiver = ma.fields.Nested(PartyOut, required=True)
    reference_type = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What it pays: `payment_request`, `merchant_code` or null"},
    )
    reference_id = ma.fields.UUID(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    object = ObjectType("transfer")


TransferList = page_of(TransferOut)


@serializes(TransferOut)
def transfer_out(details: TransferDetails, *, viewer_id: UUID) -> dict[str, Any]:
    """Serialize as TransferOut describes, from the viewpoint of one party."""
    transfer = details.transfer
    return {
        "id": transfer.id,
        "direction": "OUT" if transfer.sender_id == viewer_id else "IN",
        "amount": format_minor(transfer.amount, transfer.currency),
        "currency": transfer.currency,
        "note": transfer.note,
        "sender": party_out(details.sender),
        "receiver": party_out(details.receiver),
        "referenceType": transfer.reference_type,
        "referenceId": transfer.reference_id,
        "createdAt": format_timestamp(transfer.created_at),
        "object": "transfer",
    }
