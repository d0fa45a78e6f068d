"""Side effects that fail: the log, metrics, the cache and the queue change no response."""

import io
import logging as standard_logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common import logging, metrics, queue, side_effects
from app.common.batch_executor import BatchExecutor, Observer
from app.common.db import after_commit, transaction
from tests import factories
from tests.common.test_db import insert_row, rows


class FullDisk(io.StringIO):
    """A log on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.fixture
def full_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kept = structlog.get_config()
    handlers = standard_logging.getLogger().handlers[:]
    level = standard_logging.getLogger().level
    with monkeypatch.context() as broken:
        broken.setattr("sys.stdout", FullDisk())
        broken.setattr("sys.stderr", FullDisk())
        logging.configure("debug")
        structlog.configure(cache_logger_on_first_use=False)  # or they would keep this log
        yield
    structlog.configure(**kept)
    standard_logging.basicConfig(handlers=handlers, level=level, force=True)


class Ugly:
    def __repr__(self) -> str:
        raise RuntimeError("no representation")


class TestLog:
    def test_a_full_log_fails_nothing(self, full_log: None) -> None:
        log = structlog.get_logger()
        log.info("event", value=1)
        log.error("event", exc_info=ValueError("x"))
        standard_logging.getLogger("library").warning("text")

    @pytest.mark.parametrize("value", [2**70, "\ud800", {1: 2}, Ugly(), object()])
    def test_no_value_fails_the_caller(self, value: object) -> None:
        log = structlog.wrap_logger(
            structlog.WriteLogger(io.StringIO()),
            processors=[structlog.processors.JSONRenderer(logging._as_json)],
            wrapper_class=logging._cannot_fail(structlog.make_filtering_bound_logger("debug")),
        )
        log.info("event", value=value)

    @pytest.mark.parametrize("value", [2**70, "\ud800"])
    def test_values_that_orjson_refuses_are_logged_all_the_same(self, value: object) -> None:
        assert logging._as_json({"event": "x", "value": value}).startswith('{"event": "x"')

    def test_requests_are_answered_as_usual(self, client: FlaskClient, full_log: None) -> None:
        buyer = factories.buyer("10.00")

        deposited = client.post(
            "/api/v1/wallet/deposit", json={"amount": "5.00"}, headers=buyer.headers
        )
        refused = client.post(
            "/api/v1/wallet/withdraw", json={"amount": "500.00"}, headers=buyer.headers
        )

        assert deposited.status_code == 200
        assert refused.status_code == 400


def fail(*_: object, **__: object) -> Any:
    raise OSError(28, "No space left on device")


class TestAfterCommit:
    def test_a_callback_that_fails_does_not_stop_the_others(self, committing: Flask) -> None:
        seen: list[int] = []
        with transaction() as session:
            insert_row(session)
            after_commit(session, fail)
            after_commit(session, lambda: seen.append(1))

        assert seen == [1]
        assert rows() == ["here"]

    def test_a_queue_that_fails_fails_nothing(self, app: Flask, monkeypatch: Any) -> None:
        monkeypatch.setattr("app.common.queue.Queue", fail)

        queue.enqueue(print, 1)
        queue.enqueue_call(print, 1)

    @pytest.mark.parametrize(
        "broken",
        [
            "app.common.cache.Region.invalidate",
            "app.common.queue.Queue.enqueue",
            "prometheus_client.values.MutexValue.inc",
        ],
    )
    def test_a_committed_request_succeeds(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        merchant, buyer = factories.merchant(), factories.buyer("10.00")
        monkeypatch.setattr(broken, fail)

        created = client.post(
            "/api/v1/products",
            json={"name": "Course", "price": "5.00", "availableUnits": 1},
            headers=merchant.headers,
        )
        bought = client.post(
            "/api/v1/orders",
            json={"productId": created.json["id"], "paymentMethod": "WALLET"},
            headers=buyer.headers,
        )

        assert (created.status_code, bought.status_code) == (201, 201)
        with transaction() as session:
            assert session.scalar(text("SELECT count(*) FROM orders")) == 1


class TestMetrics:
    def test_a_counter_that_cannot_be_written_fails_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counter = metrics.SafeCounter("broken", "Cannot be written", ["outcome"], registry=None)
        monkeypatch.setattr("prometheus_client.values.MutexValue.inc", fail)
        counter.labels("a").inc()
        monkeypatch.setattr("prometheus_client.values.MutexValue.__init__", fail)
        counter.labels("b").inc()

    def test_an_observer_that_fails_changes_no_outcome(self) -> None:
        executor: BatchExecutor[int, int] = BatchExecutor(
            lambda drain: [2 * number for number in drain()],
            observer=Observer(batch=fail, refused=fail),
        )
        assert executor.submit(2) == 4


@pytest.mark.parametrize("effect", [fail, lambda: 1 / 0])
def test_an_attempt_raises_nothing(effect: Callable[[], object]) -> None:
    side_effects.attempt(effect)
