"""Executing the movement of a request, once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from flask import Response
from sqlalchemy.orm import Session

from app.auth.service import Caller
from app.common.errors import AppError
from app.common.json_format import dump_json
from app.common.process_state import Slot
from app.idempotency import service as idempotency
from app.idempotency.http import RequestContext, require_caller, respond
from app.idempotency.service import StoredResponse
from app.risk.attempt import Origin
from app.risk.cases.schemas import review_out
from app.risk.http import count_refusal, current_origin
from app.risk.models import RiskCase
from app.wallets.movements.batcher import LedgerBatcher
from app.wallets.movements.movement import Movement, Result, Review
from app.wallets.movements.service import Job

#: The batcher of this process.
batcher: Final[Slot[LedgerBatcher]] = Slot("ledger batcher")

#: The result of work that leads to a response in a later transaction.
Unfinished = TypeVar("Unfinished")


def respond_with(
    movement: Movement[Any, Result],
    *,
    render: Callable[[Result], dict[str, Any]],
    status: int,
) -> Response:
    """Execute the movement for the caller and respond with its result.

    render: turns the result into JSON. With an Idempotency-Key the response is stored in the same
    transaction, and every retry gets it again, byte for byte.
    Raises what `movement.decide` raises, Unavailable, and the errors of `idempotency.run_claimed`.
    """
    return respond_with_stored(
        movement, lambda result: StoredResponse(status, dump_json(render(result)))
    )


def respond_with_stored(
    movement: Movement[Any, Result], render: Callable[[Result], StoredResponse]
) -> Response:
    """As `respond_with`. render: returns the response."""
    context = RequestContext.current()
    request = replace(context.request, moves_money=movement.moves_money)
    origin = current_origin(context.session_id)

    def rendered(result: Any) -> StoredResponse:
        return review_response(result.case) if isinstance(result, Review) else render(result)

    job = Job(context.user_id, context.session_id, movement, request, rendered, origin=origin)
    outcome: StoredResponse | AppError
    try:
        outcome = batcher().submit(job)
    except AppError as error:
        outcome = error
    count_refusal(origin, outcome)
    return respond(outcome)


def review_response(case: RiskCase) -> StoredResponse:
    """The response to a payment that is held until it is reviewed."""
    return StoredResponse(202, dump_json(review_out(case)))


def respond_once(
    work: Callable[[Session, Caller, str | None], Any],
    *,
    render: Callable[[Any], dict[str, Any]],
    status: int,
    origin: Origin | None = None,
) -> Response:
    """As `respond_with`, for what no batch can contain: `work(session, caller, key)` is run in a
    ledger transaction of its own. It must decide before it writes.

    origin: of the request, if a refusal of it is one of a payment.
    """

    def response(session: Session, caller: Caller, key: str | None) -> StoredResponse:
        result = work(session, caller, key)
        if isinstance(result, Review):
            return review_response(result.case)
        return StoredResponse(status, dump_json(render(result)))

    outcome: StoredResponse | AppError
    try:
        outcome = run_once(RequestContext.current(), response)
    except AppError as error:
        outcome = error
    if origin is not None:
        count_refusal(origin, outcome)
    return respond(outcome)


def run_once(
    context: RequestContext,
    work: Callable[[Session, Caller, str | None], StoredResponse | Unfinished],
    *,
    moves_money: bool = True,
) -> StoredResponse | AppError | Unfinished:
    """As `respond_once`, for requests of several transactions: what `work` returns, or the
    stored response. moves_money: as of `idempotency.Request`.

    A response is stored under the key. Any other outcome is not, so that a retry continues here;
    until then, the key belongs to this request.
    """

    def outcome_of(session: Session, caller: Caller) -> StoredResponse | AppError | Unfinished:
        try:
            with session.begin_nested():  # an error undoes its writes
                return work(session, caller, context.key)
        except AppError as error:
            if error.record_refusal is not None:
                error.record_refusal(session)
            return error

    def attempt(session: Session) -> StoredResponse | AppError | Unfinished:
        caller = require_caller(session, context)

        def execute(todo: Sequence[int]) -> list[StoredResponse | AppError | Unfinished]:
            return [outcome_of(session, caller) for _ in todo]

        request = replace(context.request, moves_money=moves_money)
        (outcome,) = idempotency.run_claimed(
            session, idempotency.claim_keys(session, [request]), execute
        )
        return outcome

    def run() -> StoredResponse | AppError | Unfinished:
        return batcher().run_alone(attempt)

    # Only a key makes it safe to run again when the outcome is unknown.
    return idempotency.retry_until_known(run) if context.key else run()
