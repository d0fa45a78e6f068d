"""What the gateway sends, in our types: checkout sessions, refunds, events."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.common.money import Money


class GatewayEventType(StrEnum):
    """Stripe's event types that are handled here. All others are acknowledged and dropped."""

    CHECKOUT_COMPLETED = "checkout.session.completed"
    CHECKOUT_EXPIRED = "checkout.session.expired"
    PAYMENT_FAILED = "payment_intent.payment_failed"
    REFUND_CREATED = "refund.created"
    REFUND_UPDATED = "refund.updated"
    REFUND_FAILED = "refund.failed"


class CheckoutSessionStatus(StrEnum):
    OPEN = "OPEN"
    PAID = "PAID"
    EXPIRED = "EXPIRED"


class GatewayRefundStatus(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    PENDING = "PENDING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A page where one payment can be made until it expires. url: works for anyone who has it."""

    session_id: str
    url: str
    payment_intent_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CheckoutSessionState:
    """The state of a checkout session.

    amount: minor units; payment_intent_id: set once a payment has been attempted.
    """

    session_id: str
    status: CheckoutSessionStatus
    payment_intent_id: str | None
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """A refund at the gateway. id: the gateway's; reason: why it failed, if it did.

    SUCCEEDED may become FAILED days later, for example when the card has been closed meanwhile.
    """

    id: str
    status: GatewayRefundStatus
    reason: str | None


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """An event of the gateway. reference: our order or refund, None if it names neither."""

    type: GatewayEventType
    reference: UUID | None
    money: Money | None
    payment_intent_id: str | None
    reason: str | None
