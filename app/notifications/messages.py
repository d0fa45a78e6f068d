"""Messages to be sent: how they begin, are claimed, and end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.backoff import Backoff
from app.notifications import digest, repository
from app.notifications.models import MessageStatus, OutgoingMessage

#: About two days in all.
BACKOFF: Final = Backoff(first=timedelta(minutes=1), max_delay=timedelta(hours=6))
MAX_ATTEMPTS: Final = 16
#: How long a sender may take for what it has claimed. Afterwards another one may claim it.
LEASE: Final = timedelta(minutes=10)
#: How long a message waits for a server that cannot be reached.
PAUSE: Final = timedelta(minutes=1)


class NotSendable(Exception):
    """A message that can never be sent; one sentence says why."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process may send until the lease ends."""

    id: UUID
    user_id: UUID
    channel: str
    topic: str
    address: str | None
    data: dict[str, Any]
    attempts: int
    created_at: datetime
    lease_ends_at: datetime
    trace_context: str | None


def claim_due(session: Session, *, limit: int, max_sales: int) -> list[Claimed]:
    """Claim messages that are due. Concurrent callers claim different ones.

    limit: number of messages; max_sales: mails about single sales per merchant and hour, further
    ones are collected.
    """
    now = clock.now()
    due = repository.lock_due_messages(session, now=now, limit=limit)
    due = digest.collect(session, due, now=now, max_sales=max_sales)
    for message in due:
        message.next_attempt_at = now + LEASE
    return [_claimed(message, now + LEASE) for message in due]


def begin(session: Session, claimed: Claimed) -> bool:
    """Record that the message is about to be sent. Returns False if the lease has ended: another
    process has claimed it."""
    message = repository.lock_message(session, claimed.id)
    if message is None or message.next_attempt_at != claimed.lease_ends_at:
        return False
    message.status = MessageStatus.SENDING.value
    message.attempts += 1
    return True


def finish(session: Session, claimed: Claimed) -> None:
    """Record that the message was accepted."""
    _close(repository.lock_message(session, claimed.id), MessageStatus.SENT)


def fail(session: Session, claimed: Claimed, *, problem: str) -> None:
    """Give the message up."""
    message = repository.lock_message(session, claimed.id)
    if message is not None:
        message.problem = problem
    _close(message, MessageStatus.FAILED)


def retry(session: Session, claimed: Claimed, *, problem: str) -> None:
    """Schedule another attempt, or give the message up after MAX_ATTEMPTS."""
    message = repository.lock_message(session, claimed.id)
    if message is None:
        return
    message.problem = problem
    if message.attempts >= MAX_ATTEMPTS:
        _close(message, MessageStatus.FAILED)
    else:
        message.status = MessageStatus.PENDING.value
        message.next_attempt_at = clock.now() + BACKOFF.delay(message.attempts - 1)


def release(session: Session, claimed: Sequence[Claimed]) -> None:
    """Postpone messages that were claimed and not begun, because their server is away."""
    ids = [each.id for each in claimed]
    for message in repository.lock_messages(session, ids):
        if message.status == MessageStatus.PENDING:
            message.next_attempt_at = clock.now() + PAUSE


def _claimed(message: OutgoingMessage, lease_ends_at: datetime) -> Claimed:
    return Claimed(
        id=message.id,
        user_id=message.user_id,
        channel=message.channel,
        topic=message.topic,
        address=message.address,
        data=message.data,
        attempts=message.attempts,
        created_at=message.created_at,
        lease_ends_at=lease_ends_at,
        trace_context=message.trace_context,
    )


def _close(message: OutgoingMessage | None, status: MessageStatus) -> None:
    if message is not None and message.closed_at is None:
        message.status, message.next_attempt_at = status.value, None
        message.closed_at = clock.now()
