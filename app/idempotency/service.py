"""Idempotency keys: a request is executed once, however often it is sent.

The response is stored in the transaction of its effect: either both exist or neither.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import OutcomeUnknown, constraint_name
from app.common.errors import AppError, IdempotencyInProgress, IdempotencyKeyReused, Unavailable
from app.idempotency import repository
from app.idempotency.models import attempt_constraints, key_indexes

Outcome = TypeVar("Outcome")

_MAX_TRIES: Final = 3
_NO_LONGER_STORED: Final = (
    "The request with this Idempotency-Key was executed, and its response is no longer stored"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A user's Idempotency-Key, and the fingerprint that every request with it must have.

    older_fingerprints: what earlier versions stored for this request, or this one with older
    `ENCRYPTION_KEYS`. Such keys are valid until their retention ends.
    """

    user_id: UUID
    key: str
    fingerprint: bytes
    older_fingerprints: Sequence[bytes] = ()

    def is_of(self, stored: bytes) -> bool:
        """Whether a stored fingerprint is that of this request."""
        return stored == self.fingerprint or stored in self.older_fingerprints


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The status and body of a response.

    replayed: whether it was stored by an earlier request; code: of the error, if it is one that
    this request has caused.
    """

    status: int
    body: bytes
    replayed: bool = False
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request and its claim, if it has one.

    render_error: returns the response for an error; moves_money: whether a success leaves a row
    that records its key, which `verify` then requires.
    """

    claim: Claim | None
    render_error: Callable[[AppError], StoredResponse]
    moves_money: bool = True


@dataclass(frozen=True, slots=True)
class ClaimedRequests:
    """Requests whose keys are being claimed. rows: the result, read when it is needed."""

    requests: Sequence[Request]
    rows: Iterable[Any]


def claim_keys(session: Session, requests: Sequence[Request]) -> ClaimedRequests:
    """Claim the keys of `requests` for this transaction, and look up their stored responses."""
    claims = {(r.claim.user_id, r.claim.key) for r in requests if r.claim is not None}
    return ClaimedRequests(requests, repository.claim(session, sorted(claims)) if claims else ())


def run_claimed(
    session: Session,
    claimed: ClaimedRequests,
    work: Callable[[Sequence[int]], Sequence[StoredResponse | AppError | Outcome]],
) -> list[StoredResponse | AppError | Outcome]:
    """The outcome of each request: its stored response, or what `work` returns for it.

    work: executes the requests at these positions and returns a response or error for each. It
    must not have written anything for a request that it refuses, except events of the refusal.
    Responses to requests with a claim are stored; so are their errors, if they are 4xx and
    `cacheable`. Other errors are not. Any other outcome is that of a request which needs several
    transactions: its key is stored without a response, so that it belongs to this request until a
    later transaction answers it.
    """
    found = {(row.user_id, row.key): row for row in claimed.rows}
    outcomes: list[StoredResponse | AppError | Outcome | None] = [*_look_up(claimed, found)]
    todo = [position for position, outcome in enumerate(outcomes) if outcome is None]
    rows = []
    for position, outcome in zip(todo, work(todo), strict=True):
        request = claimed.requests[position]
        if (claim := request.claim) is not None:
            if isinstance(outcome, AppError) and outcome.cacheable and outcome.status < 500:
                outcome = request.render_error(outcome)
            response = outcome if isinstance(outcome, StoredResponse) else None
            if found[claim.user_id, claim.key].fingerprint is None:
                if not isinstance(outcome, AppError):
                    rows.append(_row(request, claim, response))
            elif response is not None:
                answered = repository.answer_key(session, _row(request, claim, response))
                if not answered:  # by a transaction that ended between our snapshot and our lock
                    raise IdempotencyInProgress
        outcomes[position] = outcome
    if rows:
        repository.insert_keys(session, rows)
    return [outcome for outcome in outcomes if outcome is not None]


def _look_up(
    claimed: ClaimedRequests, found: Mapping[tuple[UUID, str], Any]
) -> list[StoredResponse | AppError | None]:
    """The outcome of every request that must not be executed; None for the others.

    found: what is stored, by user and key.
    """
    begun: set[tuple[UUID, str]] = set()
    outcomes: list[StoredResponse | AppError | None] = []
    for claim in (request.claim for request in claimed.requests):
        if claim is None:
            outcomes.append(None)
            continue
        name = (claim.user_id, claim.key)
        row = found[name]
        if row.fingerprint is not None and not claim.is_of(bytes(row.fingerprint)):
            outcomes.append(IdempotencyKeyReused())
        elif row.status is not None and row.body is None:
            outcomes.append(IdempotencyKeyReused(_NO_LONGER_STORED))
        elif row.status is not None:
            outcomes.append(StoredResponse(row.status, bytes(row.body), replayed=True))
        elif not row.is_ours or name in begun:
            outcomes.append(IdempotencyInProgress())
        else:
            outcomes.append(None)
            begun.add(name)
    return outcomes


def _row(request: Request, claim: Claim, response: StoredResponse | None) -> dict[str, Any]:
    """response: None while there is none."""
    return {
        "user_id": claim.user_id,
        "key": claim.key,
        "fingerprint": claim.fingerprint,
        "status": response.status if response else None,
        "body": response.body if response else None,
        "moves_money": request.moves_money,
        "created_at": clock.now(),
    }


def retry_until_known(
    run: Callable[[], Outcome], *, uncertain: OutcomeUnknown | None = None
) -> Outcome:
    """Call `run` until its outcome is known. It must be safe to call again.

    uncertain: the error of an earlier attempt whose outcome is unknown.
    Raises IdempotencyKeyReused when the key was used longer ago than responses are kept, and
    OutcomeUnknown when the outcome stays unknown: the caller must not be told that nothing
    happened.
    """
    taken_by = None
    for _ in range(_MAX_TRIES):
        try:
            return run()
        except OutcomeUnknown as error:
            uncertain = error
        except IntegrityError as error:
            # The same request was committed after our snapshot. The next attempt reads it.
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
