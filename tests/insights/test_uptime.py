"""Checks of readiness, and the uptime that follows from them."""

from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from flask import Flask

from app.common import db
from app.common.db import reading, transaction
from app.insights.uptime import checker, service
from app.insights.uptime.checker import Checker
from app.insights.uptime.service import Uptime, minute_of
from tests.clock import freeze_clock

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 3, 1, 12, 30, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_clock(monkeypatch, NOW)


def record(*minutes_ago: int, succeeded: bool = True) -> None:
    with transaction() as session:
        checks = {minute_of(NOW) - ago: succeeded for ago in minutes_ago}
        service.record(session, checks)


def uptime(**since: datetime) -> Uptime:
    with reading() as session:
        return service.get_uptime(session, **since)


def test_without_a_check_nothing_is_known(app: Flask) -> None:
    assert uptime() == Uptime(None, 0, 0, 0)
    assert (uptime().percent, uptime().min_percent) == (None, None)


def test_minutes_are_up_down_or_unknown(app: Flask) -> None:
    record(*range(100, 0, -1))
    record(40, 41, succeeded=False)
    found = uptime()
    assert found == Uptime(datetime(2026, 3, 1, 10, 50, tzinfo=UTC), 100, 2, 0)
    assert (found.percent, found.min_percent) == (98.0, 98.0)


def test_a_gap_is_unknown_and_shown_as_such(app: Flask) -> None:
    record(*range(100, 50, -1), *range(25, 0, -1))
    found = uptime()
    assert (found.checked_minutes, found.down_minutes, found.unknown_minutes) == (75, 0, 25)
    assert (found.percent, found.min_percent) == (100.0, 75.0)


def test_one_failed_check_makes_a_minute_one_that_was_down(app: Flask) -> None:
    record(5)
    record(5, succeeded=False)
    record(5)
    assert uptime().down_minutes == 1


def test_checks_of_two_hosts_or_stored_twice_count_once(app: Flask) -> None:
    for _ in range(2):
        record(3, 2, 1)
    assert uptime().checked_minutes == 3


def test_a_period_has_only_its_hours(app: Flask) -> None:
    record(200, succeeded=False)
    record(*range(30, 0, -1))
    found = uptime(since=NOW - timedelta(hours=1))
    assert (found.since, found.checked_minutes) == (datetime(2026, 3, 1, 12, tzinfo=UTC), 30)
    assert found.percent == 100.0


class _Server(HTTPServer):
    status = 200


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/health/ready" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


class TestChecker:
    def test_it_asks_over_http_and_records_what_it_was_told(self, app: Flask) -> None:
        with _Server(("127.0.0.1", 0), _Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            checks = Checker(f"http://127.0.0.1:{server.server_port}/health/ready")
            checks.check()
            assert (uptime().checked_minutes, uptime().down_minutes) == (1, 0)
            server.status = 503
            checks.check()
            assert (uptime().checked_minutes, uptime().down_minutes) == (1, 1)
            server.shutdown()

    def test_a_web_process_that_does_not_answer_is_down(self, app: Flask) -> None:
        Checker("http://127.0.0.1:9/health/ready").check()
        assert uptime().down_minutes == 1

    def test_an_outage_of_the_database_is_recorded_after_it(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checks = Checker("http://127.0.0.1:9/health/ready")

        def fail(_: object) -> None:
            raise db.OutcomeUnknown

        with monkeypatch.context() as patch:
            patch.setattr(checker, "retry_transaction", fail)
            for number in range(4):
                freeze_clock(monkeypatch, NOW + number * MINUTE)
                checks.check()
        assert uptime().checked_minutes == 0

        monkeypatch.setattr(checks, "_is_ready", lambda: True)
        freeze_clock(monkeypatch, NOW + 4 * MINUTE)
        checks.check()

        assert (uptime().checked_minutes, uptime().down_minutes) == (5, 4)

    def test_an_outage_of_days_takes_no_more_memory_than_one_of_a_day(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checks = Checker("http://127.0.0.1:9/health/ready")

        def fail(_: object) -> None:
            raise db.OutcomeUnknown

        monkeypatch.setattr(checker, "retry_transaction", fail)
        monkeypatch.setattr(checks, "_is_ready", lambda: False)
        for number in range(2000):
            freeze_clock(monkeypatch, NOW + number * MINUTE)
            checks.check()
        assert len(checks._waiting) == 24 * 60
