"""API keys: credentials that a merchant creates for a server.

Each key has its own login session. So every check of the session, in the transaction of the work
and in batches, also detects a revoked key.

A key consists of the prefix `pf_live_` in production and `pf_test_` elsewhere, 43 random letters
and digits (256 bits), and a checksum of 6 (CRC-32 of the preceding text). The checksum detects
typing errors and lets secret scanners recognise keys offline.
"""

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import repository
from app.auth.errors import ApiKeyNotFound
from app.auth.models import ApiKey, SessionKind
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.auth.scopes import Scope
from app.common import clock
from app.common.errors import BadRequest, Unauthorized
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.events.catalogue.accounts import ApiKeyCreated, ApiKeyRevoked

#: The prefix of every key. No access token has it.
PREFIX: Final = "pf_"
#: Format of a key, for secret scanners and to reject other text early.
PATTERN: Final = "pf_(live|test)_[0-9A-Za-z]{49}"

_LETTERS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
#: 62**43 > 2**256.
_RANDOM_LENGTH: Final = 43
#: 62**6 > 2**32.
_CHECK_LENGTH: Final = 6
#: Number of characters of a key that lists show.
_SHOWN_LENGTH: Final = len("pf_live_") + 6
#: Expiry of the session of a key that does not expire.
NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
#: Precision of the recorded time of last use.
_USE_PRECISION: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """The owner of a key and its scopes. session_id: the id of the key."""

    user_id: UUID
    session_id: UUID
    role: str
    scopes: frozenset[str]
    last_used_at: datetime | None

    def needs_use_recorded(self) -> bool:
        """Whether the recorded time of last use is out of date."""
        return self.last_used_at is None or clock.now() - self.last_used_at >= _USE_PRECISION


def generate_key(*, live: bool) -> str:
    """A new key. live: for production."""
    body = "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM_LENGTH))
    start = _prefix(live=live) + body
    return start + _checksum(start)


def is_genuine(text: str) -> bool:
    """Whether the text has the form and checksum of a key; the key need not exist."""
    if not re.fullmatch(PATTERN, text):
        return False
    return text.endswith(_checksum(text[:-_CHECK_LENGTH]))


def require_owner(key: str, *, live: bool) -> KeyOwner:
    """The owner of a key, if the key is valid now.

    One read by the key's hash; the transaction of the work checks the session again. A key with a
    wrong checksum is not looked up. live: whether this is production, which accepts only its own
    keys. Raises Unauthorized.
    """
    if not is_genuine(key):
        raise Unauthorized
    if not key.startswith(_prefix(live=live)):
        kind = "production" if live else "testing"
        raise Unauthorized(f"Unauthorized: this server accepts only API keys for {kind}")
    row = repository.get_key_owner(key_hash=_hash(key), now=clock.now())
    if row is None:
        raise Unauthorized
    user_id, session_id, role, scopes, last_used_at = row
    return KeyOwner(user_id, session_id, role, frozenset(scopes), last_used_at)


def create_key(
    session: Session,
    *,
    user_id: UUID,
    by_session: UUID,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    live: bool,
) -> tuple[ApiKey, str]:
    """Create an API key. Returns it with its text, which cannot be shown again.

    by_session: the login session of the request. Raises Unauthorized, QuotaExceeded, and
    BadRequest if `expires_at` is in the past.
    """
    # The deactivation of the user or a change of the password would miss the new key.
    repository.get_user_for_update(session, user_id)
    now = clock.now()
    if not repository.get_user_of_session(session, user_id=user_id, session_id=by_session, now=now):
        raise Unauthorized
    if expires_at is not None and expires_at <= now:
        raise BadRequest(details={"expiresAt": ["Must be in the future."]})
    quotas.require_room(session, user_id=user_id, quota=Quota.API_KEYS)
    key = generate_key(live=live)
    login = repository.insert_session(
        session,
        id=new_id(),
        kind=SessionKind.API_KEY,
        user_id=user_id,
        created_at=now,
        last_used_at=now,
        expires_at=expires_at or NEVER,
    )
    made = repository.insert_key(
        session,
        id=login.id,
        user_id=user_id,
        name=name,
        prefix=key[:_SHOWN_LENGTH],
        key_hash=_hash(key),
        scopes=[scope for scope in Scope if scope in scopes],
        created_at=now,
        expires_at=expires_at,
    )
    events.record(session, [ApiKeyCreated.of(made, scopes=tuple(made.scopes))])
    _audit(session, made, "create", actor_id=user_id, expiresAt=clock.format_timestamp(expires_at))
    return made, key


def count_keys(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The number of the user's valid keys. limit: as of `quotas.Count`."""
    return len(repository.list_active_keys(session, user_id=user_id, now=clock.now(), limit=limit))


def list_keys(session: Session, page: PageRequest, *, user_id: UUID) -> Page[Any]:
    """The user's keys, newest first, including expired and revoked ones; each with `revoked_at`."""
    return repository.list_keys(session, page, user_id=user_id)


def revoke_key(session: Session, *, user_id: UUID, key_id: UUID) -> None:
    """Revoke one of the user's keys. Idempotent. Raises ApiKeyNotFound."""
    login = repository.get_session_for_update(session, key_id)
    key = repository.get_key(session, key_id)
    if login is None or key is None or key.user_id != user_id:
        raise ApiKeyNotFound
    if login.revoked_at is None:
        login.revoked_at, login.revoked_because = clock.now(), "revoked"
        _record_revoked(session, key, actor_id=user_id, because=login.revoked_because)


def revoke_all(session: Session, *, user_id: UUID, actor_id: UUID | None, because: str) -> None:
    """Revoke every valid key of the user. The caller has locked the user's row."""
    now = clock.now()
    keys = repository.list_active_keys(session, user_id=user_id, now=now)
    repository.revoke_sessions(
        session, user_id=user_id, kind=SessionKind.API_KEY, now=now, because=because
    )
    for key in keys:
        _record_revoked(session, key, actor_id=actor_id, because=because)


def record_use(session: Session, *, key_id: UUID) -> None:
    """Record that the key was used now, unless a recent use is recorded."""
    now = clock.now()
    repository.record_key_use(session, key_id=key_id, now=now, unless_since=now - _USE_PRECISION)


def _prefix(*, live: bool) -> str:
    return f"{PREFIX}live_" if live else f"{PREFIX}test_"


def _checksum(start: str) -> str:
    """CRC-32 of the preceding text in base 62, 6 characters."""
    rest, letters = zlib.crc32(start.encode()), ""
    for _ in range(_CHECK_LENGTH):
        rest, digit = divmod(rest, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return letters


def _hash(key: str) -> bytes:
    """The stored hash of a key, by which it is found.

    A fast hash without salt is enough, because keys have 256 random bits; slow hashes protect
    passwords that can be guessed. It is computed for each request, so it must be fast.
    """
    return hashlib.sha256(key.encode()).digest()


def _record_revoked(session: Session, key: ApiKey, *, actor_id: UUID | None, because: str) -> None:
    events.record(session, [ApiKeyRevoked.of(key, scopes=tuple(key.scopes), because=because)])
    _audit(session, key, "revoke", actor_id=actor_id, because=because)


def _audit(
    session: Session, key: ApiKey, verb: str, *, actor_id: UUID | None, **details: str | None
) -> None:
    """Insert an audit record with the name and scopes of the key, never the key itself."""
    audit.record(
        session,
        actor_id=actor_id,
        action=f"api-key.{verb}",
        target=("api_key", key.id),
        details={"name": key.name, "prefix": key.prefix, "scopes": list(key.scopes), **details},
    )
