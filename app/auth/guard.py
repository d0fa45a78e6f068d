"""Authentication and authorization of endpoints.

`requires` checks the token or API key before the body is read. `current_user` checks the session in
the transaction of the work, so a revoked session or key, or a deactivated user, loses access
immediately.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import structlog
from flask import Response, after_this_request, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app.attempts.budgets import PASSWORDS, SECOND_FACTORS
from app.attempts.http import limits_attempts
from app.auth import passwords, service
from app.auth.api_keys import service as api_keys
from app.auth.errors import (
    AdminCodeRequired,
    InvalidCredentials,
    KeyNotAllowed,
    RoleRequired,
    ScopeRequired,
    TwoFactorRequired,
)
from app.auth.models import Role, User
from app.auth.passwords import Verdict
from app.auth.scopes import Scope
from app.auth.tokens import Identity, read_access_token
from app.auth.two_factor import service as two_factor
from app.auth.two_factor.service import SecondFactor
from app.common import ratelimit
from app.common.db import OutcomeUnknown, reading, transaction
from app.common.errors import AppError, BadRequest, Unauthorized
from app.common.fair_executor import Turn
from app.common.http import Blueprint, bearer_token, is_error, peek_json, settings
from app.common.middleware import set_caller

log = structlog.get_logger()

View = TypeVar("View", bound=Callable[..., Any])

TOKEN_SCHEME: Final = "bearerAuth"  # noqa: S105 – a name
KEY_SCHEME: Final = "apiKeyAuth"

_CODE_HEADER: Final = "X-Two-Factor-Code"
_CODE_PARAMETER: Final = {
    "name": _CODE_HEADER,
    "description": "A 6-digit code from the authenticator app, or a recovery code. Required for"
    " large sums, new payees and new bank accounts. Each code can be used once.",
    "schema": {"type": "string", "pattern": f"^({two_factor.CODE_PATTERN})$"},
    "example": "492039",
}
_ADMIN_CODE_PARAMETER: Final = _CODE_PARAMETER | {
    "description": "A 6-digit code from the administrator's authenticator app, or a recovery code."
    " Each code can be used once."
}
#: Limits on two-factor codes per user, over all endpoints; SECOND_FACTORS limits those of a day.
_CODE_LIMITS: Final = "5/minute;30/hour"


def requires(
    blueprint: Blueprint, *roles: Role, scope: Scope | None = None
) -> Callable[[View], View]:
    """Require a valid credential and, if `roles` are given, one of them.

    scope: the scope that an API key needs; without one, API keys are refused.
    Raises Unauthorized, KeyNotAllowed or ScopeRequired, RoleRequired. All of them are documented.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            caller = _read_caller()
            _require_scope(scope, caller.scopes)
            if roles and caller.role not in roles:
                raise RoleRequired(roles)
            g.identity = caller
            set_caller(str(caller.user_id))
            return view(*args, **kwargs)

        documented = _document(blueprint, guarded, roles, scope)
        # For the tests of the access matrix.
        documented.required_roles = roles or tuple(Role)
        documented.required_scope = scope
        return documented  # type: ignore[no-any-return]

    return decorate


def _document(blueprint: Blueprint, view: Any, roles: tuple[Role, ...], scope: Scope | None) -> Any:
    errors: list[type[AppError]] = [Unauthorized, ScopeRequired if scope else KeyNotAllowed]
    errors += [AdminCodeRequired] if roles == (Role.ADMIN,) else []
    view = blueprint.errors(*errors, *([RoleRequired] if roles else []))(view)
    documentation: dict[str, Any] = {"security": [{TOKEN_SCHEME: []}]}
    if roles:
        documentation["x-required-roles"] = roles
    if scope:
        view = blueprint.remark(f"API keys require the scope `{scope}`.")(view)
        documentation["security"].append({KEY_SCHEME: []})
        documentation["x-required-scope"] = scope
    return blueprint.doc(**documentation)(view)


def require_scope(scope: Scope) -> None:
    """Require a scope that depends on the body or the link. Raises ScopeRequired."""
    _require_scope(scope, identity().scopes)


def _require_scope(scope: Scope | None, granted: frozenset[str] | None) -> None:
    """granted: scopes of the API key; None for an access token, which needs none."""
    if granted is None:
        return
    if scope is None:
        raise KeyNotAllowed
    if scope not in granted:
        raise ScopeRequired(required=scope, granted=granted)


def _read_caller() -> Identity:
    """The caller, identified by access token or API key. Raises Unauthorized."""
    credential = bearer_token()
    if credential is not None and credential.startswith(api_keys.PREFIX):
        return _read_key(credential)
    return read_access_token(credential)


def _read_key(key: str) -> Identity:
    owner = api_keys.require_owner(key, live=settings().is_production)
    structlog.contextvars.bind_contextvars(key_id=str(owner.session_id))
    if owner.needs_use_recorded():
        _record_use_after_response(owner.session_id)
    return Identity(owner.user_id, owner.session_id, owner.role, owner.scopes)


def _record_use_after_response(key_id: UUID) -> None:
    """Record the use of a key after the response was sent."""

    def record_use() -> None:
        try:
            with transaction() as session:
                api_keys.record_use(session, key_id=key_id)
        except (DBAPIError, PoolTimeout, OutcomeUnknown):
            # Not critical: the next use is recorded instead.
            log.warning("key_use_not_recorded", exc_info=True)

    def when_sent(response: Response) -> Response:
        response.call_on_close(record_use)
        return response

    after_this_request(when_sent)


