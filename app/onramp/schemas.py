"""Schemas of on-ramps."""

import re
from typing import Any

import marshmallow as ma

from app.banks import providers
from app.common.clock import format_timestamp
from app.common.fields import (
    Amount,
    Choice,
    MoneyOut,
    Schema,
    Text,
    TextLines,
    Timestamp,
    serializes,
)
from app.common.money import format_minor
from app.common.pagination import PageArgs, page_of
from app.onramp.models import Onramp, OnrampStatus

_URL_PATTERN = r"https?://[!-~]{1,1990}"
_PAYMENT_URL = {
    "description": "URL of the bank's payment page, valid for five minutes; then null",
    "example": "https://bank.example/pay?request=eyJhbGciOi…",
}


def _require_url(text: str) -> None:
    if not re.fullmatch(_URL_PATTERN, text):
        raise ma.ValidationError("Must be an http or https address in visible ASCII.")


class CreateOnrampIn(Schema):
    provider = Text(max_length=50, required=True, metadata={"example": "HDFC"})
    amount = Amount(required=True, metadata={"example": "25.00"})
    description = TextLines(max_length=200, allow_none=True, metadata={"example": "For books"})
    return_url = ma.fields.String(
        allow_none=True,
        validate=_require_url,  # the bank's page links to it, so no javascript: or data:
        metadata={
            "description": "URL that the bank's page links back to",
            "pattern": f"^{_URL_PATTERN}$",
            "example": "https://shop.example/wallet",
        },
    )


class OnrampArgs(PageArgs):
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(OnrampStatus)),
        metadata={"description": "Only on-ramps with this status"},
    )


class OnrampProviderOut(Schema):
    code = ma.fields.String(required=True, metadata={"example": "HDFC"})
    name = ma.fields.String(required=True, metadata={"example": "HDFC Bank"})


class OnrampOut(Schema):
    id = ma.fields.UUID(required=True)
    status = Choice(OnrampStatus, required=True, metadata={"example": "PROCESSING"})
    provider = ma.fields.String(required=True, metadata={"example": "HDFC"})
    provider_name = ma.fields.String(required=True, metadata={"example": "HDFC Bank"})
    amount = MoneyOut(required=True, metadata={"example": "25.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    token = ma.fields.String(
        required=True, metadata={"description": "Our reference, which the bank reports back"}
    )
    payment_url = ma.fields.String(required=True, allow_none=True, metadata=_PAYMENT_URL)
    description = ma.fields.String(required=True, allow_none=True)
    return_url = ma.fields.String(required=True, allow_none=True)
    late = ma.fields.Boolean(
        required=True, metadata={"description": "Whether it was paid after its expiry"}
    )
    bank_reference = ma.fields.String(required=True, allow_none=True)
    failure_reason = ma.fields.String(required=True, allow_none=True)
    expires_at = Timestamp(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    closed_at = Timestamp(required=True, allow_none=True)


OnrampList = page_of(OnrampOut)


@serializes(OnrampOut)
def onramp_out(onramp: Onramp, payment_url: str | None) -> dict[str, Any]:
    """As OnrampOut describes it."""
    bank = providers.get(onramp.provider)
    return {
        "id": onramp.id,
        "status": onramp.status,
        "provider": onramp.provider,
        "providerName": bank.name if bank else onramp.provider,
        "amount": format_minor(onramp.amount, onramp.currency),
        "currency": onramp.currency,
        "token": onramp.token,
        "paymentUrl": payment_url,
        "description": onramp.description,
        "returnUrl": onramp.return_url,
        "late": onramp.late,
        "bankReference": onramp.bank_reference,
        "failureReason": onramp.failure_reason,
        "expiresAt": format_timestamp(onramp.expires_at),
        "createdAt": format_timestamp(onramp.created_at),
        "updatedAt": format_timestamp(onramp.updated_at),
        "closedAt": format_timestamp(onramp.closed_at),
    }
