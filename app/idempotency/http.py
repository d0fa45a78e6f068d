"""Executing a request exactly once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, make_response
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.guard import identity
from app.auth.service import Caller
from app.common import encryption
from app.common.db import joined, retry_transaction
from app.common.error_handlers import RequestInfo, error_body
from app.common.errors import AppError, Unauthorized
from app.common.http import (
    idempotency_key,
    json_response,
    request_fingerprint,
    unparsed_fingerprint,
)
from app.idempotency import service
from app.idempotency.service import Claim, Request, StoredResponse


def respond_to_view_once(view: Callable[[], Any], has_secret: bool) -> Response:
    """The response of `view`, which is executed in one transaction with its claim.

    has_secret: whether its request or its response has one, so that its response is encrypted and
    the fingerprint of its request is keyed.
    Raises what `view` raises, and the errors of `idempotency.run_claimed`.
    """
    context = RequestContext.current(has_secret=has_secret)
    place = f"idempotency-key/{context.user_id}/{context.key}"

    def outcome_of() -> StoredResponse | AppError:
        try:
            response = make_response(view())
        except AppError as error:
            return error
        body = response.get_data()
        if has_secret:
            body = encryption.encrypt(body, context=place)
        return StoredResponse(response.status_code, body)

    def attempt(session: Session) -> StoredResponse | AppError:
        require_caller(session, context)
        claimed = service.claim_keys(session, [replace(context.request, moves_money=False)])
        with joined(session):
            (outcome,) = service.run_claimed(
                session, claimed, lambda todo: [outcome_of() for _ in todo]
            )
        return outcome

    outcome = service.retry_until_known(lambda: retry_transaction(attempt))
    # A stored error has no secret.
    if (
        has_secret
        and isinstance(outcome, StoredResponse)
        and outcome.status < HTTPStatus.BAD_REQUEST
    ):
        outcome = replace(outcome, body=encryption.decrypt(outcome.body, context=place))
    return respond(outcome)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The current request, for use in other threads: its caller and its claim."""

    user_id: UUID
    session_id: UUID
    key: str | None
    request: Request

    @classmethod
    def current(cls, *, has_secret: bool = False) -> "RequestContext":
        """Raises BadRequest for an Idempotency-Key that cannot be one."""
        caller, key = identity(), idempotency_key()
        claim = None
        if key is not None and has_secret:
            fingerprint, *older = encryption.fingerprints(
                request_fingerprint(), context="idempotency-key"
            )
            claim = Claim(caller.user_id, key, fingerprint, older)
        elif key is not None:
            claim = Claim(caller.user_id, key, request_fingerprint(), [unparsed_fingerprint()])
        request = Request(claim, partial(_render_error, info=RequestInfo.current()))
        return cls(caller.user_id, caller.session_id, key, request)


def require_caller(session: Session, context: RequestContext) -> Caller:
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
    return StoredResponse(error.status, body, code=error.code)
