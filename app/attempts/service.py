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


@dataclass(frozen=True, slots=True)
class Balance:
    """A budget after an attempt. is_refused: it had no attempt left; left: attempts that are left;
    wait: until there is one more."""

    charge: Charge
    is_refused: bool
    left: int
    wait: timedelta


def spend(session: Session, charges: Sequence[Charge]) -> list[Balance]:
    """Spend an attempt of each budget.

    If one is refused, the transaction must be rolled back, unless the attempt has been made
    already: concurrent ones may overdraw a budget.
    """
    now = clock.now()
    found = _postpone(session, charges, now=now)
    return [_balance(charge, full_at, now=now, required=0) for charge, full_at in found]


def look(session: Session, charges: Sequence[Charge]) -> list[Balance]:
    """Whether each of these budgets has an attempt left, without spending it."""
    now = clock.now()
    found = repository.get_full_at(session, [charge.key for charge in charges])
    return [_balance(charge, found.get(charge.key, now), now=now, required=1) for charge in charges]


def require(balances: Sequence[Balance]) -> None:
    """Raises TooManyRequests if one of them is refused."""
    waits = [balance.wait for balance in balances if balance.is_refused]
    if waits:
        seconds = max(1, math.ceil(max(waits).total_seconds()))
        raise TooManyRequests(headers={"Retry-After": str(seconds)})


def _postpone(
    session: Session, charges: Sequence[Charge], *, now: datetime
) -> Iterator[tuple[Charge, datetime]]:
    by_key = {charge.key: charge for charge in charges}
    costs = {key: by_key[key].cost for key in sorted(by_key)}  # two requests must not deadlock
    found = repository.postpone(session, costs, now=now)
    return ((by_key[key], full_at) for key, full_at in found.items())


def _balance(charge: Charge, full_at: datetime, *, now: datetime, required: int) -> Balance:
    """full_at: when the budget is full; required: attempts that must be left."""
    unspent = now + PERIOD - max(full_at, now)
    left = unspent // charge.cost
    if left < required:
        return Balance(charge, True, max(left, 0), required * charge.cost - unspent)
    next_one = (left + 1) * charge.cost - unspent if full_at > now else timedelta()
    return Balance(charge, False, left, next_one)
