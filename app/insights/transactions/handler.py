"""Keeps the feed of transactions and its sums: a handler of events, in the relay's transaction."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.masking import public_names
from app.auth.models import Role
from app.events.sinks import StoredEvent
from app.insights.transactions import repository
from app.insights.transactions.events import TYPES, Attempt, attempts_of
from app.insights.transactions.models import (
    COUNTS,
    FeedKind,
    FeedStatus,
    TransactionDay,
    TransactionMinute,
)

__all__ = ["TYPES", "handle"]

#: What is shown in place of a merchant where none is paid.
_LABELS: Final = {
    FeedKind.PURCHASE: "Purchase",
    FeedKind.TRANSFER: "Transfer",
    FeedKind.PAYMENT_REQUEST: "Payment request",
    FeedKind.MERCHANT_CODE: "Merchant code",
    FeedKind.HOLD: "Hold",
    FeedKind.WITHDRAWAL: "Withdrawal",
    FeedKind.PAYOUT: "Payout",
}
#: A merchant without a public name. Not the masked address, because a feed may be public.
_UNNAMED: Final = "Merchant"
#: The column that counts the transactions of a status.
_COLUMNS: Final = {
    FeedStatus.APPROVED: "approved",
    FeedStatus.DECLINED: "declined",
    FeedStatus.REVIEW: "reviewed",
}


def handle(session: Session, events: Sequence[StoredEvent]) -> None:
    """Add what events report to the feed and to the sums. Idempotent by the transaction's ID.

    Raises KeyError or ValueError for an event without the fields of its type.
    """
    attempts = [attempt for event in events for attempt in attempts_of(event)]
    if not attempts:
        return
    payees = {attempt.payee_id for attempt in attempts if attempt.payee_id is not None}
    merchants = {
        row.id: _name(row)
        for row in repository.list_payees(session, payees)
        if row.role == Role.MERCHANT
    }
    repository.add_users(session, {attempt.user_id for attempt in attempts})
    added = repository.add_transactions(session, [_row(each, merchants) for each in attempts])
    if added:
        repository.add_sums(session, TransactionMinute, _sums(added, _start_of_minute))
        repository.add_sums(session, TransactionDay, _sums(added, _start_of_day))


def _name(merchant: Any) -> str:
    return merchant.shop_name or " ".join(filter(None, public_names(merchant))) or _UNNAMED


def _row(attempt: Attempt, merchants: Mapping[UUID, str]) -> dict[str, Any]:
    payee = attempt.payee_id
    merchant_id = payee if payee in merchants else None
    return {
        "transaction_id": attempt.transaction_id,
        "user_id": attempt.user_id,
        "kind": attempt.kind,
        "merchant_id": merchant_id,
        "merchant_name": _LABELS[attempt.kind] if merchant_id is None else merchants[merchant_id],
        "amount": attempt.amount,
        "currency": attempt.currency,
        "status": attempt.status,
        "decline_reason": attempt.decline_reason,
        "latency_ms": attempt.latency_ms,
        "risk_score": attempt.risk_score,
        "occurred_at": attempt.occurred_at,
    }


def _sums(added: Iterable[Any], start_of: Any) -> list[dict[str, Any]]:
    """Rows of sums: the added transactions by period and currency."""
    sums: dict[tuple[datetime, str], Counter[str]] = {}
    for row in added:
        found = sums.setdefault((start_of(row.occurred_at), row.currency), Counter())
        found[_COLUMNS[FeedStatus(row.status)]] += 1
        if row.status == FeedStatus.APPROVED:
            found["volume"] += row.amount
        if row.latency_ms is not None:
            found["measured"] += 1
            found["latency_ms"] += row.latency_ms
    return [
        {"starts_at": starts_at, "currency": currency} | {name: found[name] for name in COUNTS}
        for (starts_at, currency), found in sums.items()
    ]


def _start_of_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _start_of_day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
