"""Doing things at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def all_at_once(act: Callable[[A], B], things: Sequence[A], *, threads: int = 32) -> list[B]:
    """`act` on everything by many threads that start together; results in the order of things."""
    size = min(threads, len(things))
    barrier = threading.Barrier(size)
    with ThreadPoolExecutor(size, initializer=barrier.wait) as pool:
        return list(pool.map(act, things))
