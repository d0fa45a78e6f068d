"""Delays between attempts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

#: More doublings exceed every `max_delay`, and some more overflow a timedelta.
_MAX_DOUBLINGS: Final = 16


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with equal jitter: half of each delay is random, so that work that failed
    at the same time is not retried at the same time.

    first: the delay before any doubling; max_delay: the maximum delay.
    Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
    """

    first: timedelta
    max_delay: timedelta

    def delay(self, attempt: int) -> timedelta:
        """`first` doubled `attempt` times, times a random factor from 0.5 to 1."""
        delay = min(self.first * (1 << min(attempt, _MAX_DOUBLINGS)), self.max_delay)
        return delay * random.uniform(0.5, 1)  # noqa: S311 – spreads load, guards nothing


@dataclass(frozen=True, slots=True)
class FullJitter:
    """Delays anywhere between none and a maximum, which spread work best of all.

    max_delays: the maximum of each attempt. Source: as of Backoff.
    """

    max_delays: Sequence[timedelta]

    def delay(self, attempt: int) -> timedelta:
        """After attempt number `attempt`, from 0."""
        return self.max_delays[attempt] * random.uniform(0, 1)  # noqa: S311 – as above
