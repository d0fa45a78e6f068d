"""Expiry of holds."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import clock, db
from app.events.models import OutboxEvent
from app.wallets.holds import tasks
from app.wallets.holds.tasks import expire_holds
from app.worker import SCHEDULE
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.responses import refusal
from tests.wallets.helpers import lock
from tests.wallets.holds.helpers import amounts, capture, place, show, void


@pytest.fixture
def past(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that calls another one an hour ago."""

    def an_hour_ago(call: Any, *args: Any, **fields: Any) -> Any:
        then = clock.now() - timedelta(hours=1)
        with monkeypatch.context() as patch:
            patch.setattr(clock, "now", lambda: then)
            return call(*args, **fields)

    return an_hour_ago


def test_an_expired_hold_is_released_within_a_minute(
    client: FlaskClient, payer: Actor, payee: Actor, past: Any
) -> None:
    expired = past(place, client, payer, payee, "40.00", expiresIn=60).json["id"]
    active = past(place, client, payer, payee, "5.00", expiresIn=7200).json["id"]
    assert (expire_holds, 1, 0) in SCHEDULE

    assert expire_holds() == 1

    assert show(client, payer, expired).json["status"] == "EXPIRED"
    assert show(client, payer, active).json["status"] == "ACTIVE"
    assert amounts(client, payer) == ("100.00", "5.00", "95.00")
    assert expire_holds() == 0
    assert broken_invariants() == []


def test_an_expired_hold_cannot_be_settled_before_the_job_has_run(
    client: FlaskClient, payer: Actor, payee: Actor, past: Any
) -> None:
    hold_id = past(place, client, payer, payee, expiresIn=60).json["id"]

    for answer in (capture(client, payee, hold_id), void(client, payee, hold_id)):
        assert refusal(answer) == (409, "HOLD_CLOSED")
        assert answer.json["details"] == {"status": "EXPIRED"}
    assert amounts(client, payee) == ("0.00", "0.00", "0.00")


def test_an_expired_hold_of_a_locked_wallet_is_released(
    client: FlaskClient, payer: Actor, payee: Actor, past: Any
) -> None:
    past(place, client, payer, payee, expiresIn=60)
    lock(client, payer)

    assert expire_holds() == 1
    assert amounts(client, payer) == ("100.00", "0.00", "100.00")


def test_expired_holds_are_released_in_batches(
    client: FlaskClient, payer: Actor, payee: Actor, past: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_BATCH", 3)
    other = factories.buyer("10.00")
    for _ in range(4):
        past(place, client, payer, payee, "1.00", expiresIn=60)
        past(place, client, other, payee, "1.00", expiresIn=60)

    assert expire_holds() == 8

    assert amounts(client, payer) == ("100.00", "0.00", "100.00")
    assert amounts(client, other) == ("10.00", "0.00", "10.00")
    assert broken_invariants() == []


def test_the_outbox_records_how_each_hold_ended(
    client: FlaskClient, payer: Actor, payee: Actor, past: Any
) -> None:
    captured, voided = (place(client, payer, payee, "10.00").json["id"] for _ in range(2))
    expired = past(place, client, payer, payee, "10.00", expiresIn=60).json["id"]
    capture(client, payee, captured, "7.00")
    void(client, payee, voided)
    expire_holds()

    def events_of(hold_id: str) -> list[tuple[str, dict[str, Any]]]:
        with db.transaction() as session:
            rows = session.scalars(
                select(OutboxEvent)
                .where(OutboxEvent.aggregate_id == hold_id)
                .order_by(OutboxEvent.id)
            ).all()
        varying = ("expiresAt", "latencyMs")
        return [(row.type, {k: v for k, v in row.data.items() if k not in varying}) for row in rows]

    parties = {"payerId": str(payer.id), "payeeId": str(payee.id), "currency": "USD"}
    placed = ("hold-placed", parties | {"amount": 1000, "riskScore": "0.0000"})
    assert events_of(captured) == [
        placed,
        ("hold-captured", parties | {"amount": 700, "released": 300}),
    ]
    assert events_of(voided) == [
        placed,
        ("hold-released", parties | {"amount": 1000, "status": "VOIDED"}),
    ]
    assert events_of(expired) == [
        placed,
        ("hold-released", parties | {"amount": 1000, "status": "EXPIRED"}),
    ]
