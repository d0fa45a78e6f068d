"""The threads that execute requests."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class ThreadPool(Generic[T]):
    """Up to `size` threads, each started when all others are busy. They end with the process."""

    def __init__(self, size: int, work: Callable[[T], None]) -> None:
        self._size = size
        self._work = work
        self._queue: SimpleQueue[T] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = self._idle = self._waiting = 0

    def submit(self, item: T) -> None:
        """Pass an item to a thread, in the order of the calls."""
        with self._lock:
            starts = not self._idle and self._started < self._size
            if self._idle:
                self._idle -= 1
            elif starts:
                self._started += 1
            else:
                self._waiting += 1
        self._queue.put(item)
        if starts:
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._work(self._queue.get())
            with self._lock:
                if self._waiting:
                    self._waiting -= 1
                else:
                    self._idle += 1
