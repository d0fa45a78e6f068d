"""Starts and stops simulated traffic."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.administration.traffic import client
from app.audit import service as audit


class TrafficStatus(StrEnum):
    """What was decided about a transaction."""

    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    REVIEW = "REVIEW"


_ACCEPTED: Final = (TrafficStatus.APPROVED, TrafficStatus.REVIEW)


@dataclass(frozen=True, slots=True)
class Traffic:
    """interval: milliseconds between two transactions, None while none are made regularly.
    made: transactions since the simulator started; approved, declined, under_review, failed: by
    their outcome, failed ones for technical reasons."""

    interval: int | None
    made: int
    approved: int
    declined: int
    under_review: int
    failed: int


@dataclass(frozen=True, slots=True)
class MadeTransaction:
    """decline_reason: the code of the error; None unless DECLINED."""

    user_id: UUID
    amount: str
    currency: str
    status: TrafficStatus
    decline_reason: str | None


def get_traffic() -> Traffic:
    """Raises TrafficForbidden, TrafficUnavailable, as all functions of this module."""
    return _traffic(client.call("GET", "/status"))


def start(interval: int) -> Traffic:
    """Make a transaction every `interval` milliseconds, also if it was another interval before."""
    return _traffic(client.call("POST", "/start", {"interval": interval}))


def stop() -> Traffic:
    """Make no more transactions."""
    return _traffic(client.call("POST", "/stop"))


def make_once() -> MadeTransaction:
    """Make one transaction now. Its payer makes no others meanwhile."""
    made = client.call("POST", "/once")
    outcome = made["outcome"]
    is_declined = outcome not in _ACCEPTED
    return MadeTransaction(
        user_id=UUID(made["userId"]),
        amount=made["amount"],
        currency=made["currency"],
        status=TrafficStatus.DECLINED if is_declined else TrafficStatus(outcome),
        decline_reason=outcome if is_declined else None,
    )


def record(session: Session, *, actor_id: UUID, action: str, **details: Any) -> None:
    """Record what an administrator does in the audit log."""
    audit.record(
        session, actor_id=actor_id, action=action, target=("user", actor_id), details=details
    )


def _traffic(answer: Mapping[str, Any]) -> Traffic:
    return Traffic(
        answer["interval"],
        *(answer[name] for name in ("made", "approved", "declined", "underReview", "failed")),
    )
