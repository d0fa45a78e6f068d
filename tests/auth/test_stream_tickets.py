"""Tickets for streams."""

from datetime import timedelta

import pytest
import redis
from flask.testing import FlaskClient

from app.auth.stream_tickets import service as stream_tickets
from tests import factories

PATH = "/api/v1/auth/stream-tickets"


def test_a_ticket_works_once(client: FlaskClient) -> None:
    buyer = factories.buyer()
    answer = client.post(PATH, headers=buyer.headers)
    assert answer.status_code == 201
    assert answer.json is not None
    ticket = answer.json["ticket"]
    identity = stream_tickets.redeem(ticket)
    assert identity is not None
    assert (identity.user_id, identity.session_id) == (buyer.id, buyer.session_id)
    assert stream_tickets.redeem(ticket) is None


def test_a_ticket_is_short_lived_and_not_stored_itself(client: FlaskClient) -> None:
    made = client.post(PATH, headers=factories.buyer().headers).json
    assert made is not None
    store = stream_tickets.store()
    (key,) = [key for key in store.scan_iter("live:ticket:*") if store.ttl(key) > 0]
    assert made["ticket"] not in key.decode()
    assert 0 < store.ttl(key) <= stream_tickets.TTL / timedelta(seconds=1)


@pytest.mark.parametrize("wrong", ["", "x" * 43, "x" * 10_000, "é" * 43])
def test_a_wrong_ticket_is_refused(client: FlaskClient, wrong: str) -> None:
    assert stream_tickets.redeem(wrong) is None


def test_without_redis_there_are_no_tickets(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(stream_tickets.store(), "set", fail)
    answer = client.post(PATH, headers=factories.buyer().headers)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
