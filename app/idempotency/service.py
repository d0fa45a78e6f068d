"""Doing a thing once, however often it is asked for (the Idempotency-Key header).

The answer is stored in the transaction of its effect: either both exist or neither.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.errors import AppError, Conflict, Unprocessable
from app.idempotency import repository

#: How long an answer can be replayed. The order or journal entry keeps its key for ever.
KEPT_FOR: Final = timedelta(days=7)


class IdempotencyKeyReused(Unprocessable):
    code = "IDEMPOTENCY_KEY_REUSED"
    message = "This Idempotency-Key was used for another request"


class IdempotencyInProgress(Conflict):
    code = "IDEMPOTENCY_IN_PROGRESS"
    message = "A request with this Idempotency-Key is still running"


@dataclass(frozen=True, slots=True)
class Claim:
    """A caller's promise that all requests under `key` with this `fingerprint` are one."""

    user_id: UUID
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    replayed: bool = False


def once(
    session: Session,
    claim: Claim | None,
    work: Callable[[], Answer],
    *,
    refuse: Callable[[AppError], Answer],
) -> Answer:
    """The answer of `work`, or the one given before under the same claim.

    A refusal (4xx) is an answer too and is remembered; whatever `work` had written by then is
    undone. Raises IdempotencyKeyReused, IdempotencyInProgress, and what `work` raises with a
    status of 429 or from 500 up, which is never remembered.
    """
    if claim is None:
        return work()
    if not repository.try_lock(session, user_id=claim.user_id, key=claim.key):
        raise IdempotencyInProgress
    if (earlier := repository.get(session, user_id=claim.user_id, key=claim.key)) is not None:
        if earlier.fingerprint != claim.fingerprint:
            raise IdempotencyKeyReused
        return Answer(earlier.status, earlier.body, replayed=True)
    try:
        with session.begin_nested():
            answer = work()
    except AppError as error:
        if (
            error.status >= 500
            or error.status in (401, 429)
            or isinstance(error, IdempotencyKeyReused)
        ):
            raise
        answer = refuse(error)
    repository.insert_key(
        session,
        user_id=claim.user_id,
        key=claim.key,
        fingerprint=claim.fingerprint,
        status=answer.status,
        body=answer.body,
        created_at=clock.now(),
    )
    return answer


def forget_old_keys(session: Session) -> int:
    """Delete answers that are past replaying; how many there were."""
    return repository.delete_older(session, than=clock.now() - KEPT_FOR)
