"""Access tokens as Flask-JWT-Extended issues them."""

from typing import Any, Final
from uuid import UUID

from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token

from app.auth.models import LoginSession
from app.auth.schemas import SessionOut
from app.auth.tokens import ACCESS_AUDIENCE, TokenRules, token_rules
from app.common import clock


def install(app: Flask, rules: TokenRules) -> None:
    """Configure `app` to issue access tokens by these rules."""
    app.config.update(
        JWT_SECRET_KEY=rules.access_secret,
        JWT_ALGORITHM="HS256",
        JWT_ACCESS_TOKEN_EXPIRES=rules.access_ttl,
        JWT_ENCODE_NBF=False,
    )
    JWTManager(app)


def access_token(*, user_id: UUID, session_id: UUID, role: str, email: str | None) -> str:
    """A new access token of a session."""
    now, rules = clock.now(), token_rules()  # the library takes the clock of the host
    claims = {
        "iss": rules.issuer,
        "aud": ACCESS_AUDIENCE,
        "sid": str(session_id),
        "role": role,
        "email": email,
        "iat": now,
        "exp": now + rules.access_ttl,
    }
    token: str = create_access_token(str(user_id), additional_claims=claims)
    return token


_SESSION: Final = SessionOut()


def dump_session(login: LoginSession, *, current_id: UUID) -> dict[str, Any]:
    """What SessionOut describes. current_id: the session of the request."""
    shown = {name: getattr(login, name) for name in _SESSION.fields if name != "current"}
    return _SESSION.dump(shown | {"current": login.id == current_id})  # type: ignore[no-any-return]
