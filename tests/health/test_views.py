"""Liveness and readiness."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import cache, db, redis_client, schema_version
from app.common.process_state import Slot
from tests.silent_proxy import silent_proxy

Configure = Callable[[Slot[Any], object], None]


@pytest.fixture
def without_redis(configure: Configure) -> None:
    configure(cache.client, redis_client.connect("redis://127.0.0.1:1/0"))


@pytest.fixture
def without_database(configure: Configure) -> Iterator[None]:
    unreachable = db.Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    configure(db.current, unreachable)
    yield
    unreachable.dispose()


def test_it_is_ready_if_database_and_redis_answer(client: FlaskClient) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok", "mail": "off"},
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
        silent = db.Database(through.render_as_string(hide_password=False))
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
        }
