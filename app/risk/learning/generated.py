"""A generated history with planted fraud, the same on every machine: for tests, and to show what a
model finds that rules do not.

Customers have habits: an amount, a time of day, a pace, favourite merchants. A thief who takes over
an account pays several times within an hour or two, at night, more than its owner usually does and
less than what rules about large amounts notice. An impostor opens an account and spends much within
a day, which rules do notice. Customers do unusual things, too: they pay at night, buy several
presents at once, or something dear.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.risk.conditions import WINDOWS
from app.risk.evaluation import Parameters, Ruleset, StoredInputs
from app.risk.learning import features
from app.risk.learning.service import rank
from app.risk.learning.training import Example
from app.risk.models import PaymentKind

CURRENCY: Final = "USD"
START: Final = datetime(2026, 6, 1, tzinfo=UTC)
DAYS: Final = 120
_SEED: Final = 20_260_117
_CUSTOMERS: Final = 60
_MERCHANTS: Final = 25
_TAKEOVERS: Final = 45
_IMPOSTORS: Final = 20
#: Of fraud that nobody notices, and of honest payments that are refunded, in a thousand.
_UNNOTICED: Final = 100
_RETURNED: Final = 2


@dataclass(frozen=True, slots=True)
class Payment:
    """An attempt. amount, available: minor units; payee: number of a merchant or customer;
    is_refused: for lack of funds; is_bad: refunded or rejected in the end."""

    customer: int
    at: datetime
    kind: PaymentKind
    amount: int
    available: int
    payee: int
    is_refused: bool = False
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class _Habits:
    registered_at: datetime
    amount: int
    hour: float
    per_day: float
    merchants: tuple[int, ...]


def history(seed: int = _SEED) -> list[Payment]:
    """All attempts, oldest first."""
    rng = random.Random(seed)  # noqa: S311 – reproducible on purpose, guards nothing
    customers = _customers(seed)
    payments = [
        payment
        for number, habits in enumerate(customers)
        for payment in _honest(rng, number, habits)
    ]
    for _ in range(_TAKEOVERS):
        number = rng.randrange(_CUSTOMERS)
        payments += _takeover(rng, number, customers[number])
    for number, created_at in enumerate(accounts(seed)[_CUSTOMERS:], start=_CUSTOMERS):
        payments += _impostor(rng, number, created_at)
    payments.sort(key=lambda payment: payment.at)
    return payments


def accounts(seed: int = _SEED) -> list[datetime]:
    """When the account of each customer was created, impostors last."""
    rng = random.Random(seed + 1)  # noqa: S311
    opened = [START + timedelta(days=_between(rng, 3, DAYS - 2)) for _ in range(_IMPOSTORS)]
    return [customer.registered_at for customer in _customers(seed)] + opened


def _customers(seed: int) -> list[_Habits]:
    rng = random.Random(seed)  # noqa: S311
    return [_habits(rng) for _ in range(_CUSTOMERS)]


def _habits(rng: random.Random) -> _Habits:
    return _Habits(
        START - timedelta(days=_between(rng, 2, 400)),
        round(rng.lognormvariate(3.3, 0.7) * 100),
        rng.gauss(15, 3),
        _between(rng, 0.4, 2.5),
        tuple(rng.sample(range(_MERCHANTS), 5)),
    )


def _honest(rng: random.Random, number: int, habits: _Habits) -> Iterator[Payment]:
    for day in range(DAYS):
        times = int(rng.expovariate(1 / habits.per_day))
        if rng.random() < 0.02:  # presents
            times += rng.randint(3, 6)
        midnight = START + timedelta(days=day)
        # Some days end late.
        middle = 25.5 if rng.random() < 0.04 else habits.hour
        for _ in range(times):
            amount = max(round(habits.amount * rng.lognormvariate(0, 0.6)), 100)
            if rng.random() < 0.006:  # something dear
                amount = rng.randint(150_000, 900_000)
            kind = PaymentKind.PURCHASE if rng.random() < 0.8 else PaymentKind.TRANSFER
            yield Payment(
                number,
                midnight + timedelta(hours=max(rng.gauss(middle, 2), 0)),
                kind,
                amount,
                amount * rng.randint(1, 30),
                rng.choice(habits.merchants),
                is_bad=rng.randrange(1_000) < _RETURNED,
            )


def _between(rng: random.Random, low: float, high: float) -> float:
    return low + (high - low) * rng.random()


def _takeover(rng: random.Random, number: int, habits: _Habits) -> Iterator[Payment]:
    at = START + timedelta(days=rng.randrange(5, DAYS), hours=_between(rng, 0, 5))
    left = habits.amount * rng.randint(20, 40)
    for attempt in range(rng.randint(4, 8)):
        amount = min(round(habits.amount * _between(rng, 2, 5)), 480_000)
        is_refused = attempt == 0 and rng.random() < 0.4
        yield Payment(
            number,
            at,
            PaymentKind.PURCHASE if rng.random() < 0.7 else PaymentKind.TRANSFER,
            amount,
            max(left, amount),
            rng.randrange(_MERCHANTS),
            is_refused=is_refused,
            is_bad=not is_refused and rng.randrange(1_000) >= _UNNOTICED,
        )
        left -= amount
        at += timedelta(minutes=_between(rng, 2, 25))


def _impostor(rng: random.Random, number: int, created_at: datetime) -> Iterator[Payment]:
    at = created_at
    for _ in range(rng.randint(1, 3)):
        at += timedelta(hours=_between(rng, 0.3, 6))
        amount = rng.randint(80_000, 700_000)
        kind = PaymentKind.PURCHASE if rng.random() < 0.5 else PaymentKind.TRANSFER
        payee = rng.randrange(_MERCHANTS)
        noticed = rng.randrange(1_000) >= _UNNOTICED
        yield Payment(number, at, kind, amount, amount * 100 // 97, payee, is_bad=noticed)


@dataclass(slots=True)
class _Past:
    """What a customer has done so far."""

    times: list[datetime] = field(default_factory=list)
    sums: list[int] = field(default_factory=lambda: [0])
    payees: list[int] = field(default_factory=list)
    refused: list[datetime] = field(default_factory=list)

    def add(self, payment: Payment) -> None:
        if payment.is_refused:
            self.refused.append(payment.at)
            return
        self.times.append(payment.at)
        self.sums.append(self.sums[-1] + payment.amount)
        self.payees.append(payment.payee)


def with_inputs(seed: int = _SEED) -> Iterator[tuple[Payment, Mapping[str, Any]]]:
    """Every screened attempt with what rules can read about it, computed from those before."""
    known: dict[int, _Past] = {}
    created = accounts(seed)
    for payment in history(seed):
        past = known.setdefault(payment.customer, _Past())
        if not payment.is_refused:
            yield payment, _inputs(payment, past, created[payment.customer])
        past.add(payment)


def _inputs(payment: Payment, past: _Past, created_at: datetime) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "amount": payment.amount,
        "currency": CURRENCY,
        "type": payment.kind.value,
        "share": payment.amount * 100 // payment.available,
        "accountAge": int((payment.at - created_at).total_seconds()) // 3600,
        "hour": payment.at.hour,
        "newDevice": False,
        "newAddress": False,
        "country": None,
        "coupon": False,
        "list": None,
    }
    for window, length in WINDOWS.items():
        first = bisect_right(past.times, payment.at - length)
        refused = bisect_right(past.refused, payment.at - length)
        found |= {
            f"count.{window}": len(past.times) - first + 1,
            f"sum.{window}": past.sums[-1] - past.sums[first] + payment.amount,
            f"receivers.{window}": len({*past.payees[first:], payment.payee}),
            f"refused.{window}": len(past.refused) - refused,
            f"refusedAtAddress.{window}": None,
        }
    return found


def examples(rules: Ruleset, parameters: Parameters, *, seed: int = _SEED) -> list[Example]:
    """The history as a model learns from it, with what these rules say."""
    return [
        Example(
            features.vector(inputs),
            payment.is_bad,
            rank(rules.evaluate(StoredInputs(inputs), currency=CURRENCY, parameters=parameters)),
        )
        for payment, inputs in with_inputs(seed)
    ]
