"""Budgets of attempts at endpoints that take a secret."""

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Response, after_this_request

from app.attempts import service
from app.attempts.budgets import Budget
from app.attempts.service import PERIOD, Balance, Charge
from app.common import ratelimit
from app.common.db import joined, reading, transaction
from app.common.middleware import count_towards, has_caller
from app.common.side_effects import attempt

View = TypeVar("View", bound=Callable[..., Any])

_MAX_REMEMBERED: Final = 10_000
_WINDOW: Final = int(PERIOD.total_seconds())


def limits_attempts(
    budget: Budget,
    *,
    when: Callable[[], bool] = lambda: True,
    guess: Callable[..., str | None] | None = None,
    counts: Callable[[Response], bool] | None = None,
) -> Callable[[View], View]:
    """Limit the attempts at an endpoint, per caller and address. It stands below the arguments.

    when: which requests are attempts; guess: the secret in the view's arguments, which counts once
    however often it is repeated; counts: which responses count, all by default. Without it an
    attempt is counted before the response is known, so right and wrong ones cost the same.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def limited(*args: Any, **values: Any) -> Any:
            if not ratelimit.limiter.enabled or not when():
                return view(*args, **values)
            charges = _charges(budget)
            if counts is not None:
                count_if(charges, counts)
            elif guess is None or (text := guess(*args, **values)) is not None:
                _spend(charges, text if guess else None)
            return view(*args, **values)

        limited.attempt_budgets = {  # type: ignore[attr-defined]  # for the test of the API
            budget,
            *getattr(view, "attempt_budgets", ()),
        }
        return cast("View", limited)

    return decorate


def _charges(budget: Budget) -> list[Charge]:
    charges = [Charge(f"{budget.name}/address", ratelimit.address(), budget.per_address)]
    if budget.per_caller is not None and has_caller():
        charges.append(Charge(f"{budget.name}/caller", ratelimit.caller(), budget.per_caller))
    return charges


def count_if(charges: list[Charge], counts: Callable[[Response], bool]) -> None:
    """Require that these budgets are not empty, and spend from them if the response counts.

    Raises TooManyRequests.
    """
    with reading() as session:
        balances = service.look(session, charges)
    _tell(balances)
    service.require(balances)

    def count(response: Response) -> Response:
        if counts(response):
            attempt(lambda: _record(charges))
        return response

    after_this_request(count)


def _record(charges: list[Charge]) -> None:
    with transaction() as session:
        balances = service.spend(session, charges)
    _tell(balances)


def _spend(charges: list[Charge], guess: str | None) -> None:
    known = _known_guess(charges, guess) if guess is not None else None
    if known is not None and _known_guesses.contains(known):
        return
    # Not as a part of an idempotent request, with which it would be rolled back.
    with joined(None), transaction() as session:
        balances = service.spend(session, charges)
        _tell(balances)
        service.require(balances)
    if known is not None:
        _known_guesses.add(known)


def _tell(balances: list[Balance]) -> None:
    for balance in balances:
        reset = math.ceil(balance.wait.total_seconds())
        count_towards(balance.charge.attempts, _WINDOW, left=balance.left, reset=reset)


def _known_guess(charges: list[Charge], guess: str) -> bytes:
    keys = [part for charge in charges for part in (charge.scope, charge.subject)]
    return hashlib.sha256("\0".join([*keys, guess]).encode()).digest()


class _Recent:
    """The values that were added last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def contains(self, value: bytes) -> bool:
        with self._lock:
            if value not in self._values:
                return False
            self._values.move_to_end(value)
            return True

    def add(self, value: bytes) -> None:
        with self._lock:
            self._values[value] = None
            if len(self._values) > self._size:
                self._values.popitem(last=False)


#: Guesses of callers that have been counted: repeating one is not another attempt. A buyer who
#: uses a coupon for many orders pays for one round trip.
_known_guesses: Final = _Recent(_MAX_REMEMBERED)
