"""Who does what, when and for how much: the statistics of the traffic."""

import random
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeVar

T = TypeVar("T")


class Size(StrEnum):
    """How large an amount is. HUGE: above the threshold of a review, which is 5,000."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    HUGE = "huge"


class Action(StrEnum):
    """What a person does. BROKE: buys without money; SOLD_OUT: buys what there is none of."""

    PURCHASE = "purchase"
    TRANSFER = "transfer"
    HOLD = "hold"
    WITHDRAWAL = "withdrawal"
    REFUND = "refund"
    BROKE = "broke"
    SOLD_OUT = "sold out"


#: Share of each size in per mille: 70 % small, 25 % medium, 5 % large, of which a few are huge.
SIZES: Final = {Size.SMALL: 700, Size.MEDIUM: 250, Size.LARGE: 46, Size.HUGE: 4}
#: Smallest and largest amount of each size, in units of the currency.
RANGES: Final = {
    Size.SMALL: (3, 30),
    Size.MEDIUM: (30, 200),
    Size.LARGE: (200, 1500),
    Size.HUGE: (5100, 8000),
}
#: Share of each action in per cent. Refunds are no transactions of the feed.
ACTIONS: Final = {
    Action.PURCHASE: 72,
    Action.TRANSFER: 10,
    Action.HOLD: 6,
    Action.WITHDRAWAL: 3,
    Action.REFUND: 3,
    Action.BROKE: 4,
    Action.SOLD_OUT: 2,
}

#: The hours of a day at which people pay, as weights: little at night, most in the evening.
_DAY: Final = (1, 1, 1, 1, 1, 2, 4, 7, 9, 9, 9, 10, 12, 11, 9, 9, 10, 12, 14, 16, 16, 13, 8, 4)
#: Time zones of the buyers, in hours from UTC.
ZONES: Final = (-8, -5, -3, 0, 1, 2, 3, 5, 8, 9)


def pick(rng: random.Random, shares: dict[T, int]) -> T:
    """One of the keys, with the probability that its share has of all."""
    return rng.choices(list(shares), list(shares.values()))[0]


def amount(rng: random.Random, size: Size, *, decimals: int) -> int:
    """An amount in minor units. Small ones within a size are more likely."""
    least, most = RANGES[size]
    units = least + (most - least) * rng.betavariate(1.2, 3)
    return int(units * 10**decimals)


def weight(hour: int, *, zone: int) -> int:
    """How likely a person of that time zone pays at that hour (UTC)."""
    return _DAY[(hour + zone) % 24]


def pause(rng: random.Random, *, interval: float) -> float:
    """Seconds until the next transaction, `interval` on average: people do not wait for each
    other (a Poisson process)."""
    return min(rng.expovariate(1 / interval), 10 * interval)


def prices(rng: random.Random, *, decimals: int) -> Sequence[tuple[Size, int]]:
    """The prices of a shop, in minor units."""
    sizes = (*[Size.SMALL] * 4, *[Size.MEDIUM] * 3, *[Size.LARGE] * 2, Size.HUGE)
    return [(size, amount(rng, size, decimals=decimals)) for size in sizes]
