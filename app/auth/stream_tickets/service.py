"""Tickets in Redis: valid once, and for seconds."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import redis

from app.auth.tokens import Identity
from app.common import clock
from app.common.errors import Unavailable
from app.common.process_state import Slot

#: How long a ticket is valid.
TTL: Final = timedelta(seconds=30)
#: Seconds after which a client should try again while Redis is away.
_RETRY_SECONDS: Final = 2
_PREFIX: Final = "live:ticket:"
_LENGTH: Final = 43

#: The Redis of REDIS_URL.
store: Final[Slot[redis.Redis]] = Slot("stream tickets")


@dataclass(frozen=True, slots=True)
class Ticket:
    ticket: str
    expires_at: datetime


def create(identity: Identity) -> Ticket:
    """A ticket for a user. Raises Unavailable while Redis is away."""
    ticket = secrets.token_urlsafe(32)
    claims = [str(identity.user_id), str(identity.session_id), identity.role]
    try:
        store().set(_key(ticket), json.dumps(claims), ex=TTL)
    except redis.RedisError:
        raise _unavailable() from None
    return Ticket(ticket, clock.now() + TTL)


def redeem(ticket: str) -> Identity | None:
    """The user of a ticket, which is used up; None if it is unknown, used or expired.

    Raises Unavailable while Redis is away.
    """
    if len(ticket) != _LENGTH:
        return None
    try:
        claims = store().getdel(_key(ticket))
    except redis.RedisError:
        raise _unavailable() from None
    if claims is None:
        return None
    user_id, session_id, role = json.loads(claims)
    return Identity(UUID(user_id), UUID(session_id), role)


def _key(ticket: str) -> str:
    # A dump of Redis contains no ticket.
    return _PREFIX + hashlib.sha256(ticket.encode()).hexdigest()


def _unavailable() -> Unavailable:
    return Unavailable(retry_after=_RETRY_SECONDS)
