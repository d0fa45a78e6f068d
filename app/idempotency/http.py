"""Executing a request exactly once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, make_response
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.guard import identity
from app.auth.service import Caller
from app.common.db import joined, retry_transaction
from app.common.error_handlers import RequestInfo, error_body
from app.common.errors import AppError, Unauthorized
from app.common.http import idempotency_key, json_response, request_fingerprint
from app.common.json_format import dump_json
from app.idempotency import service
from app.idempotency.service import Claim, Request, StoredResponse
from app.ledger_lock.service import ledger_transaction

#: The result of work that leads to a response in a later transaction.
Unfinished = TypeVar("Unfinished")


def respond_to_view_once(view: Callable[[], Any]) -> Response:
    """The response of `view`, which is executed in one transaction with its claim.

    Raises what `view` raises, and the errors of `idempotency.run_claimed`.
    """
    context = RequestContext.current()

    def outcome_of() -> StoredResponse | AppError:
        try:
            response = make_response(view())
        except AppError as error:
            return error
        return StoredResponse(response.status_code, response.get_data())

    def attempt(session: Session) -> StoredResponse | AppError:
        _require_session(session, context)
        claimed = service.claim_keys(session, [context.request])
        with joined(session):
            (outcome,) = service.run_claimed(
                session, claimed, lambda todo: [outcome_of() for _ in todo], moves_money=False
            )
        return outcome

    return respond(service.retry_until_known(lambda: retry_transaction(attempt)))


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The current request, for use in other threads: its caller and its claim."""

    user_id: UUID
    session_id: UUID
    key: str | None
    request: Request

    @classmethod
    def current(cls) -> "RequestContext":
        """Raises BadRequest for an Idempotency-Key that cannot be one."""
        caller, key = identity(), idempotency_key()
        claim = Claim(caller.user_id, key, request_fingerprint()) if key else None
        request = Request(claim, partial(_render_error, info=RequestInfo.current()))
        return cls(caller.user_id, caller.session_id, key, request)


def respond_once(
    work: Callable[[Session, Caller, str | None], Any],
    *,
    render: Callable[[Any], dict[str, Any]],
    status: int,
) -> Response:
    """Run `work(session, caller, key)` in one ledger transaction and respond with its result.

    render: turns the result into JSON. The transaction shares the ledger lock.

    With an Idempotency-Key the response is stored in that transaction, and every retry gets it
    again, byte for byte. `work` must decide before it writes.
    Raises what `work` raises, and the errors of `idempotency.run_claimed`.
    """

    def response(session: Session, caller: Caller, key: str | None) -> StoredResponse:
        return StoredResponse(status, dump_json(render(work(session, caller, key))))

    return respond(run_once(RequestContext.current(), response))


def run_once(
    context: RequestContext,
    work: Callable[[Session, Caller, str | None], StoredResponse | Unfinished],
    *,
    moves_money: bool = True,
) -> StoredResponse | AppError | Unfinished:
    """As `respond_once`, for requests of several transactions: what `work` returns, or the
    stored response. moves_money: as for `idempotency.run_claimed`.

    A response is stored under the key. Any other outcome is not, so that a retry continues here;
    until then, the key belongs to this request.
    """

    def outcome_of(session: Session, caller: Caller) -> StoredResponse | AppError | Unfinished:
        try:
            with session.begin_nested():  # an error undoes its writes
                return work(session, caller, context.key)
        except AppError as error:
            return error

    def attempt(session: Session) -> StoredResponse | AppError | Unfinished:
        caller = _require_session(session, context)

        def execute(todo: Sequence[int]) -> list[StoredResponse | AppError | Unfinished]:
            return [outcome_of(session, caller) for _ in todo]

        (outcome,) = service.run_claimed(
            session,
            service.claim_keys(session, [context.request]),
            execute,
            moves_money=moves_money,
        )
        return outcome

    def run() -> StoredResponse | AppError | Unfinished:
        return ledger_transaction(attempt, exclusive=False)

    # Only a key makes it safe to run again when the outcome is unknown.
    return service.retry_until_known(run) if context.key else run()


def _require_session(session: Session, context: RequestContext) -> Caller:
    """The caller, whose session must still be valid. Raises Unauthorized."""
    caller = auth.query_callers(session, [context.session_id])().get(context.session_id)
    if caller is None:
        raise Unauthorized
    return caller


def respond(outcome: StoredResponse | AppError) -> Response:
    """The response to a request. Raises an outcome that is an error which was not stored."""
    if isinstance(outcome, AppError):
        raise outcome
    response = json_response(outcome.body, outcome.status)
    if outcome.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _render_error(error: AppError, *, info: RequestInfo) -> StoredResponse:
    body = error_body(error.status, error.code, error.text, error.details, info)
    return StoredResponse(error.status, body)
