"""Concurrent calls, their outcomes, and the invariants of the books."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from app.verify.report import violations

A = TypeVar("A")
B = TypeVar("B")


def all_at_once(act: Callable[[A], B], things: Sequence[A], *, threads: int = 32) -> list[B]:
    """Call `act` on all `things` from threads that start together. Returns the results in order."""
    size = min(threads, len(things))
    barrier = threading.Barrier(size)
    with ThreadPoolExecutor(size, initializer=barrier.wait) as pool:
        return list(pool.map(act, things))


def outcomes(answers: Iterable[Any]) -> Counter[tuple[int, str | None]]:
    """The number of responses by status and error code."""
    return Counter((answer.status_code, answer.json.get("error")) for answer in answers)


def broken_invariants(since: datetime | None = None) -> list[str]:
    """The names of the violated invariants of the books. since: of records since then."""
    return [invariant.name for invariant, rows in violations(since) if rows]
