"""Delays between attempts."""

from datetime import timedelta

import pytest

from app.common.backoff import Backoff

BACKOFF = Backoff(first=timedelta(minutes=1), max_delay=timedelta(hours=1))


@pytest.mark.parametrize(
    ("attempt", "minutes"), [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (7, 60), (10**6, 60)]
)
def test_delays_double_up_to_the_maximum_and_half_of_each_is_random(
    attempt: int, minutes: int
) -> None:
    longest = timedelta(minutes=minutes)
    delays = {BACKOFF.delay(attempt) for _ in range(200)}

    assert longest / 2 <= min(delays) < longest * 0.6
    assert longest * 0.9 < max(delays) <= longest
