"""Access and refresh tokens (JWT, HS256). Each kind has its own secret and audience."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import jwt

from app.common import clock
from app.common.errors import Unauthorized
from app.common.process_state import Slot
from app.common.settings import Settings


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and session that an access token or API key identifies.

    scopes: of the API key; None for an access token, which has all of them.
    """

    user_id: UUID
    session_id: UUID
    role: str
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    user_id: UUID
    session_id: UUID
    token_id: UUID


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Secrets and lifetimes, read once from the settings.

    issuer: the `iss` of every token; configured_at: when this process read its settings.
    """

    access_secret: str
    refresh_secret: str
    access_ttl: timedelta
    refresh_ttl: timedelta
    session_ttl: timedelta
    issuer: str
    configured_at: datetime

    @classmethod
    def of(cls, settings: Settings) -> "TokenRules":
        return cls(
            access_secret=settings.access_secret,
            refresh_secret=settings.refresh_secret,
            access_ttl=settings.jwt_access_expiration,
            refresh_ttl=settings.jwt_refresh_expiration,
            session_ttl=settings.session_expiration,
            # As with API keys, an environment refuses what was issued by another.
            issuer=f"payment-flow/{settings.app_env}",
            configured_at=clock.now(),
        )

    def session_expiry(self, *, signed_in_at: datetime) -> datetime:
        """When a session that is used now ends, unless it is used again before."""
        return min(clock.now() + self.refresh_ttl, signed_in_at + self.session_ttl)


#: The `aud` of access tokens and of refresh tokens.
ACCESS_AUDIENCE: Final = "payment-flow-api"
REFRESH_AUDIENCE: Final = "payment-flow-refresh"

#: How long a token is accepted after it has expired: the clocks of hosts differ.
LEEWAY: Final = timedelta(seconds=30)

# Times are compared with our own clock, not with that of the host, which the library reads. Issuer
# and audience are compared by `_require_for`, because the library cannot accept tokens without.
_UNCHECKED: Final[Any] = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_aud": False,
}
_REQUIRED: Final[Any] = _UNCHECKED | {"require": ["sub", "sid", "exp", "type"]}


#: The rules of this process.
token_rules: Final[Slot[TokenRules]] = Slot("token rules")


def read_access_token(token: str | None) -> Identity:
    """The identity in the request's bearer token, if there is one. Raises Unauthorized."""
    rules = token_rules()
    if token is None:
        raise Unauthorized
    try:
        identity, expires = _verified(token, rules)
    except (jwt.PyJWTError, KeyError, ValueError, AttributeError) as error:
        raise Unauthorized from error
    if _has_expired(expires):
        raise Unauthorized
    return identity


# A genuine token stays genuine until it expires, and clients send the same token repeatedly.
@lru_cache(maxsize=2048)
def _verified(token: str, rules: TokenRules) -> tuple[Identity, int]:
    """The identity in a token, and when it expires (seconds since 1970).

    Uses PyJWT directly: Flask-JWT-Extended parses a token three times for hooks that we do not
    use, which takes longer than the rest of a small request.
    """
    claims = jwt.decode(token, rules.access_secret, ["HS256"], options=_REQUIRED)
    if claims["type"] != "access":
        raise ValueError("not an access token")
    _require_for(ACCESS_AUDIENCE, claims, rules)
    identity = Identity(UUID(claims["sub"]), UUID(claims["sid"]), str(claims["role"]))
    return identity, int(claims["exp"])


def _require_for(audience: str, claims: dict[str, Any], rules: TokenRules) -> None:
    """Require that we issued the token, for this audience. Raises ValueError.

    Tokens of earlier versions have neither claim. They are accepted if they were issued before
    this process started, so that an update signs nobody out; the last ones expire with their
    session.
    """
    if "iss" not in claims and "aud" not in claims:
        accepted = int(claims["iat"]) < rules.configured_at.timestamp()
    else:
        accepted = (claims.get("iss"), claims.get("aud")) == (rules.issuer, audience)
    if not accepted:
        raise ValueError("issued by or for someone else")


def _has_expired(expires: int) -> bool:
    return clock.now().timestamp() >= expires + LEEWAY.total_seconds()


def refresh_token(
    rules: TokenRules, *, user_id: UUID, session_id: UUID, token_id: UUID, expires_at: datetime
) -> str:
    """A new refresh token. expires_at: of its session."""
    claims: dict[str, Any] = {
        "iss": rules.issuer,
        "aud": REFRESH_AUDIENCE,
        "sub": str(user_id),
        "sid": str(session_id),
        "jti": str(token_id),
        "type": "refresh",
        "iat": clock.now(),
        "exp": expires_at,
    }
    return jwt.encode(claims, rules.refresh_secret, "HS256")


def read_refresh_token(rules: TokenRules, token: str) -> RefreshClaims | None:
    """The claims, or None if we did not issue the token or it has expired."""
    try:
        claims = jwt.decode(
            token,
            rules.refresh_secret,
            ["HS256"],
            options=_UNCHECKED | {"require": ["sub", "sid", "jti", "exp"]},
        )
        _require_for(REFRESH_AUDIENCE, claims, rules)
        if _has_expired(int(claims["exp"])):
            return None
        return RefreshClaims(UUID(claims["sub"]), UUID(claims["sid"]), UUID(claims["jti"]))
    except (jwt.PyJWTError, KeyError, ValueError):
        return None
