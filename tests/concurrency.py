"""Running many calls at the same moment, and what came of them."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from app.verify.report import violations

A = TypeVar("A")
B = TypeVar("B")


def all_at_once(act: Callable[[A], B], things: Sequence[A], *, threads: int = 32) -> list[B]:
    """`act` on everything by many threads that start together; results in the order of things."""
    size = min(threads, len(things))
    barrier = threading.Barrier(size)
    with ThreadPoolExecutor(size, initializer=barrier.wait) as pool:
        return list(pool.map(act, things))


def outcomes(answers: Iterable[Any]) -> Counter[tuple[int, str | None]]:
    """How often each status and error code was answered."""
    return Counter((answer.status_code, answer.json.get("error")) for answer in answers)


def broken() -> list[str]:
    """The invariants of the books that do not hold."""
    return [invariant.name for invariant, rows in violations() if rows]
