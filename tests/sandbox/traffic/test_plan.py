"""The statistics of simulated traffic."""

import random
from collections import Counter

from sandbox.traffic import plan
from sandbox.traffic.plan import ACTIONS, RANGES, SIZES, Action, Size


def test_seventy_per_cent_are_small_and_a_few_above_the_threshold_of_a_review() -> None:
    rng = random.Random(1)
    sizes = Counter(plan.pick(rng, SIZES) for _ in range(20_000))
    assert 0.68 < sizes[Size.SMALL] / 20_000 < 0.72
    assert 0.23 < sizes[Size.MEDIUM] / 20_000 < 0.27
    assert 0.045 < (sizes[Size.LARGE] + sizes[Size.HUGE]) / 20_000 < 0.055
    assert 20 < sizes[Size.HUGE] < 200


def test_amounts_are_within_their_size_in_every_currency() -> None:
    rng = random.Random(2)
    for decimals in (0, 2, 3):
        for size, (least, most) in RANGES.items():
            amounts = [plan.amount(rng, size, decimals=decimals) for _ in range(500)]
            assert least * 10**decimals <= min(amounts) <= max(amounts) <= most * 10**decimals
    assert RANGES[Size.HUGE][0] > 5000


def test_there_are_declines_and_refunds() -> None:
    rng = random.Random(3)
    actions = Counter(plan.pick(rng, ACTIONS) for _ in range(5000))
    assert set(actions) == set(Action)
    assert sum(ACTIONS.values()) == 100
    assert actions[Action.PURCHASE] > 3000


def test_people_pay_in_the_evening_rather_than_at_night() -> None:
    assert plan.weight(20, zone=0) > 10 * plan.weight(3, zone=0)
    assert plan.weight(12, zone=8) == plan.weight(20, zone=0)


def test_pauses_have_the_asked_average() -> None:
    rng = random.Random(4)
    pauses = [plan.pause(rng, interval=0.05) for _ in range(20_000)]
    assert 0.048 < sum(pauses) / len(pauses) < 0.052
