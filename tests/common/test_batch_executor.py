"""Batches of what many threads ask for at the same time."""

import threading
import time
from collections.abc import Sequence

import pytest

from app.common.batch_executor import BatchExecutor, Drain, Observer
from app.common.errors import Unavailable
from tests.concurrency import all_at_once


class Doubler:
    """Doubles numbers, remembers its batches, and can be made to wait inside a batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, drain: Drain[int]) -> Sequence[int | BaseException]:
        numbers = list(drain())
        self.batches.append(numbers)
        self.entered.set()
        assert self.go_on.wait(10)
        return [ValueError(f"{n} is odd") if n % 2 else n * 2 for n in numbers]

    def hold(self) -> None:
        self.entered.clear()
        self.go_on.clear()


class Watched:
    """Remembers what an Observer receives."""

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


def until(true: object) -> None:
    deadline = time.monotonic() + 5
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_lone_request_is_done_at_once_and_alone() -> None:
    doubler = Doubler()
    assert BatchExecutor(doubler).submit(4) == 8
    assert doubler.batches == [[4]]


def test_each_gets_its_own_outcome_and_a_refusal_harms_nobody_else() -> None:
    executor: BatchExecutor[int, int] = BatchExecutor(Doubler())

    def outcome(number: int) -> int | str:
        try:
            return executor.submit(number)
        except ValueError as error:
            return str(error)

    expected = [f"{n} is odd" if n % 2 else n * 2 for n in range(500)]
    assert all_at_once(outcome, range(500), threads=32) == expected


def test_those_who_wait_are_done_together_in_the_order_of_their_arrival() -> None:
    doubler = Doubler()
    doubler.hold()
    executor = BatchExecutor(doubler)
    threads = [in_thread(executor.submit, 0)]
    assert doubler.entered.wait(5)
    for position, number in enumerate((6, 2, 8, 4), start=1):
        threads.append(in_thread(executor.submit, number))
        until(lambda position=position: len(executor._waiting) == position)
    doubler.go_on.set()
    for thread in threads:
        thread.join(5)
    assert doubler.batches == [[0], [6, 2, 8, 4]]


def test_a_batch_has_a_cap() -> None:
    doubler = Doubler()
    doubler.hold()
    executor = BatchExecutor(doubler, batch=3)
    threads = [in_thread(executor.submit, 0)]
    assert doubler.entered.wait(5)
    threads += [in_thread(executor.submit, 2 * n) for n in range(7)]
    until(lambda: len(executor._waiting) == 7)
    doubler.go_on.set()
    for thread in threads:
        thread.join(5)
    assert [len(batch) for batch in doubler.batches] == [1, 3, 3, 1]


def test_a_full_queue_is_busy_at_once() -> None:
    doubler = Doubler()
    doubler.hold()
    seen = Watched()
    executor = BatchExecutor(doubler, queue=1, observer=seen.observer)
    threads = [in_thread(executor.submit, 0)]
    assert doubler.entered.wait(5)
    threads.append(in_thread(executor.submit, 2))
    until(lambda: len(executor._waiting) == 1)
    with pytest.raises(Unavailable):
        executor.submit(4)
    doubler.go_on.set()
    for thread in threads:
        thread.join(5)
    assert doubler.batches == [[0], [2]]
    assert seen.reasons == ["full"]


def test_who_waits_too_long_is_told_so_and_is_not_done_later() -> None:
    doubler = Doubler()
    doubler.hold()
    seen = Watched()
    executor = BatchExecutor(doubler, timeout=0.05, observer=seen.observer)
    leader = in_thread(executor.submit, 0)
    assert doubler.entered.wait(5)
    with pytest.raises(Unavailable):
        executor.submit(2)
    doubler.go_on.set()
    leader.join(5)
    assert executor.submit(4) == 8
    assert doubler.batches == [[0], [4]]
    assert seen.reasons == ["deadline"]


def test_who_is_being_done_waits_for_the_outcome_however_long_it_takes() -> None:
    doubler = Doubler()
    executor = BatchExecutor(doubler, timeout=0.05)
    doubler.hold()
    results: list[int] = []
    leader = in_thread(executor.submit, 0)
    assert doubler.entered.wait(5)
    follower = in_thread(lambda: results.append(executor.submit(2)))
    until(lambda: len(executor._waiting) == 1)
    doubler.entered.clear()
    doubler.go_on.set()
    assert doubler.entered.wait(5)
    leader.join(5)
    follower.join(5)
    assert results == [4]


def test_the_observer_receives_the_wait_of_each_request() -> None:
    doubler = Doubler()
    doubler.hold()
    seen = Watched()
    executor = BatchExecutor(doubler, observer=seen.observer)
    threads = [in_thread(executor.submit, 0)]
    assert doubler.entered.wait(5)
    for position in (1, 2):
        threads.append(in_thread(executor.submit, 2))
        until(lambda position=position: len(executor._waiting) == position)
        time.sleep(0.05)
    doubler.go_on.set()
    for thread in threads:
        thread.join(5)

    (alone,), (longer, shorter) = seen.batches
    assert longer > shorter + 0.04 > 0.09
    assert alone < shorter
    assert seen.reasons == []


def test_what_a_batch_raises_reaches_everybody_in_it_and_the_next_batch_runs() -> None:
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


def test_what_fails_before_it_took_anything_still_answers_everybody() -> None:
    def run(drain: Drain[int]) -> Sequence[int]:
        raise RuntimeError("no connection")

    seen = Watched()
    executor: BatchExecutor[int, int] = BatchExecutor(run, observer=seen.observer)
    with pytest.raises(RuntimeError, match="no connection"):
        executor.submit(1)
    assert seen.batches == []  # nothing was begun
