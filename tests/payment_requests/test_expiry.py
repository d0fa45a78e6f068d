"""Expiry of payment requests."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.common import clock, db
from app.payment_requests import tasks
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.payment_requests.helpers import (
    REQUESTS,
    WEEK,
    close_request,
    created_request,
    requests,
    status,
    stop_clock,
)
from tests.responses import refusal
from tests.transfers.helpers import balance, events_of


@pytest.fixture
def alice(app: Flask) -> Actor:
    return factories.actor()


@pytest.fixture
def bob(app: Flask) -> Actor:
    return factories.buyer("100.00")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_request_expires_after_a_week_or_the_given_time(
    client: FlaskClient, alice: Actor
) -> None:
    for fields, seconds in (({}, WEEK), ({"expiresIn": 60}, 60), ({"expiresIn": 3600}, 3600)):
        request = created_request(client, alice, **fields)
        lifetime = moment(request["expiresAt"]) - moment(request["createdAt"])
        assert lifetime == timedelta(seconds=seconds)


def test_an_expired_request_is_closed_before_the_job_has_run(
    client: FlaskClient, alice: Actor, bob: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = created_request(client, alice, to=bob, amount="10.00", expiresIn=60)
    end = clock.now() + timedelta(seconds=60)
    stop_clock(monkeypatch, end)

    for what, caller in (("pay", bob), ("decline", bob), ("cancel", alice)):
        answer = close_request(client, caller, request, what)
        assert refusal(answer) == (409, "PAYMENT_REQUEST_CLOSED")
        assert answer.json["details"] == {"status": "EXPIRED"}
    assert balance(client, bob) == "100.00"
    assert status(client, alice, request) == "EXPIRED"
    listed = client.get(REQUESTS, headers=alice.headers).json["data"]
    assert [row["status"] for row in listed] == ["EXPIRED"]
    public = client.get(f"{REQUESTS}/by-token/{request['token']}").json
    assert public["status"] == "EXPIRED"


def test_a_request_can_be_paid_until_it_expires(
    client: FlaskClient, alice: Actor, bob: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = created_request(client, alice, to=bob, amount="10.00", expiresIn=60)
    # JSON has milliseconds, the table microseconds.
    stop_clock(monkeypatch, moment(request["expiresAt"]) - timedelta(microseconds=1))

    assert close_request(client, bob, request, "pay").status_code == 201


def test_the_job_expires_only_requests_that_are_due(
    client: FlaskClient, alice: Actor, bob: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = [created_request(client, alice, amount="1.00", expiresIn=60) for _ in range(3)]
    paid = created_request(client, alice, amount="1.00", expiresIn=60)
    close_request(client, bob, paid, "pay")
    later = created_request(client, alice, amount="1.00", expiresIn=3600)
    stop_clock(monkeypatch, clock.now() + timedelta(seconds=61))
    monkeypatch.setattr(tasks, "_BATCH", 2)

    assert tasks.expire_requests() == 3
    assert tasks.expire_requests() == 0

    assert {status(client, alice, request) for request in due} == {"EXPIRED"}
    assert status(client, alice, paid) == "PAID"
    assert status(client, alice, later) == "OPEN"
    assert requests(client, alice) == [r["id"] for r in [later, paid, *due[::-1]]]
    assert all(len(events_of("payment-request-expired", request["id"])) == 1 for request in due)


class TestDatabaseConstraints:
    """What the database refuses, whatever the application does."""

    def refused(self, committing: Flask, statement: str) -> str:
        """The error. As the owner, because the application lacks some of the privileges."""
        engine = create_engine(db.current().engine.url)
        with (
            engine.connect() as connection,
            pytest.raises((IntegrityError, ProgrammingError)) as caught,
        ):
            connection.execute(text("SELECT as_owner(:statement)"), {"statement": statement})
        engine.dispose()
        return str(caught.value)

    def test_a_closed_request_cannot_be_changed(self, committing: Flask) -> None:
        client, requester = committing.test_client(), factories.actor()
        close_request(client, requester, created_request(client, requester), "cancel")

        for change in (
            "UPDATE payment_requests SET status = 'OPEN', closed_at = NULL",
            "UPDATE payment_requests SET note = 'x'",
            "DELETE FROM payment_requests",
        ):
            assert "refused" in self.refused(committing, change)

    def test_transfers_cannot_be_changed_or_deleted(self, committing: Flask) -> None:
        for change in ("UPDATE transfers SET amount = 1", "DELETE FROM transfers"):
            assert "append-only" in self.refused(committing, change)

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ("status = 'PAID', closed_at = now()", "paid_by_transfer"),
            ("closed_at = now()", "status_known"),
            ("status = 'LOST', closed_at = now()", "status_known"),
            ("amount = 0", "amount_positive"),
            ("payer_id = requester_id", "not_of_oneself"),
            ("expires_at = created_at", "expires_later"),
        ],
    )
    def test_inconsistent_requests_are_refused(
        self, committing: Flask, change: str, constraint: str
    ) -> None:
        created_request(committing.test_client(), factories.actor())

        refusal = self.refused(committing, f"UPDATE payment_requests SET {change}")

        assert f"ck_payment_requests_{constraint}" in refusal
        assert broken_invariants() == []
