"""How a stand-in reports to the merchant: well, or in one of the ways in which others misbehave."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

_COPIES = 3
_AFTER_FORGERY_SECONDS = 0.5


class Mode(StrEnum):
    NORMAL = "normal"
    SLOW = "slow"
    DUPLICATE = "duplicate"
    REORDERED = "reordered"
    FORGED = "forged"
    WRONG_AMOUNT = "wrong-amount"
    SILENT = "silent"


@dataclass(frozen=True)
class Delivery:
    """A webhook that is to be sent. due_at: seconds since 1970; tenfold: names ten times the
    amount; withheld: not at all."""

    due_at: float
    forged: bool = False
    tenfold: bool = False
    withheld: bool = False


def deliveries(
    mode: Mode, *, now: float, slow_seconds: float, overtaking: Callable[[], float]
) -> Iterator[Delivery]:
    """What is sent in that mode of one event, all with the same id.

    overtaking: when to send so that those that wait already come later.
    """
    match mode:
        case Mode.SLOW:
            yield Delivery(now + slow_seconds)
        case Mode.DUPLICATE:
            yield from [Delivery(now)] * _COPIES
        case Mode.REORDERED:
            yield Delivery(overtaking())
        case Mode.FORGED:
            # The same id: whoever notes ids before looking at signatures drops the genuine one.
            yield Delivery(now, forged=True, tenfold=True)
            yield Delivery(now + _AFTER_FORGERY_SECONDS)
        case Mode.WRONG_AMOUNT:
            yield Delivery(now, tenfold=True)
        case Mode.SILENT:
            yield Delivery(now, withheld=True)
        case Mode.NORMAL:
            yield Delivery(now)
