"""What a client was told, compared with the books."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """lost: purchases that were acknowledged and are not in the books; doubled: orders of the books
    that no purchase of the client explains; unanswered: purchases without an acknowledgement."""

    lost: int
    doubled: int
    unanswered: int

    @property
    def is_exact(self) -> bool:
        return not (self.lost or self.doubled or self.unanswered)


def compare(
    keys: Collection[str], acknowledged: Mapping[str, str], booked: Collection[str]
) -> Comparison:
    """keys: of all purchases of the client; acknowledged: the order of each key; booked: the paid
    orders of the books."""
    told, orders = set(acknowledged.values()), set(booked)
    unanswered = len(set(keys) - acknowledged.keys())
    # Two purchases that were told the same order are one in the books.
    lost = len(acknowledged) - len(told & orders)
    # An order whose answer was lost is not told, and not doubled either.
    doubled = max(0, len(orders - told) - unanswered)
    return Comparison(lost, doubled, unanswered)


@dataclass(frozen=True)
class Outage:
    """The longest time without a success around a fault. last, first: seconds from the fault to the
    last success before it, and to the first one after it."""

    last: float
    first: float

    @property
    def seconds(self) -> float:
        return self.first - self.last


def outage(successes: Sequence[float], fault: float) -> Outage | None:
    """The longest time without a success that ended after the fault. successes, fault: moments.
    None if there was no success after it."""
    moments = sorted(successes)
    gaps = [
        Outage(before - fault, after - fault)
        for before, after in itertools.pairwise(moments)
        if after >= fault
    ]
    return max(gaps, key=lambda gap: gap.seconds, default=None)
