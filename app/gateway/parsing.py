"""Parsing Stripe's objects: strict about every field that is used, tolerant of additional ones."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from app.common.ids import parse_id
from app.common.money import EXPONENTS, Money
from app.gateway.errors import InvalidGatewayObject
from app.gateway.types import (
    CheckoutSession,
    CheckoutSessionState,
    CheckoutSessionStatus,
    GatewayEvent,
    GatewayEventType,
    GatewayRefund,
    GatewayRefundStatus,
)

_MAX_REASON: Final = 255


class _Id(ma.fields.Field[str]):
    """An id, alone or in the object that it names."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = value.get("id") if isinstance(value, dict) else value
        if not isinstance(found, str) or not 1 <= len(found) <= 255 or not found.isprintable():
            raise ma.ValidationError("Not an id.")
        return found


class _Currency(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return str(super()._deserialize(value, attr, data, **kwargs)).upper()


class _Object(ma.Schema):
    class Meta:
        unknown = ma.EXCLUDE

    id = _Id(required=True)
    metadata = ma.fields.Dict(load_default=None, allow_none=True)
    currency = _Currency(required=True, validate=Length(equal=3))


def _minor_units() -> ma.fields.Integer:
    return ma.fields.Integer(required=True, strict=True, validate=Range(0, 2**63 - 1))


class _CheckoutSession(_Object):
    status = ma.fields.String(required=True, validate=OneOf(["open", "complete", "expired"]))
    payment_status = ma.fields.String(required=True)
    payment_intent = _Id(load_default=None, allow_none=True)
    amount_total = _minor_units()
    client_reference_id = ma.fields.String(load_default=None, allow_none=True)
    url = ma.fields.Url(load_default=None, allow_none=True, require_tld=False)
    expires_at = ma.fields.Integer(required=True, strict=True, validate=Range(0, 253_370_764_800))


class _PaymentError(ma.Schema):
    class Meta:
        unknown = ma.EXCLUDE

    code = ma.fields.String(load_default=None, allow_none=True)
    decline_code = ma.fields.String(load_default=None, allow_none=True)


class _PaymentIntent(_Object):
    amount = _minor_units()
    last_payment_error = ma.fields.Nested(_PaymentError, load_default=None, allow_none=True)


class _Refund(_Object):
    status = ma.fields.String(required=True)
    amount = _minor_units()
    payment_intent = _Id(load_default=None, allow_none=True)
    failure_reason = ma.fields.String(load_default=None, allow_none=True)


def _load(schema: type[ma.Schema], raw: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = schema().load(raw)
    except ma.ValidationError as error:
        fields = ", ".join(error.messages_dict)
        raise InvalidGatewayObject(f"{schema.__name__}: {fields}") from error
    return found


def parse_checkout_session(
    raw: Mapping[str, Any], *, order_id: UUID, money: Money
) -> CheckoutSession:
    """The checkout session of that order and amount. Raises InvalidGatewayObject for any other."""
    found = _load(_CheckoutSession, raw)
    theirs = found["client_reference_id"], found["amount_total"], found["currency"]
    if theirs != (str(order_id), money.minor, money.currency) or found["url"] is None:
        raise InvalidGatewayObject("a checkout session of another order or amount")
    expires_at = datetime.fromtimestamp(found["expires_at"], UTC)
    return CheckoutSession(found["id"], found["url"], found["payment_intent"], expires_at)


def parse_checkout_session_state(raw: Mapping[str, Any]) -> CheckoutSessionState:
    """Raises InvalidGatewayObject."""
    found = _load(_CheckoutSession, raw)
    return CheckoutSessionState(
        session_id=found["id"],
        status=_session_status(found["status"], found["payment_status"]),
        payment_intent_id=found["payment_intent"],
        amount=found["amount_total"],
        currency=found["currency"],
    )


def _session_status(session: str, payment: str) -> CheckoutSessionStatus:
    """A session that is complete but not paid is still OPEN: its payment is processing."""
    if payment == "paid":
        return CheckoutSessionStatus.PAID
    return CheckoutSessionStatus.EXPIRED if session == "expired" else CheckoutSessionStatus.OPEN


_REFUND_STATUS: Final = {
    "succeeded": GatewayRefundStatus.SUCCEEDED,
    "pending": GatewayRefundStatus.PENDING,
    "requires_action": GatewayRefundStatus.PENDING,
    "failed": GatewayRefundStatus.FAILED,
    "canceled": GatewayRefundStatus.FAILED,
}


def parse_refund(
    raw: Mapping[str, Any], *, refund_id: UUID | None = None, money: Money | None = None
) -> GatewayRefund:
    """A refund, of our id and of that amount where they are given. Raises InvalidGatewayObject."""
    found = _load(_Refund, raw)
    status = _REFUND_STATUS.get(found["status"])
    is_ours = refund_id is None or _reference(found["metadata"], "refund_id") == refund_id
    is_equal = money is None or (found["amount"], found["currency"]) == (
        money.minor,
        money.currency,
    )
    if status is None or not is_ours or not is_equal:
        raise InvalidGatewayObject("another refund, or an unknown status of one")
    failed = status is GatewayRefundStatus.FAILED
    reason = (found["failure_reason"] or found["status"])[:_MAX_REASON] if failed else None
    return GatewayRefund(found["id"], status, reason)


def parse_event(event_type: str, raw: Mapping[str, Any]) -> GatewayEvent | None:
    """An event about `raw`, its object; None if its type is not handled here.

    Raises InvalidGatewayObject.
    """
    match event_type:
        case GatewayEventType.CHECKOUT_COMPLETED | GatewayEventType.CHECKOUT_EXPIRED:
            found = _load(_CheckoutSession, raw)
            reference, amount = parse_id(found["client_reference_id"]), found["amount_total"]
            payment_intent_id, reason = found["payment_intent"], None
        case GatewayEventType.PAYMENT_FAILED:
            found = _load(_PaymentIntent, raw)
            reference, amount = _reference(found["metadata"], "order_id"), found["amount"]
            error = found["last_payment_error"] or {}
            payment_intent_id = found["id"]
            reason = error.get("decline_code") or error.get("code")
        case (
            GatewayEventType.REFUND_CREATED
            | GatewayEventType.REFUND_UPDATED
            | GatewayEventType.REFUND_FAILED
        ):
            found = _load(_Refund, raw)
            reference, amount = _reference(found["metadata"], "refund_id"), found["amount"]
            payment_intent_id, reason = found["payment_intent"], found["failure_reason"]
        case _:
            return None
    return GatewayEvent(
        type=GatewayEventType(event_type),
        reference=reference,
        money=_money(amount, found["currency"]),
        payment_intent_id=payment_intent_id,
        reason=reason and reason[:_MAX_REASON],
    )


def _reference(metadata: Mapping[str, Any] | None, name: str) -> UUID | None:
    return parse_id((metadata or {}).get(name))


def _money(minor: int, currency: str) -> Money | None:
    """Stripe counts in the smallest units of ISO 4217, as we do."""
    return Money(minor, currency) if currency in EXPONENTS else None
