"""What the gateway says, and what we make of it: checkouts, refunds, amounts.

Stripe's objects are read strictly where they matter, and may say more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from app.common.money import EXPONENTS, Money
from app.gateway.errors import AmountNotPayable

#: What of Stripe's events means something to us. All others are answered and forgotten.
CHECKOUT_COMPLETED: Final = "checkout.session.completed"
CHECKOUT_EXPIRED: Final = "checkout.session.expired"
PAYMENT_FAILED: Final = "payment_intent.payment_failed"
REFUND_CREATED: Final = "refund.created"
REFUND_UPDATED: Final = "refund.updated"
REFUND_FAILED: Final = "refund.failed"


class CheckoutStatus(StrEnum):
    OPEN = "OPEN"
    PAID = "PAID"
    EXPIRED = "EXPIRED"


class RefundStatus(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    PENDING = "PENDING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page on which somebody can pay until it expires. url: shows it to whoever has it."""

    session_id: str
    url: str
    payment_intent_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """How a checkout stands. amount: minor units; payment_intent_id: there once somebody tried."""

    session_id: str
    status: CheckoutStatus
    payment_intent_id: str | None
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class RefundState:
    """How a refund stands. id: the gateway's; reason: why not, if it has failed.

    SUCCEEDED may become FAILED, days later: a card that was closed meanwhile.
    """

    id: str
    status: RefundStatus
    reason: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What an event is about. reference: our order or refund, None if it is none of ours."""

    kind: str
    reference: UUID | None
    money: Money | None
    payment_intent_id: str | None
    reason: str | None


class NotUnderstood(Exception):
    """The gateway has said something that it should not. Nothing may be concluded from it."""


def is_payable(money: Money) -> bool:
    """Of three decimals, card networks take no more than two."""
    return EXPONENTS[money.currency] < 3 or money.minor % 10 == 0


def require_payable(money: Money) -> None:
    """Raises AmountNotPayable."""
    if not is_payable(money):
        raise AmountNotPayable(
            f"The payment provider takes at most 2 decimals of {money.currency}",
            reason="THREE_DECIMALS",
        )


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


def _minor() -> ma.fields.Integer:
    return ma.fields.Integer(required=True, strict=True, validate=Range(0, 2**63 - 1))


class _Session(_Object):
    status = ma.fields.String(required=True, validate=OneOf(["open", "complete", "expired"]))
    payment_status = ma.fields.String(required=True)
    payment_intent = _Id(load_default=None, allow_none=True)
    amount_total = _minor()
    client_reference_id = ma.fields.String(load_default=None, allow_none=True)
    url = ma.fields.Url(load_default=None, allow_none=True, require_tld=False)
    expires_at = ma.fields.Integer(required=True, strict=True, validate=Range(0, 253_370_764_800))


class _PaymentError(ma.Schema):
    class Meta:
        unknown = ma.EXCLUDE

    code = ma.fields.String(load_default=None, allow_none=True)
    decline_code = ma.fields.String(load_default=None, allow_none=True)


class _PaymentIntent(_Object):
    amount = _minor()
    last_payment_error = ma.fields.Nested(_PaymentError, load_default=None, allow_none=True)


class _Refund(_Object):
    status = ma.fields.String(required=True)
    amount = _minor()
    payment_intent = _Id(load_default=None, allow_none=True)
    failure_reason = ma.fields.String(load_default=None, allow_none=True)


def _read(schema: type[ma.Schema], raw: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = schema().load(raw)
    except ma.ValidationError as error:
        raise NotUnderstood(f"{schema.__name__}: {', '.join(error.messages_dict)}") from error
    return found


def read_checkout(raw: Mapping[str, Any], *, order_id: UUID, money: Money) -> Checkout:
    """A checkout for that order and amount. Raises NotUnderstood for any other."""
    found = _read(_Session, raw)
    theirs = found["client_reference_id"], found["amount_total"], found["currency"]
    if theirs != (str(order_id), money.minor, money.currency) or found["url"] is None:
        raise NotUnderstood("a checkout for something else")
    expires_at = datetime.fromtimestamp(found["expires_at"], UTC)
    return Checkout(found["id"], found["url"], found["payment_intent"], expires_at)


def read_checkout_state(raw: Mapping[str, Any]) -> CheckoutState:
    """How a Checkout Session stands. Raises NotUnderstood."""
    found = _read(_Session, raw)
    return CheckoutState(
        session_id=found["id"],
        status=_status(found["status"], found["payment_status"]),
        payment_intent_id=found["payment_intent"],
        amount=found["amount_total"],
        currency=found["currency"],
    )


def _status(session: str, payment: str) -> CheckoutStatus:
    """Only what is paid is PAID; complete without that is still to come."""
    if payment == "paid":
        return CheckoutStatus.PAID
    return CheckoutStatus.EXPIRED if session == "expired" else CheckoutStatus.OPEN


_REFUND_STATUS: Final = {
    "succeeded": RefundStatus.SUCCEEDED,
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def read_refund_state(
    raw: Mapping[str, Any], *, refund_id: UUID | None = None, money: Money | None = None
) -> RefundState:
    """How a refund stands, which must be that one if it is known. Raises NotUnderstood."""
    found = _read(_Refund, raw)
    status = _REFUND_STATUS.get(found["status"])
    ours = refund_id is None or _reference(found["metadata"], "refund_id") == refund_id
    same = money is None or (found["amount"], found["currency"]) == (money.minor, money.currency)
    if status is None or not ours or not same:
        raise NotUnderstood("a refund of something else, or of no known status")
    failed = status is RefundStatus.FAILED
    reason = (found["failure_reason"] or found["status"])[:255] if failed else None
    return RefundState(found["id"], status, reason)


def read_event(kind: str, raw: Mapping[str, Any]) -> Told | None:
    """What an event says about `raw`, its object; None if we have no use for that kind.

    Raises NotUnderstood.
    """
    if kind in (CHECKOUT_COMPLETED, CHECKOUT_EXPIRED):
        found = _read(_Session, raw)
        reference = _uuid(found["client_reference_id"])
        money = _money(found["amount_total"], found["currency"])
        return Told(kind, reference, money, found["payment_intent"], None)
    if kind == PAYMENT_FAILED:
        found = _read(_PaymentIntent, raw)
        why = found["last_payment_error"] or {}
        reason = why.get("decline_code") or why.get("code")
        return Told(
            kind,
            _reference(found["metadata"], "order_id"),
            _money(found["amount"], found["currency"]),
            found["id"],
            reason and reason[:255],
        )
    if kind in (REFUND_CREATED, REFUND_UPDATED, REFUND_FAILED):
        found = _read(_Refund, raw)
        return Told(
            kind,
            _reference(found["metadata"], "refund_id"),
            _money(found["amount"], found["currency"]),
            found["payment_intent"],
            found["failure_reason"] and found["failure_reason"][:255],
        )
    return None


def _reference(metadata: Mapping[str, Any] | None, name: str) -> UUID | None:
    return _uuid((metadata or {}).get(name))


def _uuid(text: Any) -> UUID | None:
    """The id that a text is, in the one spelling that we send."""
    try:
        found = UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None
    return found if str(found) == text else None


def _money(minor: int, currency: str) -> Money | None:
    """Stripe counts in the smallest units of ISO 4217, as we do."""
    return Money(minor, currency) if currency in EXPONENTS else None
