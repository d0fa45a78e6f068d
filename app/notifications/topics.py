"""Who is notified of which event: the topics of notifications.

A topic selects the text (app.notifications.texts) and belongs to a kind, by which users choose.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.events.base import Event
from app.events.catalogue.accounts import (
    ApiKeyCreated,
    ApiKeyRevoked,
    EmailChanged,
    HandleLost,
    PasswordChanged,
    SessionCreated,
    TwoFactorChanged,
)
from app.events.catalogue.banks import OnrampFailed, OnrampSucceeded, PayoutPaid, PayoutRefused
from app.events.catalogue.notifications import NotificationRequest
from app.events.catalogue.orders import (
    OrderCompleted,
    OrderRefunded,
    RefundRequestDeclined,
    RefundRequested,
)
from app.events.catalogue.products import StockLow
from app.events.catalogue.wallets import (
    PaymentRequestCancelled,
    PaymentRequestCreated,
    PaymentRequestDeclined,
    PaymentRequestExpired,
    PaymentReviewed,
    PaymentUnderReview,
    TransferCompleted,
)
from app.events.catalogue.webhooks import WebhookEndpointDisabled
from app.events.sinks import StoredEvent
from app.notifications.models import Kind

#: The kind of each topic.
KINDS: Final[dict[str, Kind]] = {
    "purchase": Kind.PURCHASE,
    "sale": Kind.SALE,
    "sales_digest": Kind.SALE,
    "refund": Kind.REFUND,
    "refund_by_platform": Kind.REFUND,
    "refund_requested": Kind.REFUND,
    "refund_request_declined": Kind.REFUND,
    "deposit": Kind.DEPOSIT,
    "deposit_failed": Kind.DEPOSIT,
    "payout": Kind.PAYOUT,
    "payout_refused": Kind.PAYOUT,
    "transfer_received": Kind.TRANSFER,
    "transfer_sent": Kind.TRANSFER,
    "payment_request": Kind.PAYMENT_REQUEST,
    "payment_request_declined": Kind.PAYMENT_REQUEST,
    "payment_request_cancelled": Kind.PAYMENT_REQUEST,
    "payment_request_expired": Kind.PAYMENT_REQUEST,
    "payment_under_review": Kind.REVIEW,
    "payment_released": Kind.REVIEW,
    "payment_rejected": Kind.REVIEW,
    "payment_review_expired": Kind.REVIEW,
    "stock_low": Kind.LOW_STOCK,
    "webhook_disabled": Kind.WEBHOOK,
    "message": Kind.MESSAGE,
    "new_session": Kind.SECURITY,
    "password_reset": Kind.SECURITY,
    "password_changed": Kind.SECURITY,
    "email_verification": Kind.SECURITY,
    "email_wanted": Kind.SECURITY,
    "email_replaced": Kind.SECURITY,
    "phone_code": Kind.SECURITY,
    "email_changed": Kind.SECURITY,
    "handle_lost": Kind.SECURITY,
    "two_factor_changed": Kind.SECURITY,
    "api_key_created": Kind.SECURITY,
    "api_key_revoked": Kind.SECURITY,
}


#: The kinds of payments of which the payer is not told when they are made.
_SILENT_WHEN_MADE: Final = frozenset({"HOLD", "WITHDRAWAL", "PAYOUT"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user who is notified of an event."""

    user_id: UUID
    topic: str


#: Who is notified of an event, by its data.
Recipients = Callable[[StoredEvent], Iterator[Recipient]]


def recipients_of(event: StoredEvent) -> Iterator[Recipient]:
    """Those who are notified of an event: each user once at most.

    Raises KeyError for data without the fields of its type, and ValueError for an invalid ID.
    """
    return _RECIPIENTS[event.type](event)


def _to(key: str, topic: str) -> Recipients:
    """One recipient: the user of a field, unless it is null."""

    def recipients(event: StoredEvent) -> Iterator[Recipient]:
        if (user_id := event.data[key]) is not None:
            yield Recipient(UUID(user_id), topic)

    return recipients


