"""Liveness and readiness."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import cache, db
from app.common.process_state import Slot

Configure = Callable[[Slot[Any], object], None]


@pytest.fixture
def without_redis(configure: Configure) -> None:
    configure(cache.client, cache.connect("redis://127.0.0.1:1/0"))


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
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok"},
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


def test_with_an_unexpected_schema_it_is_down(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.health.views.newest_migration", lambda: "9999_newer")

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json["status"]) == (503, "down")
    assert answer.json["checks"]["migrations"] == "behind"


def test_it_is_live_without_redis_and_database(
    client: FlaskClient, without_redis: None, without_database: None
) -> None:
    answer = client.get("/health/live")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
