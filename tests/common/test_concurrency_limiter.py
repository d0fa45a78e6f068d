"""A few callers cannot take all the room for long requests."""

import pytest

from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.errors import Unavailable


def acquired(limiter: ConcurrencyLimiter, *callers: str) -> list[str]:
    """Those of the callers, in this order, that were let in."""
    admitted = []
    for caller in callers:
        try:
            limiter.acquire(caller)
        except Unavailable:
            continue
        admitted.append(caller)
    return admitted


def test_five_callers_with_four_requests_each_leave_room_for_others() -> None:
    limiter = ConcurrencyLimiter(16, per_caller=2)
    acquired(limiter, *("abcde" * 4))
    assert acquired(limiter, "x", "y", "z") == ["x", "y", "z"]


def test_a_second_one_is_for_times_when_half_is_free() -> None:
    limiter = ConcurrencyLimiter(4, per_caller=2)
    assert acquired(limiter, "a", "a", "a", "a") == ["a", "a"]
    assert acquired(limiter, "b", "b", "c", "d") == ["b", "c"]


def test_what_has_ended_makes_room() -> None:
    limiter = ConcurrencyLimiter(1)
    release = limiter.acquire("a")
    with pytest.raises(Unavailable):
        limiter.acquire("b")
    release()
    limiter.acquire("b")
