"""The tokens of a sign-in, as they are sent to clients."""

from typing import Any

from app.auth import http, service, tokens
from app.auth.errors import InvalidRefreshToken
from app.auth.session_tokens import guard as refresh_cookie
from app.auth.sign_in.guard import remember_device
from app.auth.tokens import token_rules
from app.common.db import transaction


def issue(sign_in: service.SignIn, *, in_cookie: bool) -> dict[str, Any]:
    """User and tokens. in_cookie: whether the refresh token is sent as a cookie instead."""
    user = sign_in.user
    remember_device(user, device_id=sign_in.device_id)
    refresh_token = tokens.refresh_token(
        token_rules(),
        user_id=user.id,
        session_id=sign_in.session_id,
        token_id=sign_in.token_id,
        expires_at=sign_in.expires_at,
    )
    if in_cookie:
        refresh_cookie.send(refresh_token, expires_at=sign_in.expires_at)
    return {
        "user": user,
        "access_token": http.access_token(
            user_id=user.id, session_id=sign_in.session_id, role=user.role, email=user.email
        ),
        "refresh_token": None if in_cookie else refresh_token,
    }


def rotate(refresh_token: str) -> service.SignIn:
    """The session with its next refresh token. Raises InvalidRefreshToken."""
    claims = tokens.read_refresh_token(token_rules(), refresh_token)
    if claims is None:
        raise InvalidRefreshToken
    with transaction() as session:
        return service.rotate_refresh_token(
            session,
            session_id=claims.session_id,
            token_id=claims.token_id,
            rules=token_rules(),
        )
