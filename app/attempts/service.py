"""Budgets of attempts at guessing a secret: they are in the database, so that they outlive Redis.

Rate limits in Redis slow a caller down within minutes. A budget bounds what can be guessed in the
long run, for all processes together.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.attempts import repository
from app.common import clock
from app.common.errors import TooManyRequests

#: An empty budget is full again after this time, and a part of it after a part of the time.
PERIOD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt. scope: what is guessed; subject: whose attempts are counted together;
    attempts: how many the subject has, at once and per day."""

    scope: str
    subject: str
    attempts: int

    @property
    def key(self) -> tuple[str, bytes]:
        return self.scope, hashlib.sha256(self.subject.encode()).digest()

    @property
    def cost(self) -> timedelta:
        """How much later the budget is full because of it."""
        return PERIOD / self.attempts


def spend(session: Session, charges: Sequence[Charge]) -> None:
    """Spend an attempt of each budget. Raises TooManyRequests; the transaction must end then."""
    now = clock.now()
    for charge, full_at in _postpone(session, charges, now=now):
        _require(charge, full_at - charge.cost, now=now)


def require_left(session: Session, charges: Sequence[Charge]) -> None:
    """Raises TooManyRequests unless each of these budgets has an attempt left."""
    now = clock.now()
    found = repository.get_full_at(session, [charge.key for charge in charges])
    for charge in charges:
        _require(charge, found.get(charge.key, now), now=now)


def record(session: Session, charges: Sequence[Charge]) -> None:
    """Spend an attempt of each budget, after it was made: concurrent ones may overdraw it."""
    _postpone(session, charges, now=clock.now())


def _postpone(
    session: Session, charges: Sequence[Charge], *, now: datetime
) -> Iterator[tuple[Charge, datetime]]:
    by_key = {charge.key: charge for charge in charges}
    costs = {key: by_key[key].cost for key in sorted(by_key)}  # two requests must not deadlock
    found = repository.postpone(session, costs, now=now)
    return ((by_key[key], full_at) for key, full_at in found.items())


def _require(charge: Charge, full_at: datetime, *, now: datetime) -> None:
    """Raises TooManyRequests if a budget that is full at this time has no attempt left."""
    wait = full_at + charge.cost - (now + PERIOD)
    if wait > timedelta():
        seconds = max(1, math.ceil(wait.total_seconds()))
        raise TooManyRequests(headers={"Retry-After": str(seconds)})
