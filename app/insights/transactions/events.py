"""Which events are transactions of the feed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.events.catalogue.banks import PayoutPaid, PayoutRefused, PayoutSubmitted
from app.events.catalogue.orders import OrderCompleted
from app.events.catalogue.wallets import BalanceUpdated, HoldPlaced, TransferCompleted
from app.events.sinks import StoredEvent
from app.insights.transactions.models import FeedKind, FeedStatus
from app.transfers.models import Purpose
from app.wallets.models import TransactionType

#: Recorded by the screening of payments: a refusal that says something about money or risk, and a
#: payment that waits for a review.
REFUSED: Final = "payment-refused"
UNDER_REVIEW: Final = "payment-under-review"

#: The code of payouts that the bank has refused before it accepted them.
REFUSED_BY_BANK: Final = "REFUSED_BY_BANK"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A transaction as its event tells it. payee_id: the user who is paid, if one is."""

    transaction_id: UUID
    user_id: UUID
    kind: FeedKind
    payee_id: UUID | None
    amount: int
    currency: str
    status: FeedStatus
    decline_reason: str | None
    latency_ms: int | None
    risk_score: str | None
    occurred_at: datetime


_KINDS: Final = {
    Purpose.PAYMENT_REQUEST: FeedKind.PAYMENT_REQUEST,
    Purpose.MERCHANT_CODE: FeedKind.MERCHANT_CODE,
}


def attempts_of(event: StoredEvent) -> Iterator[Attempt]:
    """The transaction that an event reports, if it does.

    Raises KeyError or ValueError for an event without the fields of its type.
    """
    if event.type in _ATTEMPTS:
        yield from _ATTEMPTS[event.type](event)


def _attempt(event: StoredEvent, kind: FeedKind, **values: Any) -> Attempt:
    data = event.data
    payee = values.pop("payee", None)
    return Attempt(
        transaction_id=values.pop("transaction_id", event.aggregate_id),
        user_id=UUID(values.pop("user")),
        kind=kind,
        payee_id=None if payee is None else UUID(payee),
        amount=abs(data["amount"]),
        currency=data["currency"],
        status=values.pop("status", FeedStatus.APPROVED),
        decline_reason=values.pop("reason", None),
        latency_ms=data.get("latencyMs"),
        risk_score=data.get("riskScore"),
        occurred_at=event.occurred_at,
    )


def _purchase(event: StoredEvent) -> Iterator[Attempt]:
    data = event.data
    # A card is charged at the gateway, and what is given away costs nothing.
    if "paymentMethod" not in data and "giveawayId" not in data:
        yield _attempt(event, FeedKind.PURCHASE, user=data["userId"], payee=data["merchantId"])


def _transfer(event: StoredEvent) -> Iterator[Attempt]:
    data = event.data
    kind = FeedKind.TRANSFER
    if data["referenceType"] is not None:
        kind = _KINDS[Purpose(data["referenceType"])]
    yield _attempt(event, kind, user=data["senderId"], payee=data["receiverId"])


def _hold(event: StoredEvent) -> Iterator[Attempt]:
    data = event.data
    yield _attempt(event, FeedKind.HOLD, user=data["payerId"], payee=data["payeeId"])


def _withdrawal(event: StoredEvent) -> Iterator[Attempt]:
    data = event.data
    if data["type"] == TransactionType.WITHDRAWAL:
        entry_id = UUID(data["journalEntryId"])
        yield _attempt(event, FeedKind.WITHDRAWAL, user=data["userId"], transaction_id=entry_id)


def _payout(event: StoredEvent) -> Iterator[Attempt]:
    yield _attempt(event, FeedKind.PAYOUT, user=event.data["userId"])


def _refused_payout(event: StoredEvent) -> Iterator[Attempt]:
    yield _attempt(
        event,
        FeedKind.PAYOUT,
        user=event.data["userId"],
        status=FeedStatus.DECLINED,
        reason=REFUSED_BY_BANK,
    )


def _undone(event: StoredEvent, status: FeedStatus, reason: str | None) -> Attempt:
    data = event.data
    return _attempt(
        event,
        FeedKind(data["kind"]),
        user=data["userId"],
        payee=data["merchantId"] or data["payeeId"],
        transaction_id=event.id,
        status=status,
        reason=reason,
    )


def _refused(event: StoredEvent) -> Iterator[Attempt]:
    yield _undone(event, FeedStatus.DECLINED, event.data["code"])


def _under_review(event: StoredEvent) -> Iterator[Attempt]:
    yield _undone(event, FeedStatus.REVIEW, None)


# The first event of a payout is its transaction: it has one ID, and the rest changes nothing.
_ATTEMPTS: Final[Mapping[str, Callable[[StoredEvent], Iterator[Attempt]]]] = {
    OrderCompleted.event_type: _purchase,
    TransferCompleted.event_type: _transfer,
    HoldPlaced.event_type: _hold,
    BalanceUpdated.event_type: _withdrawal,
    PayoutSubmitted.event_type: _payout,
    PayoutPaid.event_type: _payout,
    PayoutRefused.event_type: _refused_payout,
    REFUSED: _refused,
    UNDER_REVIEW: _under_review,
}

#: The types of events that may be transactions.
TYPES: Final = frozenset(_ATTEMPTS)
