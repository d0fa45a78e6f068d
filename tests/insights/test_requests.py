"""Requests are counted in memory by minute and duration, and stored now and then."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import clock, db, request_counts
from app.common.db import reading
from app.common.durations import ARRIVED_KEY, BOUNDS
from app.common.process_state import Slot
from app.common.request_counts import RequestCounts
from app.insights.requests import service
from tests.clock import freeze_clock

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Configure = Callable[[Slot[Any], Any], None]


@pytest.fixture
def counts(configure: Configure) -> RequestCounts:
    made = RequestCounts()
    configure(request_counts.counts, made)
    return made


def counted(counts: RequestCounts) -> tuple[int, int]:
    """Requests and errors; they are taken."""
    taken = counts.take().values()
    return sum(count.requests for count in taken), sum(count.errors for count in taken)


def window(length: timedelta = HOUR) -> service.Requests:
    with reading() as session:
        return service.of_window(session, length)


class TestCounting:
    def test_requests_of_clients_are_counted(
        self, client: FlaskClient, counts: RequestCounts
    ) -> None:
        client.get("/api/v1/products")
        client.get("/api/v1/products/none")
        assert counted(counts) == (2, 0)

    def test_probes_are_not(self, client: FlaskClient, counts: RequestCounts) -> None:
        for path in ("/health/live", "/health/ready", "/metrics"):
            client.get(path)
        assert counted(counts) == (0, 0)

    def test_uploads_are_not_because_the_client_decides_how_long_they_take(
        self, client: FlaskClient, counts: RequestCounts
    ) -> None:
        for size in (60_000, 70_000):
            client.post("/api/v1/auth/login", data=b"x" * size)
        assert counted(counts) == (1, 0)

    def test_the_wait_for_a_thread_counts(self, client: FlaskClient, counts: RequestCounts) -> None:
        arrived_at = time.perf_counter() - 3
        client.get("/api/v1/products", environ_overrides={ARRIVED_KEY: arrived_at})
        (bucket,) = counts.take()
        assert BOUNDS[bucket.duration] == 5000

    def test_a_status_of_500_or_more_is_an_error(
        self,
        app: Flask,
        client: FlaskClient,
        counts: RequestCounts,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError

        monkeypatch.setitem(app.view_functions, "products.list_products", fail)
        assert client.get("/api/v1/products").status_code == 500
        assert counted(counts) == (1, 1)


class TestStoring:
    def test_what_is_stored_by_several_processes_adds_up(self, app: Flask) -> None:
        for _ in range(3):
            counts = RequestCounts()
            counts.observe(seconds=0.0005, status=200)
            counts.observe(seconds=0.4, status=503)
            counts.observe(seconds=60, status=200)
            service.store(counts)
            service.store(counts)  # nothing is left
        found = window()
        assert (found.total, found.errors) == (9, 3)
        assert found.slower_than(500) == 3
        assert window(timedelta(days=30)).by_duration == found.by_duration

    def test_what_cannot_be_stored_is_stored_later(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts = RequestCounts()
        counts.observe(seconds=0.01, status=200)

        def fail(_: object) -> None:
            raise db.OutcomeUnknown

        with monkeypatch.context() as patch:
            patch.setattr(service, "retry_transaction", fail)
            service.store(counts)
            counts.observe(seconds=0.01, status=500)
        assert window().total == 0
        service.store(counts)
        assert (window().total, window().errors) == (2, 1)

    @pytest.mark.stress
    def test_while_the_database_is_away_for_long_memory_is_bounded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts = RequestCounts()
        now = clock.now()
        for minute in range(3 * 24 * 60):
            freeze_clock(monkeypatch, now + minute * MINUTE)
            counts.observe(seconds=0.01, status=503)
            counts.put_back(counts.take())
        assert len(counts.take()) == 24 * 60 + 1

    def test_windows_begin_with_a_minute_or_an_hour(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = clock.now().replace(minute=30, second=20, microsecond=0)
        counts = RequestCounts()
        for ago in (timedelta(0), 4 * MINUTE, 6 * MINUTE, 5 * HOUR, 23 * HOUR, 25 * HOUR):
            freeze_clock(monkeypatch, now - ago)
            counts.observe(seconds=0.01, status=200)
        freeze_clock(monkeypatch, now)
        service.store(counts)
        lengths = (5 * MINUTE, HOUR, 6 * HOUR, timedelta(days=1), timedelta(days=3))
        assert [window(length).total for length in lengths] == [2, 3, 4, 5, 6]


class TestPercentiles:
    def test_they_are_near_those_of_the_requests(self, app: Flask) -> None:
        chance = random.Random(5)
        durations = sorted(chance.lognormvariate(-4, 1) for _ in range(5000))
        counts = RequestCounts()
        for seconds in durations:
            counts.observe(seconds=seconds, status=200)
        service.store(counts)
        found = window()
        for share in (0.5, 0.9, 0.95, 0.99):
            exact = durations[int(share * len(durations))] * 1000
            assert found.percentile(share) == pytest.approx(exact, rel=0.05)

    def test_the_longest_are_told_as_the_last_bound(self, app: Flask) -> None:
        counts = RequestCounts()
        counts.observe(seconds=99, status=200)
        service.store(counts)
        assert window().percentile(0.5) == 10_000.0


@pytest.fixture
def storing_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_STORE_SECONDS", 0.05)


def test_a_process_stores_its_counts_while_it_serves_and_when_it_ends(
    committing: Flask, configure: Configure, storing_quickly: None
) -> None:
    configure(request_counts.counts, None)
    client = committing.test_client()
    with service.counted():
        client.get("/api/v1/products")
        ends_at = time.monotonic() + 10
        while window().total < 1 and time.monotonic() < ends_at:
            time.sleep(0.02)
        assert window().total == 1
        client.get("/api/v1/products")
    assert window().total == 2
