"""Endpoints do not delay each other, and neither do processes that share the queue."""

import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
from flask import Flask

from app.common.ids import new_id
from app.webhooks.dispatch import service
from app.webhooks.dispatch.dispatcher import Dispatcher
from tests import factories
from tests.webhooks.helpers import create, occurred
from tests.webhooks.receiver import Receiver


def p99_of_a_second_endpoint(app: Flask, receiver: Receiver, *, with_hanging: bool) -> float:
    """Seconds from the first delivery to a merchant's endpoint to 99 of 100 of them, while another
    merchant's endpoint hangs, for which 1,000 events are queued."""
    client = app.test_client()
    with Receiver.open() as hanging:
        hanging.always = "HANG"
        other, seller = factories.merchant(), factories.merchant()
        create(client, other, hanging.url)
        create(client, seller, receiver.url)
        del receiver.received[:]
        if with_hanging:
            occurred(other, *(new_id() for _ in range(1000)))
        done = threading.Event()
        dispatcher = Dispatcher()
        running = threading.Thread(target=dispatcher.run, kwargs={"until": done.is_set})
        running.start()
        try:
            if with_hanging:
                _wait_for(lambda: hanging.received)
            delays = []
            for _ in range(100):
                begun, number = time.monotonic(), len(receiver.received)
                occurred(seller)
                _wait_for(lambda number=number: len(receiver.received) > number)  # type: ignore[misc]
                delays.append(receiver.received[-1].at - begun)
            if with_hanging:
                assert len(hanging.received) == 1
        finally:
            done.set()
            hanging.closed.set()
            running.join()
    return sorted(delays)[98]


def _wait_for(condition: object, seconds: float = 20) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < ends_at
        time.sleep(0.001)


@pytest.mark.stress
def test_a_hanging_endpoint_delays_no_other(committing: Flask, receiver: Receiver) -> None:
    alone = p99_of_a_second_endpoint(committing, receiver, with_hanging=False)
    beside = p99_of_a_second_endpoint(committing, receiver, with_hanging=True)
    assert beside < alone + 0.05


def test_an_endpoint_that_hangs_occupies_few_threads(committing: Flask, receiver: Receiver) -> None:
    client = committing.test_client()
    seller, other = factories.merchant(), factories.merchant()
    create(client, seller, receiver.url)
    with Receiver.open() as hanging:
        create(client, other, hanging.url)
        occurred(other)
        _run_until(lambda: len(hanging.received) == 1)  # proven from now on
        hanging.always = "HANG"
        occurred(other, *(new_id() for _ in range(50)))
        occurred(seller, *(new_id() for _ in range(50)))
        _run_until(lambda: len(receiver.received) == 50, before_end=hanging.closed.set)
        assert len(hanging.received) <= 1 + service.CONCURRENCY


def test_processes_share_the_queue_and_keep_the_order(
    committing: Flask, receiver: Receiver
) -> None:
    seller = factories.merchant()
    create(committing.test_client(), seller, receiver.url)
    occurred(seller)
    _run_until(lambda: len(receiver.received) == 1)
    orders = [new_id() for _ in range(20)]
    events = occurred(seller, *(orders * 5))
    _run_until(lambda: len(receiver.received) == 101, processes=3)
    assert Counter(receiver.ids[1:]) == Counter(str(event.id) for event in events)
    for order in orders:
        of_order = [str(event.id) for event in events if event.aggregate_id == order]
        assert [one for one in receiver.ids if one in of_order] == of_order


def _run_until(condition: object, *, processes: int = 1, before_end: object = None) -> None:
    done = threading.Event()
    running = [
        threading.Thread(target=Dispatcher(threads=32).run, kwargs={"until": done.is_set})
        for _ in range(processes)
    ]
    for thread in running:
        thread.start()
    try:
        _wait_for(condition)
        time.sleep(0.3)  # so that the outcomes are recorded
    finally:
        done.set()
        with suppress(TypeError):
            before_end()  # type: ignore[operator]
        for thread in running:
            thread.join()
