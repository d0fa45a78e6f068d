"""Concurrent requests, executed in batches."""

import threading
import time
from collections.abc import Sequence

import pytest

from app.common import deadline
from app.common.batch_executor import BatchExecutor, Drain, Observer
from app.common.errors import Unavailable
from tests.concurrency import all_at_once


class Doubler:
    """Doubles numbers, records its batches, and can be paused inside a batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.resumed = threading.Event()
        self.resumed.set()

    def __call__(self, drain: Drain[int]) -> Sequence[int | BaseException]:
        numbers = list(drain())
        self.batches.append(numbers)
        self.entered.set()
        assert self.resumed.wait(10)
        return [ValueError(f"{n} is odd") if n % 2 else n * 2 for n in numbers]

    def pause(self) -> None:
        self.entered.clear()
        self.resumed.clear()


class RecordingObserver:
    """Records the calls of an Observer."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.reasons: list[str] = []
        self.observer = Observer(
            batch=lambda waits: self.batches.append(list(waits)), refused=self.reasons.append
        )


def in_thread(act: object, *args: object) -> threading.Thread:
    thread = threading.Thread(target=act, args=args)  # type: ignore[arg-type]
    thread.start()
    return thread


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + 5
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_single_request_is_executed_immediately() -> None:
    doubler = Doubler()
    assert BatchExecutor(doubler).submit(4) == 8
    assert doubler.batches == [[4]]


def test_each_request_gets_its_own_outcome_and_an_error_affects_no_other() -> None:
    executor: BatchExecutor[int, int] = BatchExecutor(Doubler())

    def outcome(number: int) -> int | str:
        try:
            return executor.submit(number)
        except ValueError as error:
            return str(error)

    expected = [f"{n} is odd" if n % 2 else n * 2 for n in range(500)]
    assert all_at_once(outcome, range(500), threads=32) == expected


def test_waiting_requests_are_executed_together_in_the_order_of_arrival() -> None:
    doubler = Doubler()
    doubler.pause()
    executor = BatchExecutor(doubler)
    threads = [in_thread(executor.submit, 0)]
    assert doubler.entered.wait(5)
    for position, number in enumerate((6, 2, 8, 4), start=1):
        threads.append(in_thread(executor.submit, number))
        wait_until(lambda position=position: len(executor._waiting) == position)
    doubler.resumed.set()
    for thread in threads:
        thread.join(5)
    assert doubler.batches == [[0], [6, 2, 8, 4]]


def test_a_request_that_stands_alone_is_executed_alone_by_its_own_thread() -> None:
    """Others behind it join the batch before it."""
    doubler, executing = Doubler(), dict[int, threading.Thread]()

    def run(drain: Drain[int]) -> Sequence[int | BaseException]:
        outcomes = doubler(drain)
        executing[doubler.batches[-1][0]] = threading.current_thread()
        return outcomes

    doubler.pause()
    executor = BatchExecutor(run, stands_alone=lambda number: number >= 100)
    threads = {0: in_thread(executor.submit, 0)}
    assert doubler.entered.wait(5)
    for position, number in enumerate((2, 100, 4, 102, 6), start=1):
        threads[number] = in_thread(executor.submit, number)
        wait_until(lambda position=position: len(executor._waiting) == position)
    doubler.resumed.set()
    for thread in threads.values():
        thread.join(5)
    assert doubler.batches == [[0], [2, 4, 6], [100], [102]]
    assert all(executing[number] is threads[number] for number in (100, 102))


def test_a_batch_has_a_maximum_size() -> None:
    doubler = Doubler()
    doubler.pause()
    executor = BatchExecutor(doubler, batch=3)
    threads = [in_thread(executor.submit, 0)]
    assert doubler.entered.wait(5)
    threads += [in_thread(executor.submit, 2 * n) for n in range(7)]
    wait_until(lambda: len(executor._waiting) == 7)
    doubler.resumed.set()
    for thread in threads:
        thread.join(5)
    assert [len(batch) for batch in doubler.batches] == [1, 3, 3, 1]


def test_with_a_full_queue_a_request_is_refused_immediately() -> None:
    doubler = Doubler()
    doubler.pause()
    seen = RecordingObserver()
    executor = BatchExecutor(doubler, queue=1, observer=seen.observer)
    threads = [in_thread(executor.submit, 0)]
    assert doubler.entered.wait(5)
    threads.append(in_thread(executor.submit, 2))
    wait_until(lambda: len(executor._waiting) == 1)
    with pytest.raises(Unavailable):
        executor.submit(4)
    doubler.resumed.set()
    for thread in threads:
        thread.join(5)
    assert doubler.batches == [[0], [2]]
    assert seen.reasons == ["full"]


