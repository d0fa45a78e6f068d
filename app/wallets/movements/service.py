"""Executing movements: deciding them in order of arrival, and writing all of them together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.service import Caller
from app.common import tracing
from app.common.errors import AppError, Unauthorized
from app.common.ids import new_id
from app.events import service as events
from app.events.service import Traced
from app.idempotency import service as idempotency
from app.idempotency.service import StoredResponse
from app.wallets import ledger
from app.wallets.errors import DecideLater
from app.wallets.movements import locked_wallets
from app.wallets.movements.movement import Decision, Movement, Result, Turn

#: A check that is called once every statement of a transaction has been sent.
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A requested movement, independent of the HTTP request that it came with.

    session_id: the login session that must still be valid; render: returns the response for the
    result of the movement; attempt_id: as in `Turn`; span: of the HTTP request, if it is
    traced.
    """

    user_id: UUID
    session_id: UUID
    movement: Movement[Any, Any]
    request: idempotency.Request
    render: Callable[[Any], StoredResponse]
    attempt_id: UUID = field(default_factory=new_id)
    span: tracing.Span | None = field(default_factory=tracing.current.get)

    @property
    def key(self) -> str | None:
        claim = self.request.claim
        return claim.key if claim is not None else None

    @property
    def is_safe_to_refuse(self) -> bool:
        """Whether a refusal says that no earlier attempt was committed: its response or its result
        would have been found."""
        return self.key is not None or self.movement.finds_result


def execute_all(session: Session, jobs: Sequence[Job]) -> list[StoredResponse | AppError]:
    """Decide and write movements in order of arrival; the outcome of each.

    The transaction must hold the ledger lock. A refused movement does not affect the others. From
    the first outcome that is DecideLater on, nothing was written.
    """
    # All queries are sent before any result is read: one round trip in a pipeline.
    callers_of = auth.query_callers(session, [job.session_id for job in jobs])
    claimed = idempotency.claim_keys(session, [job.request for job in jobs])
    locked = _lock(session, [(job.user_id, job.movement) for job in jobs])
    callers, rows = callers_of(), locked()
    valid = [job for job in jobs if job.session_id in callers]
    checks: list[Check] = []

    def work(todo: Sequence[int]) -> list[StoredResponse | AppError]:
        accepted = [valid[n] for n in todo]
        turns = [
            (job.movement, callers[job.session_id], job.key, job.attempt_id) for job in accepted
        ]
        spans = {job.attempt_id: job.span for job in accepted if job.span is not None}
        results = _decide_and_write(session, turns, rows, checks, spans)
        return [
            result if isinstance(result, AppError) else job.render(result)
            for job, result in zip(accepted, results, strict=True)
        ]

    done = idempotency.run_claimed(
        session, replace(claimed, requests=[job.request for job in valid]), work
    )
    for check in checks:
        check()
    outcomes = dict(zip((job.attempt_id for job in valid), done, strict=True))
    return [outcomes.get(job.attempt_id) or Unauthorized() for job in jobs]


def perform(
    session: Session,
    movement: Movement[Any, Result],
    caller: Caller,
    *,
    idempotency_key: str | None = None,
) -> Result:
    """Decide and write one movement of a caller; its result. Raises what `decide` raises.

    The transaction must hold the ledger lock.
    """
    rows = _lock(session, [(caller.id, movement)])()
    checks: list[Check] = []
    attempt_id, span = new_id(), tracing.current.get()
    spans = {attempt_id: span} if span is not None else {}
    (result,) = _decide_and_write(
        session, [(movement, caller, idempotency_key, attempt_id)], rows, checks, spans
    )
    if isinstance(result, AppError):
        raise result
    for check in checks:
        check()
    return result  # type: ignore[no-any-return]


def _lock(
    session: Session, requests: Sequence[tuple[UUID, Movement[Any, Any]]]
) -> Callable[[], Mapping[type, Any]]:
    """Send the statements that lock the rows of each kind; call the result to read them."""
    by_kind: dict[type[Movement[Any, Any]], list[tuple[UUID, Any]]] = {}
    for user_id, movement in requests:
        by_kind.setdefault(movement.kind(), []).append((user_id, movement))
    readers = [
        (kind, kind.lock(session, by_kind[kind]))
        for kind in sorted(by_kind, key=lambda kind: kind.__name__)
    ]
    return lambda: {kind: read() for kind, read in readers}


def _decide_and_write(
    session: Session,
    requested: Sequence[tuple[Movement[Any, Any], Caller, str | None, UUID]],
    rows: Mapping[type, Any],
    checks: list[Check],
    spans: Mapping[UUID, tracing.Span],
) -> list[Any]:
    """The result of each movement, or the AppError that refuses it. Adds to `checks`.

    Records the events of both. spans: of requests that are traced, by the id of the attempt.
    """
    needed = [
        movement.wallets_needed(caller.id, rows[movement.kind()])
        for movement, caller, *_ in requested
    ]
    wallets = locked_wallets.lock(session, [each for each in needed if each is not None])
    decisions: list[tuple[type[Movement[Any, Any]], Decision[Any]]] = []
    results: list[Any] = []
    accepted: list[Traced] = []
    refusals: list[Traced] = []
    for movement, caller, key, attempt_id in requested:
        turn = Turn(session, caller, wallets, key, attempt_id)
        if results and isinstance(results[-1], DecideLater):
            results.append(results[-1])
            continue
        try:
            decision = movement.decide(turn, rows[movement.kind()])
        except AppError as error:
            results.append(error)
            if not isinstance(error, DecideLater):
                refused = movement.refusal_events(turn, rows[movement.kind()], error)
                refusals += ((event, spans.get(attempt_id)) for event in refused)
            continue
        decisions.append((movement.kind(), decision))
        accepted += ((event, spans.get(attempt_id)) for event in decision.events)
        results.append(decision.result)
    if decisions:
        checks += _write(session, wallets, decisions)
    events.record_traced(session, [*accepted, *refusals])
    return results


def _write(
    session: Session,
    wallets: locked_wallets.LockedWallets,
    decisions: Sequence[tuple[type[Movement[Any, Any]], Decision[Any]]],
) -> list[Check]:
    for outflows in wallets.outflows.values():
        outflows.record_payees(session)
    entries = [decision.entry for _, decision in decisions if decision.entry is not None]
    held = list(chain.from_iterable(decision.accounts for _, decision in decisions))
    if entries or held:
        ledger.write_entries(session, entries, held=held)
    checks: list[Check] = []
    # In a fixed order, so that there are few texts of the combined statement to plan.
    for kind in sorted({kind for kind, _ in decisions}, key=lambda kind: kind.__name__):
        records = [
            decision.result if decision.record is None else decision.record
            for of, decision in decisions
            if of is kind
        ]
        checks += kind.write(session, records)
    return checks
