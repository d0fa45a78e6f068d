"""Expensive work: groups take turns, and one that floods the queue only displaces itself."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from app.common.errors import Unavailable
from app.common.fair_executor import FairExecutor, Turn
from tests.live import wait_until

CAPACITY = 8


class Recorder:
    """An executor whose thread is busy until `release`. done: names of work, in order."""

    def __init__(self) -> None:
        self.executor = FairExecutor(
            "test", capacity=CAPACITY, max_seconds=10, initializer=lambda: None
        )
        self.done: list[str] = []
        self._threads = ThreadPoolExecutor(64)
        self._may_go_on = threading.Event()
        self._is_busy = threading.Event()
        self._threads.submit(self.executor.run, self._wait, turn=Turn("first"))
        self._is_busy.wait()

    def _wait(self) -> None:
        self._is_busy.set()
        self._may_go_on.wait(10)

    @property
    def waiting(self) -> int:
        return len(self.executor._preferred) + len(self.executor._others)

    def submit(self, name: str, group: str, *, preferred: bool = False) -> "Future[None]":
        """Start a call in a thread of its own, and wait until it is in the queue or refused."""
        queue = self.executor._preferred if preferred else self.executor._others
        before = [piece for group_ in queue._groups.values() for piece in group_]
        future = self._threads.submit(
            self.executor.run, lambda: self.done.append(name), turn=Turn(group, preferred)
        )
        wait_until(
            lambda: (
                future.done()
                or [piece for group_ in queue._groups.values() for piece in group_] != before
            )
        )
        return future

    def release(self) -> None:
        self._may_go_on.set()
        wait_until(lambda: not self.waiting)
        self._threads.shutdown()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    yield made
    made.release()


def test_groups_take_turns(recorder: Recorder) -> None:
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        recorder.submit(name, name[0])
    recorder.release()

    assert recorder.done == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_full_queue_displaces_the_newest_of_the_longest_group(recorder: Recorder) -> None:
    flood = [recorder.submit(f"a{number}", "a") for number in range(CAPACITY)]
    other = recorder.submit("b", "b")

    assert isinstance(flood[-1].exception(5), Unavailable)
    recorder.release()
    assert other.result() is None
    assert recorder.done == ["a0", "b", *(f"a{number}" for number in range(1, CAPACITY - 1))]


def test_a_group_that_fills_the_queue_is_refused_itself(recorder: Recorder) -> None:
    flood = [recorder.submit(f"a{number}", "a") for number in range(3 * CAPACITY)]

    assert [isinstance(future.exception(5), Unavailable) for future in flood[CAPACITY:]] == [
        True
    ] * (2 * CAPACITY)


def test_preferred_work_is_done_first_and_does_not_starve_the_rest(recorder: Recorder) -> None:
    for number in range(6):
        recorder.submit(f"s{number}", f"stranger {number}")
    for number in range(6):
        recorder.submit(f"k{number}", f"known {number}", preferred=True)
    recorder.release()

    assert recorder.done[:5] == ["k0", "k1", "k2", "s0", "k3"]


def test_a_flood_of_strangers_leaves_room_for_preferred_work(recorder: Recorder) -> None:
    for number in range(2 * CAPACITY):
        recorder.submit(f"s{number}", f"stranger {number}")
    known = recorder.submit("known", "known", preferred=True)
    recorder.release()

    assert known.exception() is None
    assert recorder.done[0] == "known"


def test_work_that_fails_does_not_stop_the_thread() -> None:
    executor = FairExecutor("test", capacity=1, max_seconds=10, initializer=lambda: None)

    with pytest.raises(ZeroDivisionError):
        executor.run(lambda: 1 // 0, turn=Turn("a"))
    assert executor.run(lambda: 7, turn=Turn("a")) == 7


def test_a_caller_who_waited_too_long_is_refused() -> None:
    executor = FairExecutor("test", capacity=4, max_seconds=0.05, initializer=lambda: None)
    may_end = threading.Event()
    done: list[str] = []
    with ThreadPoolExecutor(1) as threads:
        threads.submit(executor.run, lambda: may_end.wait(10), turn=Turn("a"))
        wait_until(lambda: executor._is_running and not len(executor._others))
        with pytest.raises(Unavailable):
            executor.run(lambda: done.append("late"), turn=Turn("b"))
        may_end.set()

    assert executor.run(lambda: done, turn=Turn("b")) == []
