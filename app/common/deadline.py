"""The deadline of the current request, which limits every call that it makes.

A call has a time limit of its own; within a request it is shortened to the time that is left.
Threads that handle no request, such as those of jobs and commands, have no deadline.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

#: Seconds from the start of a request to the latest end of its last call.
REQUEST_SECONDS: Final = 15.0

_ends_at: Final[ContextVar[float | None]] = ContextVar("deadline", default=None)


def begin(seconds: float = REQUEST_SECONDS) -> None:
    """Set the deadline of this thread's request to `seconds` from now."""
    _ends_at.set(time.monotonic() + seconds)


def clear() -> None:
    """Remove the deadline: what follows, such as a streamed response, has only its own limits."""
    _ends_at.set(None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """A block whose calls end within `seconds`, or at the deadline of the request if earlier."""
    token = _ends_at.set(time.monotonic() + limit(seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def anew(seconds: float) -> Iterator[None]:
    """A block whose calls end within `seconds`, however little the request itself has left.

    For work on behalf of several requests, which the deadline of one must not end.
    """
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def extend() -> None:
    """Start anew after the client has made progress with a long upload."""
    if _ends_at.get() is not None:
        begin()


def ends_at() -> float | None:
    """When the deadline is, by `time.monotonic()`; None if there is none."""
    return _ends_at.get()


def remaining() -> float | None:
    """The seconds that are left, 0 if the deadline has passed, or None if there is none."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(ends_at - time.monotonic(), 0.0)


def limit(seconds: float) -> float:
    """`seconds`, or what is left until the deadline if that is less."""
    left = remaining()
    return seconds if left is None else min(seconds, left)
