"""Orders, refunds and refund requests."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from app.events.base import (
    OMITTED,
    Event,
    FlagReason,
    LatencyMs,
    MinorUnits,
    Omitted,
    OrderNumber,
    RiskScore,
    event,
)

# Orders


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Event):
    number: OrderNumber
    user_id: Annotated[UUID, "the buyer"]
    merchant_id: UUID
    product_id: UUID
    quantity: int
    discount: MinorUnits
    amount: Annotated[MinorUnits, "after the discount"]
    fee: Annotated[MinorUnits, "platform fee, part of the amount"]
    currency: str


@event("order-completed", aggregate="order")
class OrderCompleted(OrderEvent):
    """An order was paid: from the wallet, or at the payment gateway."""

    giveaway_id: Annotated[
        UUID | Omitted, "of what was given away and is no sale, and absent otherwise"
    ] = OMITTED
    payment_method: Annotated[str | Omitted, "`GATEWAY`, and absent for the wallet"] = OMITTED
    reason: Annotated[str | Omitted | None, "null, and absent for the wallet"] = OMITTED
    risk_score: RiskScore = OMITTED
    latency_ms: LatencyMs = OMITTED


@event("order-under-review", aggregate="order")
class OrderUnderReview(OrderEvent):
    """The money of an order is on hold, and its units are reserved, until it is reviewed."""


@event("order-rejected", aggregate="order")
class OrderRejected(OrderEvent):
    """An order was rejected in review, or not reviewed in time, and its units were released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveawayEvent(Event):
    merchant_id: UUID
    product_id: UUID
    name: str
    kind: Annotated[str, "`BATCH` or `LINK`"]
    units: Annotated[int, "given away so far"]
    max_units: Annotated[int, "to be given away in all"]


@event("giveaway-created", aggregate="giveaway")
class GiveawayCreated(GiveawayEvent):
    """A merchant gave away a batch of codes, or created a link with which users claim one each."""


@event("giveaway-closed", aggregate="giveaway")
class GiveawayClosed(GiveawayEvent):
    """A merchant closed a giveaway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutEvent(OrderEvent):
    payment_method: Annotated[str, "`GATEWAY`"]
    reason: Annotated[str | None, "why the last payment or the order failed"]


@event("order-pending", aggregate="order")
class OrderPending(CheckoutEvent):
    """Units were reserved for an order that is to be paid at the payment gateway."""


@event("order-payment-failed", aggregate="order")
class OrderPaymentFailed(CheckoutEvent):
    """A card was declined. The checkout stays open for another one."""


@event("order-failed", aggregate="order")
class OrderFailed(CheckoutEvent):
    """The checkout of an order ended unpaid, and its units were released."""


@event("order-cancelled", aggregate="order")
class OrderCancelled(CheckoutEvent):
    """The buyer cancelled a pending order, and its units were released."""


@event("checkout-flagged", aggregate="order")
class CheckoutFlagged(Event):
    """The checkout of an order needs attention: its outcome at the gateway is unknown."""

    order_number: OrderNumber
    reason: FlagReason


# Refunds


@event("order-refunded", aggregate="order")
class OrderRefunded(Event):
    """An order was refunded, in full or in part, by its merchant or the platform."""

    refund_id: UUID
    order_number: OrderNumber
    user_id: Annotated[UUID, "the buyer"]
    merchant_id: UUID
    product_id: UUID
    amount: MinorUnits
    fee: Annotated[MinorUnits, "returned to the merchant"]
    currency: str
    units: int
    status: Annotated[str, "of the order"]
    by_platform: Annotated[
        bool | Omitted,
        "true if an administrator refunded it for the merchant, and absent otherwise",
    ] = OMITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundEvent(Event):
    order_id: UUID
    order_number: OrderNumber
    merchant_id: UUID
    amount: MinorUnits
    currency: str
    destination: Annotated[str, "`WALLET`, `GATEWAY` or `EXTERNAL`"]
    reason: Annotated[str | None, "why the gateway could not refund it, or why it is flagged"]


@event("refund-settled", aggregate="refund")
class RefundSettled(RefundEvent):
    """The payment gateway returned the money to the buyer's card."""


@event("refund-redirected", aggregate="refund")
class RefundRedirected(RefundEvent):
    """The payment gateway could not return the money, and the buyer's wallet was credited."""


@event("refund-paid-externally", aggregate="refund")
class RefundPaidExternally(RefundEvent):
    """The payment gateway refused the refund, and the platform paid the buyer by other means."""


@event("refund-flagged", aggregate="refund")
class RefundFlagged(RefundEvent):
    """A refund needs attention: its outcome at the gateway is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequestEvent(Event):
    order_id: UUID
    order_number: OrderNumber
    user_id: Annotated[UUID, "the buyer"]
    merchant_id: UUID
    refund_id: Annotated[UUID | None, "once it is approved"]


@event("refund-requested", aggregate="refund_claim")
class RefundRequested(RefundRequestEvent):
    """A buyer requested a refund."""


@event("refund-request-approved", aggregate="refund_claim")
class RefundRequestApproved(RefundRequestEvent):
    """The merchant approved a refund request, and the order was refunded."""


@event("refund-request-declined", aggregate="refund_claim")
class RefundRequestDeclined(RefundRequestEvent):
    """The merchant declined a refund request."""


@event("refund-request-withdrawn", aggregate="refund_claim")
class RefundRequestWithdrawn(RefundRequestEvent):
    """The buyer withdrew a refund request."""
