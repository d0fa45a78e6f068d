"""Who may call an endpoint, and on whose behalf it runs.

`requires` checks the token before the body is read; `live_user` then asks the database inside the
transaction of the work, so a revoked session or deactivated user can do nothing from that moment.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import g, request
from sqlalchemy.orm import Session

from app.auth import passwords, service, two_factor
from app.auth.errors import InvalidCredentials, RoleRequired, TwoFactorRequired
from app.auth.models import Role, User
from app.auth.tokens import Identity, read_access_token
from app.common.db import reading
from app.common.errors import BadRequest, Unauthorized
from app.common.http import Blueprint, settings
from app.common.middleware import name_caller
from app.common.ratelimit import per_caller_together

View = TypeVar("View", bound=Callable[..., Any])

SECURITY_SCHEME = "bearerAuth"

_CODE_HEADER: Final = "X-Two-Factor-Code"
_CODE_PARAMETER: Final = {
    "name": _CODE_HEADER,
    "description": "The 6 digits that the authenticator app shows, or a recovery code: needed for"
    " large amounts. Each works once.",
    "schema": {"type": "string", "pattern": f"^({two_factor.CODE_PATTERN})$"},
    "example": "492039",
}
#: How often a user's code may be guessed, at all endpoints together.
_GUESSES: Final = "5/minute;30/hour;100/day"


def requires(blueprint: Blueprint, *roles: Role) -> Callable[[View], View]:
    """Let only callers with a valid access token – and one of `roles`, if any – reach the view.

    Raises Unauthorized, RoleRequired; both are documented on the operation.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            caller = read_access_token()
            if roles and caller.role not in roles:
                raise RoleRequired(roles)
            g.identity = caller
            name_caller(str(caller.user_id))
            return view(*args, **kwargs)

        documented = blueprint.refuses(Unauthorized, *([RoleRequired] if roles else []))(guarded)
        documented = blueprint.doc(security=[{SECURITY_SCHEME: []}])(documented)
        documented.required_roles = roles or tuple(
            Role
        )  # what the access matrix is checked against
        return documented  # type: ignore[no-any-return]

    return decorate


def live_user(session: Session) -> User:
    """The caller, as of this transaction. Raises Unauthorized."""
    caller = identity()
    return service.require_live(session, user_id=caller.user_id, session_id=caller.session_id)


def identity() -> Identity:
    """Who the caller's token says they are; whether that still holds only the database knows."""
    return g.identity  # type: ignore[no-any-return]


def session_id() -> UUID:
    """The login session of the caller."""
    return identity().session_id


def optional_user(session: Session) -> User | None:
    """The caller of a public endpoint, if they sent a token that still holds."""
    if "Authorization" not in request.headers:
        return None
    try:
        caller = read_access_token()
        return service.require_live(session, user_id=caller.user_id, session_id=caller.session_id)
    except Unauthorized:
        return None


def may_need_code(blueprint: Blueprint) -> Callable[[View], View]:
    """Document and limit the codes that an endpoint takes which calls `two_factor.require_code`."""

    def decorate(view: View) -> View:
        limited = _limit_guesses(lambda: _CODE_HEADER in request.headers)(view)
        documented = blueprint.takes_header(_CODE_PARAMETER)(limited)
        return blueprint.refuses(BadRequest, TwoFactorRequired)(documented)

    return decorate


def takes_code(view: View) -> View:
    """Limit the codes that an endpoint takes in its body."""
    return _limit_guesses(lambda: True)(view)


def _limit_guesses(when: Callable[[], bool]) -> Callable[[View], View]:
    return per_caller_together(_GUESSES, scope="two-factor", when=when)


def two_factor_code() -> str | None:
    """The code that the caller sent with the request, or None. Raises BadRequest."""
    text = request.headers.get(_CODE_HEADER)
    if text is None:
        return None
    if (code := two_factor.canonical_code(text)) is None:
        raise BadRequest(details={_CODE_HEADER: ["Must be 6 digits or a recovery code."]})
    return code


def require_password(password: str) -> None:
    """Make sure that it is the caller who holds the token. Never call it inside a transaction.

    Raises Unauthorized, InvalidCredentials.
    """
    with reading() as session:
        known_hash = live_user(session).password_hash
    if not passwords.matches(password, known_hash, rounds=settings().bcrypt_rounds):
        raise InvalidCredentials
