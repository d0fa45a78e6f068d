"""Schemas of payment requests and merchant codes."""

from datetime import timedelta
from typing import Any, Final

import marshmallow as ma

from app.auth.masking import masked_email, masked_name
from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID
from app.common.fields import (
    Amount,
    Id,
    MoneyOut,
    Schema,
    Text,
    TextLines,
    Timestamp,
    WholeNumber,
    serializes,
)
from app.common.money import format_minor
from app.common.pagination import PageArgs, page_of
from app.payment_requests.merchant_codes.service import MerchantCodeDetails
from app.payment_requests.models import RequestStatus
from app.payment_requests.payment_links import link_to
from app.payment_requests.service import PaymentRequestDetails
from app.products.models import Product
from app.shops.schemas import PartyOut, VerifiedPayeeOut, party_out, verified_payee_out
from app.transfers.schemas import user_identifier

_DEFAULT_TTL: Final = timedelta(days=7)
_MAX_TTL: Final = timedelta(days=90)
_MIN_IMAGE_SIZE, _MAX_IMAGE_SIZE, _DEFAULT_IMAGE_SIZE = 128, 2048, 512

_LINK: Final = {
    "description": "Payment link, for anyone who should see and pay it",
    "example": "http://localhost:3000/pay/Zq3mT0vKcH2nXw8yLr5sBg",
}
_EXPECTED_AMOUNT: Final = {
    "description": "Total that the payer was shown. If the total is another one, nothing is paid"
    " and the response is 409 `PRICE_CHANGED`",
}
_TOKEN: Final = {
    "description": "Secret at the end of the link",
    "example": "Zq3mT0vKcH2nXw8yLr5sBg",
}


def _seconds(length: timedelta) -> int:
    return length // timedelta(seconds=1)


class CreatePaymentRequestIn(Schema):
    payer = user_identifier()
    amount = Amount(
        metadata={"description": "Omitted: the payer chooses the amount", "example": "12.50"},
    )
    note = TextLines(
        max_length=200,
        allow_none=True,
        metadata={"description": "Visible to anyone with the link", "example": "Lunch on Friday"},
    )
    expires_in = WholeNumber(
        minimum=60,
        maximum=_seconds(_MAX_TTL),
        load_default=_seconds(_DEFAULT_TTL),
        metadata={
            "description": "Seconds until it expires; default: 7 days, at most 90 days",
            "example": _seconds(_DEFAULT_TTL),
        },
    )


class PayPaymentRequestIn(Schema):
    amount = Amount(
        metadata={"description": "Only if the request has no fixed amount", "example": "12.50"}
    )
    expected_amount = Amount(metadata=_EXPECTED_AMOUNT | {"example": "12.50"})


class RequestsArgs(PageArgs):
    role = ma.fields.String(
        validate=ma.validate.OneOf(["requester", "payer"]),
        metadata={"description": "Only requests the caller made, or only those they received"},
    )


class ImageArgs(Schema):
    size = WholeNumber(
        minimum=_MIN_IMAGE_SIZE,
        maximum=_MAX_IMAGE_SIZE,
        load_default=_DEFAULT_IMAGE_SIZE,
        metadata={"description": "Maximum side length in pixels", "example": _DEFAULT_IMAGE_SIZE},
    )


class PaymentRequestPayerOut(Schema):
    name = ma.fields.String(required=True, allow_none=True, metadata={"example": "B••• S."})
    email = ma.fields.String(required=True, allow_none=True, metadata={"example": "b•••@e•••.com"})


class PaymentRequestOut(Schema):
    """Describes what `payment_request_out` returns."""

    id = ma.fields.UUID(required=True)
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(list(RequestStatus)))
    amount = MoneyOut(
        required=True,
        allow_none=True,
        metadata={"description": "null until the payer has chosen it", "example": "12.50"},
    )
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    note = ma.fields.String(required=True, allow_none=True, metadata={"example": "Lunch on Friday"})
    requester = ma.fields.Nested(PartyOut, required=True)
    payer = ma.fields.Nested(
        PaymentRequestPayerOut,
        required=True,
        allow_none=True,
        metadata={"description": "Masked; null if anyone can pay"},
    )
    token = ma.fields.String(required=True, metadata=_TOKEN)
    link = ma.fields.String(required=True, metadata=_LINK)
    transfer_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "ID of the transfer that paid it"}
    )
    expires_at = Timestamp(required=True)
    created_at = Timestamp(required=True)
    closed_at = Timestamp(required=True, allow_none=True)