def current_user(session: Session) -> User:
    """The caller, as of this transaction. Raises Unauthorized."""
    caller = identity()
    return service.require_user_of_session(
        session, user_id=caller.user_id, session_id=caller.session_id
    )


def identity() -> Identity:
    """The identity in the caller's token or key. It may have been revoked since."""
    return g.identity  # type: ignore[no-any-return]


def session_id() -> UUID:
    """The session of the caller or of their API key."""
    return identity().session_id


def optional_user(session: Session, *, scope: Scope) -> User | None:
    """The caller of a public endpoint, if they sent a valid token or a key with `scope`."""
    if "Authorization" not in request.headers:
        return None
    try:
        caller = _read_caller()
        if caller.scopes is not None and scope not in caller.scopes:
            return None
        return service.require_user_of_session(
            session, user_id=caller.user_id, session_id=caller.session_id
        )
    except Unauthorized:
        return None


def may_require_code(blueprint: Blueprint) -> Callable[[View], View]:
    """Document and rate-limit the codes of an endpoint that calls `second_factor`."""

    return _takes_code(blueprint, _CODE_PARAMETER, BadRequest, TwoFactorRequired)


def requires_admin_code(blueprint: Blueprint) -> Callable[[View], View]:
    """Document and rate-limit the codes of an endpoint that calls `confirm_admin_code`."""

    return _takes_code(blueprint, _ADMIN_CODE_PARAMETER, BadRequest)


def _takes_code(
    blueprint: Blueprint, parameter: Mapping[str, Any], *errors: type[AppError]
) -> Callable[[View], View]:
    """An endpoint that reads a two-factor code from the header."""

    def decorate(view: View) -> View:
        # A malformed code is refused also where none is needed.
        limited = _limit_attempts(lambda: _sent_code() is not None)(view)
        return blueprint.errors(*errors)(blueprint.takes_header(parameter)(limited))

    return decorate


def current_admin(session: Session) -> User:
    """The calling administrator, as of this transaction.

    Raises Unauthorized, and AdminCodeRequired without two-factor authentication where it is
    required.
    """
    user = current_user(session)
    if settings().admin_two_factor_required and not two_factor.is_enabled(session, user_id=user.id):
        raise AdminCodeRequired(enrolled=False, tried=False)
    return user


def confirm_admin_code(session: Session) -> None:
    """Require the two-factor code of the calling administrator, and consume it.

    Call it last, when nothing else can refuse the request. Raises AdminCodeRequired, BadRequest.
    """
    two_factor.require_admin_code(
        session,
        user_id=identity().user_id,
        code=_sent_code(),
        must_enrol=settings().admin_two_factor_required,
    )


def limits_code_attempts(view: View) -> View:
    """Rate-limit an endpoint that requires a two-factor code in the body."""
    return _limit_attempts(lambda: True)(view)


def limits_optional_code_attempts(view: View) -> View:
    """Rate-limit requests that send the optional two-factor code in the body."""
    return _limit_attempts(_sends_code)(view)


def _sends_code() -> bool:
    body = peek_json()
    return isinstance(body, dict) and body.get("code") is not None


def _limit_attempts(when: Callable[[], bool]) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        limited = limits_attempts(SECOND_FACTORS)(view)

        @wraps(limited)
        def guarded(*args: Any, **values: Any) -> Any:
            if not when():
                return view(*args, **values)
            ratelimit.count(_CODE_LIMITS, scope="two-factor", key=ratelimit.caller())
            return limited(*args, **values)

        return cast("View", guarded)

    return decorate


def limits_password_attempts(view: View) -> View:
    """Limit wrong passwords at an endpoint that calls `require_password`."""
    return limits_attempts(PASSWORDS, counts=is_wrong_password)(view)


def is_wrong_password(response: Response) -> bool:
    """Whether a sign-in or a request was refused because of its password."""
    return is_error(response, [InvalidCredentials])


def second_factor() -> SecondFactor:
    """The second factor of a request that moves money. Raises BadRequest."""
    return SecondFactor(
        settings().two_factor_above,
        _sent_code(),
        new_payee_period=settings().two_factor_new_payee,
        new_bank_account_period=settings().two_factor_new_bank_account,
        new_merchant_above=settings().two_factor_new_merchant_above,
    )


def _sent_code() -> str | None:
    """The code in the header, normalized. Raises BadRequest."""
    text, code = request.headers.get(_CODE_HEADER), None
    if text is not None and (code := two_factor.canonical_code(text)) is None:
        raise BadRequest(details={_CODE_HEADER: ["Must be 6 digits or a recovery code."]})
    return code


def caller_turn() -> Turn:
    """The turn of the caller in the queue of password hashes: before those who are not signed in.

    By address, because accounts are free.
    """
    return Turn(ratelimit.address(), preferred=True)


def confirms_password(view: View) -> View:
    """Require the `password` of the body, which is not passed on.

    It stands between `@blp.arguments` and `@idempotent`.
    """

    @wraps(view)
    def confirmed(body: dict[str, Any], **values: Any) -> Any:
        require_password(body.pop("password"))
        return view(body, **values)

    return cast("View", confirmed)


def require_password(password: str) -> None:
    """Require the caller's password. Must not be called inside a transaction.

    Raises Unauthorized, InvalidCredentials.
    """
    with reading() as session:
        user, max_cost = current_user(session), service.get_max_password_cost(session)
    verdict = passwords.verify(
        password,
        user.password_hash,
        rounds=settings().bcrypt_rounds,
        max_cost=max_cost,
        turn=caller_turn(),
    )
    if verdict is Verdict.WRONG:
        raise InvalidCredentials
