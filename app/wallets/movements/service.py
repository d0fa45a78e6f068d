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
from app.risk import rulesets
from app.risk.attempt import Origin
from app.risk.rulesets import InForce
from app.risk.screening import Reviewed
from app.wallets import ledger
from app.wallets.errors import DecideLater
from app.wallets.ledger import Account
from app.wallets.models import WalletHold
from app.wallets.movements import locked_wallets, reviews
from app.wallets.movements.locked_wallets import LockedWallets
from app.wallets.movements.movement import Decision, Movement, Result, Review, Turn
from app.wallets.outflow import HeldForReview

#: A check that is called once every statement of a transaction has been sent.
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A requested movement, independent of the HTTP request that it came with.

    session_id: the login session that must still be valid; render: returns the response for the
    result of the movement, or of its review; attempt_id, origin: as in `Turn`; span: of the HTTP
    request, if it is traced.
    """

    user_id: UUID
    session_id: UUID
    movement: Movement[Any, Any]
    request: idempotency.Request
    render: Callable[[Any], StoredResponse]
    attempt_id: UUID = field(default_factory=new_id)
    origin: Origin | None = None
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
    in_force_of = rulesets.query_in_force(session)
    locked = _lock(session, [(job.user_id, job.movement) for job in jobs])
    callers, rows, in_force = callers_of(), locked(), in_force_of()
    valid = [job for job in jobs if job.session_id in callers]
    checks: list[Check] = []

    def work(todo: Sequence[int]) -> list[StoredResponse | AppError]:
        accepted = [valid[n] for n in todo]
        requested = [
            Requested(
                job.movement,
                callers[job.session_id],
                job.key,
                job.attempt_id,
                job.origin,
                job.span,
            )
            for job in accepted
        ]
        results = _decide_and_write(session, requested, rows, in_force, checks)
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
    reviewed: tuple[WalletHold, Reviewed] | None = None,
) -> Result:
    """Decide and write one movement of a caller; its result. Raises what `decide` raises.

    The transaction must hold the ledger lock. reviewed: the review that has released it, and
    its locked hold. The hold ends, and what it was authorized with is asked for nothing more.
    """
    in_force_of = rulesets.query_in_force(session)
    rows = _lock(session, [(caller.id, movement)])()
    checks: list[Check] = []
    requested = Requested(movement, caller, idempotency_key, new_id(), None, tracing.current.get())
    (result,) = _decide_and_write(
        session, [requested], rows, in_force_of(), checks, reviewed=reviewed
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


@dataclass(frozen=True, slots=True)
class Requested:
    """A movement to be decided. span: of its request, if it is traced; the others as of `Turn`."""

    movement: Movement[Any, Any]
    caller: Caller
    idempotency_key: str | None
    attempt_id: UUID
    origin: Origin | None
    span: tracing.Span | None

    def turn(self, session: Session, wallets: LockedWallets) -> Turn:
        return Turn(
            session, self.caller, wallets, self.idempotency_key, self.attempt_id, self.origin
        )


def _decide_and_write(
    session: Session,
    requested: Sequence[Requested],
    rows: Mapping[type, Any],
    in_force: InForce,
    checks: list[Check],
    *,
    reviewed: tuple[WalletHold, Reviewed] | None = None,
) -> list[Any]:
    """The result of each movement, or the AppError that refuses it. Adds to `checks`.

    Records the events of both. reviewed: as of `perform`.
    """
    needed = [
        each.movement.wallets_needed(each.caller.id, rows[each.movement.kind()])
        for each in requested
    ]
    wallets = locked_wallets.lock(session, [each for each in needed if each is not None], in_force)
    freed = [] if reviewed is None else [reviews.end_hold(wallets, *reviewed)]
    decisions: list[tuple[type[Movement[Any, Any]], Decision[Any]]] = []
    results: list[Any] = []
    accepted: list[Traced] = []
    refusals: list[Traced] = []
    for each in requested:
        turn, movement = each.turn(session, wallets), each.movement
        if results and isinstance(results[-1], DecideLater):
            results.append(results[-1])
            continue
        try:
            decision = _decide(turn, movement, rows[movement.kind()])
        except AppError as error:
            results.append(error)
            if not isinstance(error, DecideLater):
                refused = reviews.refuse(turn, movement, rows[movement.kind()], error)
                refusals += ((event, each.span) for event in refused)
            continue
        decisions.append((movement.kind(), decision))
        accepted += ((event, each.span) for event in decision.events)
        results.append(decision.result)
    if decisions or freed:
        checks += _write(session, wallets, decisions, freed)
    for outflows in wallets.outflows.values():
        if outflows.screening is not None:
            outflows.screening.write(session)
    events.record_traced(session, [*accepted, *refusals])
    return results


def _decide(turn: Turn, movement: Movement[Any, Any], rows: Any) -> Decision[Any]:
    """Accept a movement, or hold it for review. Raises an AppError."""
    try:
        return movement.decide(turn, rows)
    except HeldForReview as held:
        reserved = movement.reserve(turn, rows)
        # What reserves something is a row that has the key, and the id of the attempt.
        review = reviews.place(
            held,
            hold_id=turn.attempt_id,
            payment=movement.stored() if reserved is None else None,
            reference_id=None if reserved is None else turn.attempt_id,
            idempotency_key=turn.idempotency_key if reserved is None else None,
        )
        decision = Decision(review) if reserved is None else reserved
        return replace(
            decision,
            accounts=[held.account],
            review=review,
            events=[*decision.events, reviews.event_of(review, held)],
        )


def _write(
    session: Session,
    wallets: LockedWallets,
    decisions: Sequence[tuple[type[Movement[Any, Any]], Decision[Any]]],
    freed: Sequence[Account],
) -> list[Check]:
    """freed: accounts of which a hold has ended."""
    for outflows in wallets.outflows.values():
        outflows.record_payees(session)
    entries = [decision.entry for _, decision in decisions if decision.entry is not None]
    held = [*freed, *chain.from_iterable(decision.accounts for _, decision in decisions)]
    if entries or held:
        ledger.write_entries(session, entries, held=held)
    reviews.write(session, [each.review for _, each in decisions if each.review is not None])
    checks: list[Check] = []
    # In a fixed order, so that there are few texts of the combined statement to plan.
    for kind in sorted({kind for kind, _ in decisions}, key=lambda kind: kind.__name__):
        records = [
            decision.result if decision.record is None else decision.record
            for of, decision in decisions
            if of is kind and not isinstance(decision.result, Review)
        ]
        checks += kind.write(session, records) if records else ()
    return checks
