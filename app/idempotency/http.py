"""Answering a request that moves money exactly once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.guard import identity
from app.auth.service import Caller
from app.common.error_handlers import Where, error_body
from app.common.errors import AppError, Unauthorized, Unavailable
from app.common.http import Blueprint, idempotency_key, json_response, request_fingerprint
from app.common.json_format import dump_json
from app.idempotency import service
from app.idempotency.service import Answer, Claim, Request
from app.ledger_lock.service import ledger_transaction

View = TypeVar("View", bound=Callable[..., Any])
#: What is returned by work that has no answer yet.
Unfinished = TypeVar("Unfinished")

_KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "description": "Makes the request safe to retry: repeating the key and body returns the first "
    "response, byte for byte, with `Idempotent-Replayed: true`. 1 to 255 visible ASCII characters.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "order-7f3a",
}


def moves_money(blueprint: Blueprint) -> Callable[[View], View]:
    """Document what every endpoint that calls `answer_once` has in common."""

    def decorate(view: View) -> View:
        view = blueprint.takes_header(_KEY_PARAMETER)(view)
        return blueprint.refuses(
            service.IdempotencyInProgress, service.IdempotencyKeyReused, Unavailable
        )(view)

    return decorate


@dataclass(frozen=True, slots=True)
class Call:
    """The request under way, as other threads may see it: who calls, and under which claim."""

    user_id: UUID
    session_id: UUID
    key: str | None
    request: Request

    @classmethod
    def current(cls) -> "Call":
        """Raises BadRequest for an Idempotency-Key that cannot be one."""
        caller, key = identity(), idempotency_key()
        claim = Claim(caller.user_id, key, request_fingerprint()) if key else None
        request = Request(claim, partial(_refusal, where=Where.current()))
        return cls(caller.user_id, caller.session_id, key, request)


def answer_once(
    work: Callable[[Session, Caller, str | None], Any],
    *,
    render: Callable[[Any], dict[str, Any]],
    status: int,
) -> Response:
    """Run `work(session, caller, key)` in one transaction and answer with its result.

    render: makes JSON of the result. The transaction shares the ledger lock.

    With an Idempotency-Key the answer is stored in that transaction and given again to every
    repetition, byte for byte. `work` must decide before it writes.
    Raises what `work` raises, and the refusals of `idempotency.once`.
    """

    def answer(session: Session, caller: Caller, key: str | None) -> Answer:
        return Answer(status, dump_json(render(work(session, caller, key))))

    return respond(run_once(Call.current(), answer))


def run_once(
    call: Call,
    work: Callable[[Session, Caller, str | None], Answer | Unfinished],
) -> Answer | AppError | Unfinished:
    """`answer_once` for who goes on afterwards: what `work` returns, or the answer given before.

    An Answer is stored under the key; anything else is not, so that a repetition gets here again.
    """

    def outcome_of(session: Session, caller: Caller) -> Answer | AppError | Unfinished:
        try:
            with session.begin_nested():  # a refusal leaves nothing behind
                return work(session, caller, call.key)
        except AppError as refusal:
            return refusal

    def attempt(session: Session) -> Answer | AppError | Unfinished:
        caller = auth.ask_callers(session, [call.session_id])().get(call.session_id)
        if caller is None:
            raise Unauthorized

        def do(todo: Sequence[int]) -> list[Answer | AppError | Unfinished]:
            return [outcome_of(session, caller) for _ in todo]

        (outcome,) = service.once(session, service.ask(session, [call.request]), do)
        return outcome

    def run() -> Answer | AppError | Unfinished:
        return ledger_transaction(attempt, exclusive=False)

    # Only a key makes running again safe when it is not known what happened.
    return service.settle(run) if call.key else run()


def respond(outcome: Answer | AppError) -> Response:
    """The response that an outcome is. Raises it if it is a refusal that was not remembered."""
    if isinstance(outcome, AppError):
        raise outcome
    response = json_response(outcome.body, outcome.status)
    if outcome.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _refusal(error: AppError, *, where: Where) -> Answer:
    body = error_body(error.status, error.code, error.text, error.details, where)
    return Answer(error.status, body)
