"""Runs expensive work in one thread, in turn for each group of callers.

A queue in order of arrival lets one caller with many requests stop all others. Here the groups take
turns, and when the queue is full, the group with the most waiting work loses its newest piece.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

from app.common import side_effects
from app.common.errors import Unavailable
from app.common.queue_observer import NOBODY, Observer

T = TypeVar("T")

#: After so many pieces of preferred work, one of the others is run.
_MAX_PREFERRED: Final = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is. group: such as an address; preferred: before all that is not."""

    group: str
    preferred: bool = False


@dataclass(eq=False, slots=True)
class _Piece(Generic[T]):
    work: Callable[[], T]
    turn: Turn
    result: Future[T] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


class _Queue:
    """Waiting pieces by group. The caller holds a lock."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._groups: OrderedDict[str, deque[_Piece[Any]]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def add(self, piece: _Piece[Any]) -> _Piece[Any] | None:
        """Add a piece. Returns the one that has no room, which may be the same."""
        group = self._groups.setdefault(piece.turn.group, deque())
        group.append(piece)
        if len(self) <= self._capacity:
            return None
        longest = max(self._groups.values(), key=len)
        # Of two groups of the same length, the newcomer's yields.
        displaced = (group if len(group) == len(longest) else longest).pop()
        self._forget_empty(displaced.turn.group)
        return displaced

    def take(self) -> _Piece[Any]:
        """Remove the oldest piece of the group whose turn it is, and let it be the last."""
        name, group = next(iter(self._groups.items()))
        piece = group.popleft()
        self._groups.move_to_end(name)
        self._forget_empty(name)
        return piece

    def remove(self, piece: _Piece[Any]) -> None:
        group = self._groups.get(piece.turn.group, deque())
        if piece in group:
            group.remove(piece)
            self._forget_empty(piece.turn.group)

    def _forget_empty(self, name: str) -> None:
        if not self._groups[name]:
            del self._groups[name]


class FairExecutor:
    """One thread, with a queue for preferred work and one for all other work.

    capacity: maximum number of waiting pieces in each; max_seconds: that a caller waits;
    initializer: called in the thread when it starts, which the first piece causes. observer: is
    told of each piece when it starts.
    """

    def __init__(
        self,
        name: str,
        *,
        capacity: int,
        max_seconds: float,
        initializer: Callable[[], object],
        observer: Observer = NOBODY,
    ) -> None:
        self._name = name
        self._max_seconds = max_seconds
        self._initializer = initializer
        self._observer = observer
        self._preferred, self._others = _Queue(capacity), _Queue(capacity)
        self._preferred_in_a_row = 0
        self._changed = threading.Condition()
        self._is_running = False

    def run(self, work: Callable[[], T], *, turn: Turn) -> T:
        """The result of `work`. Raises what it raises, and Unavailable if there is no room or no
        time."""
        piece = _Piece(work, turn)
        queue = self._preferred if turn.preferred else self._others
        with self._changed:
            displaced = queue.add(piece)
            self._start()
            self._changed.notify()
        if displaced is not None:
            self._refused("full")
            displaced.result.set_exception(Unavailable(retry_after=2))
        try:
            return piece.result.result(self._max_seconds)
        except TimeoutError as error:
            with self._changed:
                queue.remove(piece)
            self._refused("deadline")
            raise Unavailable(retry_after=5) from error

    def _start(self) -> None:
        if not self._is_running:
            self._is_running = True
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _refused(self, reason: str) -> None:
        side_effects.attempt(partial(self._observer.refused, reason))

    def _work(self) -> None:
        self._initializer()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._preferred or self._others)
                piece = self._next()
            waited = time.monotonic() - piece.since
            side_effects.attempt(partial(self._observer.batch, [waited]))
            try:
                piece.result.set_result(piece.work())
            except BaseException as error:
                piece.result.set_exception(error)

    def _next(self) -> _Piece[Any]:
        is_due = self._preferred_in_a_row >= _MAX_PREFERRED and len(self._others) > 0
        if self._preferred and not is_due:
            self._preferred_in_a_row += 1
            return self._preferred.take()
        self._preferred_in_a_row = 0
        return self._others.take()
