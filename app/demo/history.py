"""The history of the demo: which orders, deposits and withdrawals to create, without a database."""

import random
from dataclasses import dataclass
from typing import Final

from app.demo.catalogue import OWNERS, PRODUCTS, SHOPS
from app.demo.people import BUYERS, Person
from app.demo.shops.shop import DemoProduct

ORDERS: Final = 150

#: Fixed, so that the demo is the same on every machine.
_SEED: Final = 20_260_117
_OPENING_DEPOSITS: Final = (50_00, 80_00, 100_00, 150_00, 200_00, 300_00)
_TOP_UP_STEP: Final = 50_00
#: Minimum balance after a top-up and the order that it was for.
_REMAINDERS: Final = (50_00, 100_00, 150_00)
#: Buyers order only one unit of more expensive products.
_CHEAP_PRICE: Final = 50_00
#: After this many orders, the shop with the highest balance withdraws.
_ORDERS_PER_WITHDRAWAL: Final = 25
_BUYERS_WITHDRAWING: Final = 3


@dataclass(frozen=True, slots=True)
class Deposit:
    """amount: minor units."""

    person: Person
    amount: int


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """amount: minor units."""

    person: Person
    amount: int


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    buyer: Person
    product: DemoProduct
    quantity: int


@dataclass(frozen=True, slots=True)
class DeactivatedProduct:
    """A product that is deactivated after it has been sold for a while."""

    product: DemoProduct


Step = Deposit | Withdrawal | PlacedOrder | DeactivatedProduct


def history() -> list[Step]:
    """All steps in order, the same at every call. No wallet is ever overdrawn."""
    rng = random.Random(_SEED)  # noqa: S311 – reproducible on purpose, guards nothing
    activity = [rng.uniform(1, 6) for _ in BUYERS]
    balances = {buyer: rng.choice(_OPENING_DEPOSITS) for buyer in BUYERS}
    earnings = {shop.owner: 0 for shop in SHOPS}
    steps: list[Step] = [Deposit(buyer, amount) for buyer, amount in balances.items()]
    for number, (product, quantity) in enumerate(_plan_orders(rng), start=1):
        (buyer,) = rng.choices(BUYERS, activity)
        cost = product.price * quantity
        if (missing := cost - balances[buyer]) > 0:
            top_up = -(-missing // _TOP_UP_STEP) * _TOP_UP_STEP + rng.choice(_REMAINDERS)
            balances[buyer] += top_up
            steps.append(Deposit(buyer, top_up))
        balances[buyer] -= cost
        earnings[OWNERS[product]] += cost
        steps.append(PlacedOrder(buyer, product, quantity))
        if number % _ORDERS_PER_WITHDRAWAL == 0:
            steps.append(_withdraw_half(_highest(earnings), earnings))
    steps += [_withdraw_half(_highest(balances), balances) for _ in range(_BUYERS_WITHDRAWING)]
    steps += [DeactivatedProduct(product) for product in PRODUCTS if product.deactivated]
    return steps


def _plan_orders(rng: random.Random) -> list[tuple[DemoProduct, int]]:
    """The product and quantity of each order. Few products are ordered often."""
    orders: list[tuple[DemoProduct, int]] = []
    for product in PRODUCTS:
        to_sell = 0 if product.units_left is None else product.units - product.units_left
        while to_sell:
            quantity = min(to_sell, rng.choice((1, 1, 2)))
            orders.append((product, quantity))
            to_sell -= quantity
    plentiful = [product for product in PRODUCTS if product.units_left is None]
    popularity = [min(rng.paretovariate(1.2), 10) for _ in plentiful]
    for product in rng.choices(plentiful, popularity, k=ORDERS - len(orders)):
        (quantity,) = rng.choices((1, 2, 3), (80, 14, 6)) if product.price <= _CHEAP_PRICE else (1,)
        orders.append((product, quantity))
    rng.shuffle(orders)
    return orders


def _highest(amounts: dict[Person, int]) -> Person:
    return max(amounts, key=lambda person: amounts[person])


def _withdraw_half(person: Person, amounts: dict[Person, int]) -> Withdrawal:
    """Half of the person's amount, rounded down to a multiple of ten."""
    amount = amounts[person] // 2 // 10_00 * 10_00
    amounts[person] -= amount
    return Withdrawal(person, amount)
