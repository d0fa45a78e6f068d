"""Answering a request that moves money exactly once."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import marshmallow as ma
from flask import Response
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth.guard import live_user
from app.auth.models import User
from app.common.db import OutcomeUnknown, constraint_name, retry_transaction
from app.common.error_handlers import error_body
from app.common.errors import AppError, Unavailable
from app.common.http import (
    Blueprint,
    dump_json,
    idempotency_key,
    json_response,
    request_fingerprint,
)
from app.idempotency import service
from app.idempotency.service import Answer, Claim

#: The constraints that say that a key is taken: by a stored answer, or for ever by its effect.
_KEY_CONSTRAINTS: Final = {"pk_idempotency_keys", "uq_journal_entries_key", "uq_orders_key"}
_TRIES: Final = 3


View = TypeVar("View", bound=Callable[..., Any])

_KEY_PARAMETER: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Makes the request safe to repeat: the same key and body get the first answer "
    "again, byte for byte, with `Idempotent-Replayed: true`. 1 to 255 visible ASCII characters.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "order-7f3a",
}


def moves_money(blueprint: Blueprint) -> Callable[[View], View]:
    """Document what every endpoint that calls `answer_once` has in common."""

    def decorate(view: View) -> View:
        view = blueprint.doc(parameters=[_KEY_PARAMETER])(view)
        return blueprint.refuses(
            service.IdempotencyInProgress, service.IdempotencyKeyReused, Unavailable
        )(view)

    return decorate


def answer_once(
    work: Callable[[Session, User, str | None], Any],
    *,
    schema: ma.Schema,
    status: int,
    serializable: bool = False,
    queue_up: Callable[[Session], None] = lambda _: None,
) -> Response:
    """Run `work(session, caller, key)` in one transaction and answer with its result.

    With an Idempotency-Key the answer is stored in that transaction and given again to every
    repetition, byte for byte. queue_up: taken before the transaction has a snapshot.
    Raises what `work` raises, and the refusals of `idempotency.once`.
    """
    key, fingerprint = idempotency_key(), request_fingerprint()

    def attempt(session: Session) -> Answer:
        queue_up(session)
        caller = live_user(session)
        claim = Claim(caller.id, key, fingerprint) if key else None
        return service.once(
            session,
            claim,
            lambda: Answer(status, dump_json(schema.dump(work(session, caller, key)))),
            refuse=_refusal,
        )

    answer = _settle(lambda: retry_transaction(attempt, serializable=serializable), key)
    response = json_response(answer.body, answer.status)
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _settle(run: Callable[[], Answer], key: str | None) -> Answer:
    """Run until it is certain what happened; a key makes running again safe."""
    if key is None:
        return run()
    taken_by = None
    for _ in range(_TRIES):
        try:
            return run()
        except OutcomeUnknown:
            continue
        except IntegrityError as error:
            # Somebody else committed under this key after our snapshot: read it on the next try.
            if constraint_name(error) not in _KEY_CONSTRAINTS:
                raise
            taken_by = constraint_name(error)
    if taken_by not in (None, "pk_idempotency_keys"):
        # Its answer is past keeping, but what it did is not: it is never done again.
        raise service.IdempotencyKeyReused
    raise Unavailable


def _refusal(error: AppError) -> Answer:
    return Answer(error.status, error_body(error.status, error.code, error.text, error.details))
