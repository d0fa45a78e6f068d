"""How long to wait before something is tried again."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

#: More doublings than this exceed every `max_delay`, and some more what a timedelta can hold.
_MAX_DOUBLINGS: Final = 16


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with equal jitter: half of each delay is random, so that what failed at
    the same moment is not retried at the same moment.

    first: the delay before any doubling; max_delay: no delay is longer.
    Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
    """

    first: timedelta
    max_delay: timedelta

    def delay(self, attempt: int) -> timedelta:
        """The delay after `first` was doubled `attempt` times, from half of it to all of it."""
        longest = min(self.first * (1 << min(attempt, _MAX_DOUBLINGS)), self.max_delay)
        return longest * random.uniform(0.5, 1)  # noqa: S311 – spreads load, guards nothing