def _to_aggregate(topic: str) -> Recipients:
    """One recipient: the aggregate, which is a user."""

    def recipients(event: StoredEvent) -> Iterator[Recipient]:
        yield Recipient(event.aggregate_id, topic)

    return recipients


def _of_order(event: StoredEvent) -> Iterator[Recipient]:
    buyer, merchant = event.data["userId"], event.data["merchantId"]
    if buyer == merchant:  # a batch that the merchant gives away
        return
    yield Recipient(UUID(buyer), "purchase")
    if event.data.get("giveawayId") is None:
        yield Recipient(UUID(merchant), "sale")


def _of_refund(event: StoredEvent) -> Iterator[Recipient]:
    yield Recipient(UUID(event.data["userId"]), "refund")
    if event.data.get("byPlatform"):
        yield Recipient(UUID(event.data["merchantId"]), "refund_by_platform")


def _of_transfer(event: StoredEvent) -> Iterator[Recipient]:
    yield Recipient(UUID(event.data["senderId"]), "transfer_sent")
    yield Recipient(UUID(event.data["receiverId"]), "transfer_received")


def _of_review(event: StoredEvent) -> Iterator[Recipient]:
    payer, status = UUID(event.data["userId"]), event.data["status"]
    if status == "REJECTED":
        yield Recipient(payer, "payment_rejected")
    elif status == "EXPIRED":
        yield Recipient(payer, "payment_review_expired")
    elif event.data["kind"] in _SILENT_WHEN_MADE:
        yield Recipient(payer, "payment_released")


def _of_session(event: StoredEvent) -> Iterator[Recipient]:
    if event.data["isNewDevice"]:
        yield Recipient(UUID(event.data["userId"]), "new_session")


def _by_type(recipients: Mapping[type[Event], Recipients]) -> dict[str, Recipients]:
    return {kind.event_type: function for kind, function in recipients.items()}


_RECIPIENTS: Final[dict[str, Recipients]] = _by_type(
    {
        OrderCompleted: _of_order,
        OrderRefunded: _of_refund,
        RefundRequested: _to("merchantId", "refund_requested"),
        RefundRequestDeclined: _to("userId", "refund_request_declined"),
        OnrampSucceeded: _to("userId", "deposit"),
        OnrampFailed: _to("userId", "deposit_failed"),
        PayoutPaid: _to("userId", "payout"),
        PayoutRefused: _to("userId", "payout_refused"),
        TransferCompleted: _of_transfer,
        # A request that is paid is a transfer.
        PaymentRequestCreated: _to("payerId", "payment_request"),
        PaymentRequestDeclined: _to("requesterId", "payment_request_declined"),
        PaymentRequestCancelled: _to("payerId", "payment_request_cancelled"),
        PaymentRequestExpired: _to("requesterId", "payment_request_expired"),
        PaymentUnderReview: _to("userId", "payment_under_review"),
        PaymentReviewed: _of_review,
        StockLow: _to("merchantId", "stock_low"),
        SessionCreated: _of_session,
        PasswordChanged: _to_aggregate("password_changed"),
        EmailChanged: _to_aggregate("email_changed"),
        HandleLost: _to_aggregate("handle_lost"),
        TwoFactorChanged: _to_aggregate("two_factor_changed"),
        ApiKeyCreated: _to("userId", "api_key_created"),
        ApiKeyRevoked: _to("userId", "api_key_revoked"),
        WebhookEndpointDisabled: _to("merchantId", "webhook_disabled"),
        NotificationRequest: _to_aggregate("message"),
    }
)

#: The types of events of which somebody is notified.
TYPES: Final = frozenset(_RECIPIENTS)


def facts_of(event: StoredEvent) -> dict[str, Any]:
    """The data that a text is made from."""
    return {**event.data, "id": str(event.aggregate_id)}