def test_a_request_that_waits_too_long_is_refused_and_never_executed() -> None:
    doubler = Doubler()
    doubler.pause()
    seen = RecordingObserver()
    executor = BatchExecutor(doubler, timeout=0.05, observer=seen.observer)
    leader = in_thread(executor.submit, 0)
    assert doubler.entered.wait(5)
    with pytest.raises(Unavailable):
        executor.submit(2)
    doubler.resumed.set()
    leader.join(5)
    assert executor.submit(4) == 8
    assert doubler.batches == [[0], [4]]
    assert seen.reasons == ["deadline"]


def test_while_no_batch_ends_further_requests_are_refused_immediately() -> None:
    doubler = Doubler()
    doubler.pause()
    seen = RecordingObserver()
    executor = BatchExecutor(doubler, timeout=0.3, observer=seen.observer)
    leader = in_thread(executor.submit, 0)
    assert doubler.entered.wait(5)
    time.sleep(0.4)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        executor.submit(2)
    assert time.monotonic() - started < 0.2
    doubler.resumed.set()
    leader.join(5)
    assert executor.submit(4) == 8
    assert seen.reasons == ["deadline"]


def test_a_request_in_a_running_batch_waits_for_its_outcome_without_a_timeout() -> None:
    doubler = Doubler()
    executor = BatchExecutor(doubler, timeout=0.5)
    doubler.pause()
    results: list[int] = []
    leader = in_thread(executor.submit, 0)
    assert doubler.entered.wait(5)
    follower = in_thread(lambda: results.append(executor.submit(2)))
    wait_until(lambda: len(executor._waiting) == 1)
    doubler.entered.clear()
    doubler.resumed.set()
    assert doubler.entered.wait(5)
    leader.join(5)
    follower.join(5)
    assert results == [4]


def test_the_observer_receives_the_wait_of_each_request() -> None:
    doubler = Doubler()
    doubler.pause()
    seen = RecordingObserver()
    executor = BatchExecutor(doubler, observer=seen.observer)
    threads = [in_thread(executor.submit, 0)]
    assert doubler.entered.wait(5)
    for position in (1, 2):
        threads.append(in_thread(executor.submit, 2))
        wait_until(lambda position=position: len(executor._waiting) == position)
        time.sleep(0.05)
    doubler.resumed.set()
    for thread in threads:
        thread.join(5)

    (alone,), (longer, shorter) = seen.batches
    assert longer > shorter + 0.04 > 0.09
    assert alone < shorter
    assert seen.reasons == []


def test_an_error_of_a_batch_is_raised_to_its_requests_and_the_next_batch_runs() -> None:
    calls = []

    def run(drain: Drain[int]) -> Sequence[int]:
        numbers = list(drain())
        calls.append(numbers)
        if len(calls) == 1:
            raise RuntimeError("the database fell over")
        return numbers

    executor: BatchExecutor[int, int] = BatchExecutor(run)
    with pytest.raises(RuntimeError, match="fell over"):
        executor.submit(1)
    assert executor.submit(2) == 2


def test_an_error_before_the_queue_is_drained_is_raised_to_the_requests() -> None:
    def run(drain: Drain[int]) -> Sequence[int]:
        raise RuntimeError("no connection")

    seen = RecordingObserver()
    executor: BatchExecutor[int, int] = BatchExecutor(run, observer=seen.observer)
    with pytest.raises(RuntimeError, match="no connection"):
        executor.submit(1)
    assert seen.batches == []  # no batch was started


def test_a_batch_does_not_end_at_the_deadline_of_its_leader() -> None:
    """The client of the leader may have taken most of its time, and others are in its batch."""
    left: list[float | None] = []

    def run(drain: Drain[int]) -> Sequence[int]:
        left.append(deadline.remaining())
        return drain()

    executor = BatchExecutor(run, timeout=5)
    with deadline.within(0.01):
        assert executor.submit(1) == 1
        assert (deadline.remaining() or 0) < 0.01

    assert left[0] is not None
    assert deadline.REQUEST_SECONDS - 6 < left[0] <= deadline.REQUEST_SECONDS - 5
