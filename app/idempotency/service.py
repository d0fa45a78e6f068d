"""Doing a thing once, however often it is asked for (the Idempotency-Key header).

The answer is stored in the transaction of its effect: either both exist or neither.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import OutcomeUnknown, constraint_name
from app.common.errors import AppError, Conflict, Unavailable, Unprocessable
from app.idempotency import repository
from app.idempotency.models import attempt_constraints, key_indexes

Outcome = TypeVar("Outcome")

#: How long an answer can be replayed. What it was the answer to keeps its key for ever.
KEPT_FOR: Final = timedelta(days=7)

_TRIES: Final = 3


class IdempotencyKeyReused(Unprocessable):
    #: Whoever uses the key as it was used first is answered still.
    final = False
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


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked for, under a claim or not. refuse: turns a refusal into an answer."""

    claim: Claim | None
    refuse: Callable[[AppError], Answer]


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests whose earlier answers have been asked for. rows: read when they are needed."""

    requests: Sequence[Request]
    rows: Iterable[Any]


def ask(session: Session, requests: Sequence[Request]) -> Asked:
    """Claim the keys of `requests` and ask for the answers given under them before."""
    claims = {(r.claim.user_id, r.claim.key) for r in requests if r.claim is not None}
    return Asked(requests, repository.claim(session, sorted(claims)) if claims else ())


def once(
    session: Session,
    asked: Asked,
    work: Callable[[Sequence[int]], Sequence[Answer | AppError | Outcome]],
) -> list[Answer | AppError | Outcome]:
    """What becomes of each request: what `work` makes of it, or the answer given before.

    work: does the requests at these positions and returns one answer or refusal for each; what
    it refuses it must not have begun to write. A refusal (4xx) under a claim is an answer too
    and is remembered if it is `final`. Anything else that it returns is no answer yet.
    """
    outcomes: list[Answer | AppError | Outcome | None] = [*_look_up(asked)]
    todo = [position for position, outcome in enumerate(outcomes) if outcome is None]
    remembered = []
    for position, outcome in zip(todo, work(todo), strict=True):
        request = asked.requests[position]
        if request.claim is not None:
            if isinstance(outcome, AppError) and outcome.final and outcome.status < 500:
                outcome = request.refuse(outcome)
            if isinstance(outcome, Answer):
                remembered.append(_row(request.claim, outcome))
        outcomes[position] = outcome
    if remembered:
        repository.insert_keys(session, remembered)
    return [outcome for outcome in outcomes if outcome is not None]


def _look_up(asked: Asked) -> list[Answer | AppError | None]:
    """The outcome of every request that is not to be worked on; None for the others."""
    found = {(row.user_id, row.key): row for row in asked.rows}
    begun: set[tuple[UUID, str]] = set()
    outcomes: list[Answer | AppError | None] = []
    for claim in (request.claim for request in asked.requests):
        if claim is None:
            outcomes.append(None)
            continue
        name = (claim.user_id, claim.key)
        row = found[name]
        if row.status is not None and bytes(row.fingerprint) != claim.fingerprint:
            outcomes.append(IdempotencyKeyReused())
        elif row.status is not None:
            outcomes.append(Answer(row.status, bytes(row.body), replayed=True))
        elif not row.is_ours or name in begun:
            outcomes.append(IdempotencyInProgress())
        else:
            outcomes.append(None)
            begun.add(name)
    return outcomes


def _row(claim: Claim, answer: Answer) -> dict[str, Any]:
    return {
        "user_id": claim.user_id,
        "key": claim.key,
        "fingerprint": claim.fingerprint,
        "status": answer.status,
        "body": answer.body,
        "created_at": clock.now(),
    }


def settle(run: Callable[[], Outcome], *, uncertain: OutcomeUnknown | None = None) -> Outcome:
    """Run until it is certain what happened. `run` must be safe to run again.

    uncertain: why it is not known what became of an earlier try.
    Raises IdempotencyKeyReused when the key did something long ago whose answer is forgotten, and
    OutcomeUnknown when it could not be found out: nobody is told that nothing happened then.
    """
    taken_by = None
    for _ in range(_TRIES):
        try:
            return run()
        except OutcomeUnknown as error:
            uncertain = error
        except IntegrityError as error:
            # Somebody committed the same after our snapshot: the next try reads what.
            taken_by = constraint_name(error)
            if taken_by not in key_indexes() | attempt_constraints():
                raise
        except Exception as error:
            if uncertain is not None:
                raise uncertain from error
            raise
    if taken_by in key_indexes():
        raise IdempotencyKeyReused
    raise uncertain or Unavailable


def forget_old_keys(session: Session) -> int:
    """Delete answers that are past replaying; how many there were."""
    return repository.delete_older(session, than=clock.now() - KEPT_FOR)
