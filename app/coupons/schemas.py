"""Schemas of coupons."""

from decimal import Decimal
from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID
from app.common.fields import Amount, Choice, Flag, Id, Schema, Timestamp, WholeNumber, serializes
from app.common.money import format_minor
from app.common.pagination import page_of
from app.common.text import typed_code
from app.coupons.models import Coupon, CouponKind

_MAX_USES = 1_000_000_000


class CouponCode(ma.fields.String):
    """A coupon code, converted to upper case."""

    def __init__(self, **kwargs: Any) -> None:
        pattern = ma.validate.Regexp(
            r"[A-Z0-9][A-Z0-9_-]{2,39}\Z",
            error="Must be 3 to 40 letters, digits, - and _, and start with a letter or digit.",
        )
        documented = {"pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{2,39}$", **kwargs.pop("metadata", {})}
        super().__init__(validate=pattern, metadata=documented, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        code = typed_code(value)
        return code.upper() if code.isascii() else code


class _Limits(Schema):
    starts_at = Timestamp(allow_none=True, metadata={"example": "2026-11-27T00:00:00.000Z"})
    ends_at = Timestamp(allow_none=True, metadata={"example": "2026-11-30T00:00:00.000Z"})
    max_uses = WholeNumber(
        minimum=1,
        maximum=_MAX_USES,
        allow_none=True,
        metadata={"description": "Maximum uses in total; null for no limit", "example": 200},
    )


class CreateCouponIn(_Limits):
    code = CouponCode(
        metadata={
            "description": "Omitted: a random code that cannot be guessed. Short codes can be"
            " found by trying",
            "example": "BLACKFRIDAY",
        }
    )
    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(CouponKind)),
        metadata={"example": "PERCENT"},
    )
    value = Amount(
        required=True,
        metadata={
            "description": "A percentage of up to 100 with two decimal places, or an amount in the"
            " shop's currency that is deducted from the order total",
            "example": "25",
        },
    )
    max_uses_per_user = WholeNumber(
        minimum=1,
        maximum=_MAX_USES,
        allow_none=True,
        metadata={"description": "Maximum uses per buyer; null for no limit", "example": 1},
    )
    product_id = Id(
        allow_none=True,
        metadata={
            "description": "Product that it is valid for; null for all products of the merchant",
            "example": EXAMPLE_ID,
        },
    )

    @ma.validates_schema(skip_on_field_errors=True)
    def _require_possible(self, data: dict[str, Any], **_: Any) -> None:
        value: Decimal = data["value"]
        if data["kind"] == CouponKind.PERCENT and (value > 100 or value * 100 % 1):
            raise ma.ValidationError("At most 100, with two decimals.", "value")
        starts, ends = data.get("starts_at"), data.get("ends_at")
        if starts is not None and ends is not None and ends <= starts:
            raise ma.ValidationError("Must be after startsAt.", "endsAt")


class UpdateCouponIn(_Limits):
    is_active = Flag()


class CouponOut(Schema):
    """Describes what `coupon_out` returns."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True, metadata={"example": "BLACKFRIDAY"})
    kind = Choice(CouponKind, required=True, metadata={"example": "PERCENT"})
    value = ma.fields.String(required=True, metadata={"example": "25.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    product_id = ma.fields.UUID(required=True, allow_none=True)
    starts_at = Timestamp(required=True, allow_none=True)
    ends_at = Timestamp(required=True, allow_none=True)
    max_uses = ma.fields.Integer(required=True, allow_none=True)
    max_uses_per_user = ma.fields.Integer(required=True, allow_none=True)
    uses = ma.fields.Integer(required=True)
    is_active = ma.fields.Boolean(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


CouponList = page_of(CouponOut)


@serializes(CouponOut)
def coupon_out(coupon: Coupon) -> dict[str, Any]:
    """value: percent, or units of the currency."""
    percent = coupon.kind == CouponKind.PERCENT
    return {
        "id": coupon.id,
        "code": coupon.code,
        "kind": coupon.kind,
        "value": f"{Decimal(coupon.value) / 100:.2f}"
        if percent
        else format_minor(coupon.value, coupon.currency),
        "currency": coupon.currency,
        "productId": coupon.product_id,
        "startsAt": format_timestamp(coupon.starts_at),
        "endsAt": format_timestamp(coupon.ends_at),
        "maxUses": coupon.max_uses,
        "maxUsesPerUser": coupon.max_uses_per_user,
        "uses": coupon.uses,
        "isActive": coupon.is_active,
        "createdAt": format_timestamp(coupon.created_at),
        "updatedAt": format_timestamp(coupon.updated_at),
    }