class PublicPaymentRequestOut(Schema):
    """Describes what `public_payment_request_out` returns."""

    id = ma.fields.UUID(required=True)
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(list(RequestStatus)))
    amount = MoneyOut(required=True, allow_none=True, metadata={"example": "12.50"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    note = ma.fields.String(required=True, allow_none=True, metadata={"example": "Lunch on Friday"})
    requester = ma.fields.Nested(VerifiedPayeeOut, required=True)
    is_addressed = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether only its addressee can pay"},
    )
    expires_at = Timestamp(required=True)


class CreateMerchantCodeIn(Schema):
    product_id = Id(
        metadata={
            "description": "Product that is bought by paying; excludes `amount`",
            "example": EXAMPLE_ID,
        }
    )
    amount = Amount(
        metadata={
            "description": "Fixed amount, without a product; omitted: the payer chooses",
            "example": "3.50",
        }
    )
    label = Text(
        max_length=80,
        allow_none=True,
        metadata={
            "description": "Printed, and shown to the payer",
            "example": "Counter 1",
        },
    )

    @ma.validates_schema
    def _require_one_price(self, data: dict[str, Any], **_: Any) -> None:
        if "product_id" in data and "amount" in data:
            raise ma.ValidationError("Send productId or amount, not both.", "amount")


class PayMerchantCodeIn(Schema):
    amount = Amount(
        metadata={"description": "Only if the code has no fixed amount", "example": "3.50"}
    )
    quantity = WholeNumber(
        minimum=1,
        maximum=1_000_000,
        metadata={"description": "Only for a product; default: 1", "example": 1},
    )
    expected_amount = Amount(metadata=_EXPECTED_AMOUNT | {"example": "3.50"})


class MerchantCodeOut(Schema):
    """Describes what `merchant_code_out` returns."""

    id = ma.fields.UUID(required=True)
    product_id = ma.fields.UUID(required=True, allow_none=True)
    amount = MoneyOut(required=True, allow_none=True, metadata={"example": "3.50"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    label = ma.fields.String(required=True, allow_none=True, metadata={"example": "Counter 1"})
    is_active = ma.fields.Boolean(required=True)
    token = ma.fields.String(required=True, metadata=_TOKEN)
    link = ma.fields.String(required=True, metadata=_LINK)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class MerchantCodeProductOut(Schema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, metadata={"example": "Espresso"})
    price = MoneyOut(required=True, metadata={"example": "3.50"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    available_units = ma.fields.Integer(required=True)
    is_active = ma.fields.Boolean(required=True)


class PublicMerchantCodeOut(Schema):
    """Describes what `public_merchant_code_out` returns."""

    merchant = ma.fields.Nested(VerifiedPayeeOut, required=True)
    label = ma.fields.String(required=True, allow_none=True, metadata={"example": "Counter 1"})
    product = ma.fields.Nested(MerchantCodeProductOut, required=True, allow_none=True)
    amount = MoneyOut(
        required=True,
        allow_none=True,
        metadata={"description": "null for a product, and if the payer chooses"},
    )
    currency = ma.fields.String(required=True, metadata={"example": "USD"})


PaymentRequestList = page_of(PaymentRequestOut)
MerchantCodeList = page_of(MerchantCodeOut)


@serializes(PaymentRequestOut)
def payment_request_out(details: PaymentRequestDetails, *, base: str) -> dict[str, Any]:
    """Serialize as PaymentRequestOut describes, for its parties. base: see `link_to`."""
    request, payer = details.request, details.payer
    return {
        "id": request.id,
        "status": details.status,
        "amount": _money(request.amount, request.currency),
        "currency": request.currency,
        "note": request.note,
        "requester": party_out(details.requester),
        # Anyone can request money from anyone, so a request must not reveal more about the payer
        # than its requester already knows.
        "payer": {"name": masked_name(payer), "email": masked_email(payer.email)}
        if payer
        else None,
        "token": request.token,
        "link": link_to(request.token, base=base),
        "transferId": request.transfer_id,
        "expiresAt": format_timestamp(request.expires_at),
        "createdAt": format_timestamp(request.created_at),
        "closedAt": format_timestamp(request.closed_at),
    }


@serializes(PublicPaymentRequestOut)
def public_payment_request_out(details: PaymentRequestDetails) -> dict[str, Any]:
    """Serialize as PublicPaymentRequestOut describes, for anyone with the link."""
    request = details.request
    return {
        "id": request.id,
        "status": details.status,
        "amount": _money(request.amount, request.currency),
        "currency": request.currency,
        "note": request.note,
        "requester": verified_payee_out(details.requester),
        "isAddressed": request.payer_id is not None,
        "expiresAt": format_timestamp(request.expires_at),
    }


@serializes(MerchantCodeOut)
def merchant_code_out(found: MerchantCodeDetails, *, base: str) -> dict[str, Any]:
    """Serialize as MerchantCodeOut describes, for its merchant. base: see `link_to`."""
    code = found.code
    return {
        "id": code.id,
        "productId": code.product_id,
        "amount": _money(code.amount, code.currency),
        "currency": code.currency,
        "label": code.label,
        "isActive": code.is_active,
        "token": code.token,
        "link": link_to(code.token, base=base),
        "createdAt": format_timestamp(code.created_at),
        "updatedAt": format_timestamp(code.updated_at),
    }


@serializes(PublicMerchantCodeOut)
def public_merchant_code_out(found: MerchantCodeDetails) -> dict[str, Any]:
    """Serialize as PublicMerchantCodeOut describes, for anyone who scans the code."""
    code = found.code
    return {
        "merchant": verified_payee_out(found.merchant),
        "label": code.label,
        "product": _product_out(found.product) if found.product else None,
        "amount": _money(code.amount, code.currency),
        "currency": code.currency,
    }


@serializes(MerchantCodeProductOut)
def _product_out(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name,
        "price": format_minor(product.price, product.currency),
        "currency": product.currency,
        "availableUnits": product.available_units,
        "isActive": product.is_active,
    }


def _money(minor: int | None, currency: str) -> str | None:
    return None if minor is None else format_minor(minor, currency)
