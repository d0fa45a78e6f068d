"""The client's log, compared with the books."""

from collections import Counter

import pytest

from deploy.lab.books import Comparison, Outage, compare, outage
from deploy.lab.releases import is_worse


@pytest.mark.parametrize(
    ("acknowledged", "booked", "expected"),
    [
        ({"a": "1", "b": "2"}, ["1", "2"], Comparison(0, 0, 0)),
        # Acknowledged, and not in the books.
        ({"a": "1", "b": "2"}, ["1"], Comparison(1, 0, 0)),
        # One order was told to two purchases.
        ({"a": "1", "b": "1"}, ["1"], Comparison(1, 0, 0)),
        # Bought twice.
        ({"a": "1", "b": "2"}, ["1", "2", "3"], Comparison(0, 1, 0)),
        # Bought twice, and the wrong one was told.
        ({"a": "1", "b": "2"}, ["1", "3", "4"], Comparison(1, 2, 0)),
        # Nobody knows the outcome of a purchase: it may be in the books, once.
        ({"a": "1"}, ["1"], Comparison(0, 0, 1)),
        ({"a": "1"}, ["1", "2"], Comparison(0, 0, 1)),
        ({"a": "1"}, ["1", "2", "3"], Comparison(0, 1, 1)),
    ],
)
def test_purchases_are_lost_doubled_or_unanswered(
    acknowledged: dict[str, str], booked: list[str], expected: Comparison
) -> None:
    found = compare(["a", "b"], acknowledged, booked)
    assert found == expected
    assert found.is_exact is (expected == Comparison(0, 0, 0))


def test_the_outage_is_the_longest_time_without_a_success_that_ends_after_the_fault() -> None:
    moments = [10.0, 15.0, 20.0, 20.5, 23.5, 23.75]
    assert outage(moments, 20.25) == Outage(last=0.25, first=3.25)
    assert outage([*reversed(moments)], 20.25) == outage(moments, 20.25)
    assert outage(moments, 23.5) == Outage(last=-3.0, first=0.0)
    assert outage(moments, 24) is None


@pytest.mark.parametrize(
    ("errors", "answers", "usual", "expected"),
    [
        (0, 100, 0, False),
        (19, 19, 0, False),  # too few to judge by
        (20, 20, 0, True),
        (3, 100, 0, True),
        (3, 100, 30, False),  # the others are no better
    ],
)
def test_a_canary_with_more_errors_than_the_others_is_rolled_back(
    errors: int, answers: int, usual: int, expected: bool
) -> None:
    canary = Counter({True: errors, False: answers - errors})
    stable = Counter({True: usual, False: 1000 - usual})
    assert is_worse({"canary": canary, "stable": stable}) is expected
