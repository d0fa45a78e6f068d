"""Simulated traffic, as administrators control it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.administration.traffic import client as traffic
from app.common.db import transaction
from tests import factories
from tests.fake_traffic import STATUS, fake_traffic
from tests.ports import unused_port

PATH = "/api/v1/admin/traffic"


def test_an_administrator_starts_stops_and_makes_one(
    client: FlaskClient, configure: Callable[[Any, Any], None]
) -> None:
    admin = factories.admin()
    with fake_traffic() as (address, received):
        configure(traffic.address, address)
        started = client.post(f"{PATH}/start", json={"interval": 500}, headers=admin.headers)
        assert (started.status_code, started.json) == (200, STATUS)
        assert client.post(f"{PATH}/stop", headers=admin.headers).status_code == 200
        assert client.get(PATH, headers=admin.headers).json == STATUS
        made = client.post(f"{PATH}/once", headers=admin.headers)
        assert made.json is not None
        assert made.json["amount"] == "17.50"
    assert received == [
        ("/start", b'{"interval":500}'),
        ("/stop", b""),
        ("/status", b""),
        ("/once", b""),
    ]
    with transaction() as session:
        actions = session.scalars(text("SELECT action FROM audit_log ORDER BY id")).all()
    assert actions[-3:] == ["traffic.start", "traffic.stop", "traffic.once"]


@pytest.mark.parametrize("wrong", [49, 3_600_001, "soon", 1.5])
def test_intervals_are_bounded(client: FlaskClient, wrong: object) -> None:
    admin = factories.admin()
    answer = client.post(f"{PATH}/start", json={"interval": wrong}, headers=admin.headers)
    assert answer.status_code == 400


def test_a_simulator_that_is_away_is_reported(
    client: FlaskClient, configure: Callable[[Any, Any], None]
) -> None:
    configure(traffic.address, f"http://127.0.0.1:{unused_port()}")
    answer = client.get(PATH, headers=factories.admin().headers)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]) == (503, "TRAFFIC_UNAVAILABLE")


def test_there_is_no_traffic_in_production(
    client: FlaskClient, configure: Callable[[Any, Any], None]
) -> None:
    configure(traffic.address, None)
    answer = client.post(f"{PATH}/once", headers=factories.admin().headers)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]) == (403, "TRAFFIC_FORBIDDEN")
