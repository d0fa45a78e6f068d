"""Who may call an endpoint, and on whose behalf it runs.

`requires` checks the token before the body is read; `live_user` then asks the database inside the
transaction of the work, so a revoked session or deactivated user can do nothing from that moment.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import g, request
from sqlalchemy.orm import Session

from app.auth import service
from app.auth.errors import RoleRequired
from app.auth.models import Role, User
from app.auth.tokens import Identity, read_access_token
from app.common.errors import Unauthorized
from app.common.http import Blueprint
from app.common.middleware import name_caller

View = TypeVar("View", bound=Callable[..., Any])

SECURITY_SCHEME = "bearerAuth"


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
