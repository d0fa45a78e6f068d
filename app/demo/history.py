"""What happened in the demo before anybody looked: a plan, made without a database."""

import random
from dataclasses import dataclass
from typing import Final

from app.demo.catalogue import GOODS, OWNER_OF, SHOPS
from app.demo.people import BUYERS, Person
from app.demo.shops.shop import Good

ORDERS: Final = 150

#: The same history everywhere, so that what one person sees another can look up.
_SEED: Final = 20_260_117
_OPENING_DEPOSITS: Final = (50_00, 80_00, 100_00, 150_00, 200_00, 300_00)
_TOP_UP_STEP: Final = 50_00
#: Left over after a top-up and the purchase it was for, at least.
_SPARE: Final = (50_00, 100_00, 150_00)
#: Nobody buys two of what costs more.
_CHEAP: Final = 50_00
#: After so many orders the shop that earned most is paid out.
_PAYOUT_EVERY: Final = 25
_BUYERS_CASHING_OUT: Final = 3


@dataclass(frozen=True, slots=True)
class Deposit:
    """amount: minor units."""

    who: Person
    amount: int


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """amount: minor units."""

    who: Person
    amount: int


@dataclass(frozen=True, slots=True)
class Bought:
    buyer: Person
    good: Good
    quantity: int


@dataclass(frozen=True, slots=True)
class Retired:
    """Taken off the shelf, after having been sold for a while."""

    good: Good


Step = Deposit | Withdrawal | Bought | Retired


def history() -> list[Step]:
    """Everything that happened, in order, the same at every call; nobody spends what they lack."""
    rng = random.Random(_SEED)  # noqa: S311 – must repeat itself, guards nothing
    activity = [rng.uniform(1, 6) for _ in BUYERS]
    balances = {buyer: rng.choice(_OPENING_DEPOSITS) for buyer in BUYERS}
    earnings = {shop.owner: 0 for shop in SHOPS}
    steps: list[Step] = [Deposit(buyer, amount) for buyer, amount in balances.items()]
    for number, (good, quantity) in enumerate(_wishes(rng), start=1):
        (buyer,) = rng.choices(BUYERS, activity)
        cost = good.price * quantity
        if (missing := cost - balances[buyer]) > 0:
            top_up = -(-missing // _TOP_UP_STEP) * _TOP_UP_STEP + rng.choice(_SPARE)
            balances[buyer] += top_up
            steps.append(Deposit(buyer, top_up))
        balances[buyer] -= cost
        earnings[OWNER_OF[good]] += cost
        steps.append(Bought(buyer, good, quantity))
        if number % _PAYOUT_EVERY == 0:
            steps.append(_withdraw_half(_richest(earnings), earnings))
    steps += [_withdraw_half(_richest(balances), balances) for _ in range(_BUYERS_CASHING_OUT)]
    steps += [Retired(good) for good in GOODS if good.retired]
    return steps


def _wishes(rng: random.Random) -> list[tuple[Good, int]]:
    """What is bought in which quantity: a few things often, most now and then."""
    wishes: list[tuple[Good, int]] = []
    for good in GOODS:
        to_sell = 0 if good.left is None else good.units - good.left
        while to_sell:
            quantity = min(to_sell, rng.choice((1, 1, 2)))
            wishes.append((good, quantity))
            to_sell -= quantity
    plentiful = [good for good in GOODS if good.left is None]
    popularity = [min(rng.paretovariate(1.2), 10) for _ in plentiful]
    for good in rng.choices(plentiful, popularity, k=ORDERS - len(wishes)):
        (quantity,) = rng.choices((1, 2, 3), (80, 14, 6)) if good.price <= _CHEAP else (1,)
        wishes.append((good, quantity))
    rng.shuffle(wishes)
    return wishes


def _richest(amounts: dict[Person, int]) -> Person:
    return max(amounts, key=lambda person: amounts[person])


def _withdraw_half(who: Person, amounts: dict[Person, int]) -> Withdrawal:
    """Half of what they have, in round tens."""
    amount = amounts[who] // 2 // 10_00 * 10_00
    amounts[who] -= amount
    return Withdrawal(who, amount)
