"""Webhook modes: reliable delivery, or one of the ways in which real providers misbehave."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

_DUPLICATES = 3
_SECONDS_AFTER_FORGERY = 0.5


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
    """One webhook to send.

    due_at: Unix time. forged: signed with a wrong key. wrong_amount: states ten times the amount.
    withheld: recorded, but never sent.
    """

    due_at: float
    forged: bool = False
    wrong_amount: bool = False
    withheld: bool = False


def plan_deliveries(
    mode: Mode, *, now: float, slow_seconds: float, overtaking_at: Callable[[], float]
) -> Iterator[Delivery]:
    """The deliveries of one event in that mode, all with the same message id.

    overtaking_at: the time at which a delivery overtakes those that are already waiting.
    """
    match mode:
        case Mode.SLOW:
            yield Delivery(now + slow_seconds)
        case Mode.DUPLICATE:
            yield from [Delivery(now)] * _DUPLICATES
        case Mode.REORDERED:
            yield Delivery(overtaking_at())
        case Mode.FORGED:
            # The same id: a receiver that records ids before it verifies signatures would drop
            # the genuine one.
            yield Delivery(now, forged=True, wrong_amount=True)
            yield Delivery(now + _SECONDS_AFTER_FORGERY)
        case Mode.WRONG_AMOUNT:
            yield Delivery(now, wrong_amount=True)
        case Mode.SILENT:
            yield Delivery(now, withheld=True)
        case Mode.NORMAL:
            yield Delivery(now)
