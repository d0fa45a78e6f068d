"""The minimum rate at which a client must send or receive."""

import select
import time
from typing import Final

#: Seconds of waiting after which the rate is checked; also what a silent client is allowed.
WINDOW_SECONDS: Final = 10.0


class TooSlow(Exception):
    """The client was slower than the minimum rate."""


class Pace:
    """Checks one client. Only the time that we wait for it counts.

    rate: bytes per second, on average over each 10 seconds of waiting.
    """

    __slots__ = ("_moved", "_rate", "_waited")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._waited = 0.0
        self._moved = 0

    def moved(self, size: int) -> None:
        self._moved += size

    def waited(self, seconds: float) -> None:
        """Raises TooSlow at the end of a window in which too little was moved."""
        self._waited += seconds
        if self._waited >= WINDOW_SECONDS and not self.is_met():
            raise TooSlow

    def is_met(self) -> bool:
        """Whether enough was moved in the window that has ended. Begins a new one."""
        moved, self._moved, self._waited = self._moved, 0, 0.0
        return moved >= self._rate * WINDOW_SECONDS

    def wait(self, descriptor: int, event: int) -> None:
        """Wait until the socket is ready for `select.POLLIN` or `POLLOUT`. Raises TooSlow."""
        poll = select.poll()
        poll.register(descriptor, event)
        started = time.monotonic()
        ready = poll.poll(max(WINDOW_SECONDS - self._waited, 0) * 1000)
        took = time.monotonic() - started
        self.waited(took if ready else max(took, WINDOW_SECONDS - self._waited))
