"""Liveness, readiness, and what modules report for the metrics."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app.common import cache, circuit, clock, db, redis_client, schema_version
from app.common.database import Database
from app.common.ids import new_id
from app.common.process_state import Slot
from app.events.relay import service as relay
from app.events.sinks import SinkUnavailable
from app.health import service
from tests.clock import freeze_clock
from tests.events.relaying import Recorder, deliver_all, event_of, record
from tests.metrics import AUTHORIZED, TOKEN
from tests.silent_proxy import silent_proxy

Configure = Callable[[Slot[Any], object], None]


@pytest.fixture
def without_redis(configure: Configure) -> None:
    configure(cache.client, redis_client.connect("redis://127.0.0.1:1/0"))


@pytest.fixture
def without_database(configure: Configure) -> Iterator[None]:
    unreachable = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    configure(db.current, unreachable)
    yield
    unreachable.dispose()


def test_it_is_ready_if_database_and_redis_answer(client: FlaskClient) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "checks": {
            "database": "ok",
            "migrations": "ok",
            "redis": "ok",
            "events": "ok",
            "webhooks": "ok",
        },
    }


def test_without_redis_it_is_degraded_and_still_ready(
    client: FlaskClient, without_redis: None
) -> None:
    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["redis"] == "away"


def test_without_a_database_it_is_down(client: FlaskClient, without_database: None) -> None:
    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json["status"]) == (503, "down")
    assert answer.json["checks"]["database"] == "away"


def test_with_the_schema_of_an_older_version_it_is_down(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (*schema_version.known_revisions(), "9999_newer")
    monkeypatch.setattr(schema_version, "known_revisions", lambda: known)

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json["status"]) == (503, "down")
    assert answer.json["checks"]["migrations"] == "behind"


def test_while_a_newer_version_has_migrated_it_is_still_ready(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = schema_version.known_revisions()[:-1]
    monkeypatch.setattr(schema_version, "known_revisions", lambda: known)

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    assert answer.json["checks"]["migrations"] == "ahead"


def test_it_is_live_without_redis_and_database(
    client: FlaskClient, without_redis: None, without_database: None
) -> None:
    answer = client.get("/health/live")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.fixture
def with_silent_database(configure: Configure) -> Iterator[None]:
    url = db.current().engine.url
    with silent_proxy(str(url.host), int(url.port or 5432)) as proxy:
        proxy.freeze()
        through = url.set(host="127.0.0.1", port=proxy.port)
        silent = Database(through.render_as_string(hide_password=False))
        configure(db.current, silent)
        yield
        silent.dispose()


@pytest.fixture
def with_silent_redis(configure: Configure) -> Iterator[None]:
    options = cache.client().get_connection_kwargs()
    with silent_proxy(options["host"], options["port"]) as proxy:
        proxy.freeze()
        configure(cache.client, redis_client.connect(f"redis://127.0.0.1:{proxy.port}/0"))
        yield


def test_readiness_is_answered_within_a_second_whatever_is_silent(
    client: FlaskClient, with_silent_database: None, with_silent_redis: None
) -> None:
    for _ in range(3):
        started = time.monotonic()
        answer = client.get("/health/ready")
        assert time.monotonic() - started < 1
        assert (answer.status_code, answer.json["status"]) == (503, "down")
        assert answer.json["checks"] == {
            "database": "away",
            "migrations": "unknown",
            "redis": "away",
            "events": "unknown",
            "webhooks": "unknown",
        }


class TestEvents:
    @pytest.fixture
    def client(self, committing: Flask) -> FlaskClient:
        return committing.test_client()

    @pytest.fixture
    def sink(self, client: FlaskClient) -> Recorder:
        relay.max_attempts.configure(1)
        return deliver_all(Recorder())

    def status(self, client: FlaskClient) -> tuple[int, str, str]:
        answer = client.get("/health/ready")
        return answer.status_code, answer.json["status"], answer.json["checks"]["events"]

    def test_it_is_ok_while_sinks_receive_everything(
        self, client: FlaskClient, sink: Recorder
    ) -> None:
        record(new_id())
        assert self.status(client) == (200, "ok", "ok")
        deliver_all(sink)
        assert self.status(client) == (200, "ok", "ok")

    def test_a_parked_event_degrades_it_until_it_is_delivered(
        self, client: FlaskClient, sink: Recorder
    ) -> None:
        record(licence := new_id())
        sink.refused.add(event_of(licence))
        deliver_all(sink)
        assert self.status(client) == (200, "degraded", "parked")

        sink.refused.clear()
        with db.transaction() as session:
            relay.retry_next(session, sink.name, licence)
        deliver_all(sink)
        assert self.status(client) == (200, "ok", "ok")

    def test_a_sink_that_is_away_degrades_it(self, client: FlaskClient, sink: Recorder) -> None:
        record(new_id())
        sink.is_away = True
        with pytest.raises(SinkUnavailable):
            relay.deliver(sink)
        assert self.status(client) == (200, "degraded", "behind")

        sink.is_away = False
        deliver_all(sink)
        assert self.status(client) == (200, "ok", "ok")

    def test_an_event_that_is_not_delivered_for_five_minutes_degrades_it(
        self, client: FlaskClient, sink: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(new_id())
        now = clock.now()
        freeze_clock(monkeypatch, now + timedelta(minutes=4))
        assert self.status(client) == (200, "ok", "ok")
        freeze_clock(monkeypatch, now + timedelta(minutes=6))
        assert self.status(client) == (200, "degraded", "behind")
        deliver_all(sink)
        assert self.status(client) == (200, "ok", "ok")

    def test_a_locked_table_degrades_it_and_takes_nobody_out_of_service(
        self, client: FlaskClient, sink: Recorder
    ) -> None:
        with db.transaction() as session:
            session.execute(text("LOCK TABLE held_events IN SHARE ROW EXCLUSIVE MODE"))
            assert self.status(client) == (200, "ok", "ok")
        with db.transaction() as session:
            session.execute(text("LOCK TABLE held_events IN ACCESS EXCLUSIVE MODE"))
            for _ in range(3):
                assert self.status(client) == (200, "degraded", "unknown")


class TestMetrics:
    @pytest.fixture
    def client(self, committing: Flask) -> FlaskClient:
        return committing.test_client()

    def gauges(self, client: FlaskClient) -> dict[tuple[str, str], float]:
        """The gauges of events, by name and sink."""
        answer = client.get("/metrics", headers=AUTHORIZED)
        assert answer.status_code == 200
        return {
            (family.name.removeprefix("payment_flow_events_"), sample.labels["sink"]): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if family.name.startswith("payment_flow_events_")
            and not family.name.endswith("_seconds")
        }

    @pytest.fixture(autouse=True)
    def with_token(self, change_settings: Callable[..., None]) -> None:
        change_settings(metrics_token=TOKEN)

    def test_events_are_counted_for_each_sink(self, client: FlaskClient) -> None:
        assert self.gauges(client) == {}
        relay.max_attempts.configure(1)
        sink = deliver_all(Recorder())
        deliver_all(Recorder("another"))
        record(*(licences := [new_id(), new_id()]))
        sink.refused.update(map(event_of, licences))
        deliver_all(sink)
        record(licences[0])

        assert self.gauges(client) == {
            ("parked", "recorder"): 2,
            ("behind", "recorder"): 1,
            ("parked", "another"): 0,
            ("behind", "another"): 3,
        }

    def test_without_a_database_the_others_are_reported(
        self, client: FlaskClient, without_database: None
    ) -> None:
        assert self.gauges(client) == {}
        answer = client.get("/metrics", headers=AUTHORIZED)
        assert "payment_flow_transaction_retries_total" in answer.text


class TestCircuits:
    """Kafka is optional for requests, as Redis is."""

    @pytest.fixture(autouse=True)
    def _kafka_is_configured(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(metrics_token=TOKEN)
        service.reports.subscribe("kafka", partial(service.report_circuit, "kafka"))

    def fail(self) -> None:
        def work() -> None:
            raise ValueError

        for _ in range(circuit.MAX_FAILURES):
            with suppress(ValueError):
                circuit.call("kafka", work, failure=ValueError)

    def metric(self, client: FlaskClient) -> float:
        answer = client.get("/metrics", headers=AUTHORIZED)
        (value,) = re.findall(
            r'^payment_flow_circuit_closed{circuit="kafka"} (.*)$', answer.text, re.M
        )
        return float(value)

    def test_a_service_that_answers_is_ok(self, client: FlaskClient) -> None:
        answer = client.get("/health/ready").json

        assert (answer["status"], answer["checks"]["kafka"]) == ("ok", "ok")
        assert self.metric(client) == 1

    def test_a_service_that_fails_is_away_and_requests_are_served(
        self, client: FlaskClient
    ) -> None:
        self.fail()

        answer = client.get("/health/ready")

        assert (answer.status_code, answer.json["status"]) == (200, "degraded")
        assert answer.json["checks"]["kafka"] == "away"
        assert self.metric(client) == 0

    def test_it_stays_away_until_a_call_succeeds(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fail()
        later = clock.now() + timedelta(seconds=circuit.RESET_SECONDS + 1)
        monkeypatch.setattr("app.common.clock.now", lambda: later)

        assert client.get("/health/ready").json["checks"]["kafka"] == "away"

    def test_without_redis_it_is_unknown(self, client: FlaskClient, without_redis: None) -> None:
        assert client.get("/health/ready").json["checks"]["kafka"] == "unknown"
