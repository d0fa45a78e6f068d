"""On-ramps under concurrency, with real commits."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.common import clock
from app.common.db import reading, transaction
from app.inbox import tasks as inbox
from app.inbox.models import InboundEvent
from app.onramp import tasks
from tests import factories
from tests.banks.webhooks import send_event
from tests.clock import freeze_clock
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.factories import Actor
from tests.onramp.helpers import bank_event, create_onramp, created_onramp, get_onramp, outbox_data
from tests.wallets.helpers import balance, set_limit


@pytest.fixture
def user(committing: Flask) -> Actor:
    return factories.actor()


def event_ids() -> list[str]:
    with reading() as session:
        return [str(one) for one in session.scalars(select(InboundEvent.id))]


def test_20_concurrent_jobs_of_one_event_credit_once(committing: Flask, user: Actor) -> None:
    client = committing.test_client()
    event = bank_event(created_onramp(client, user), user)
    answers = all_at_once(lambda _: send_event(committing.test_client(), event), range(20))
    assert outcomes(answers) == {(200, None): 20}
    (event_id,) = event_ids()
    all_at_once(lambda _: inbox.handle(event_id), range(20))
    assert balance(client, user) == "25.00"
    assert broken_invariants() == []


def test_20_events_with_the_same_content_credit_once(committing: Flask, user: Actor) -> None:
    client = committing.test_client()
    onramp = created_onramp(client, user)
    for _ in range(20):
        send_event(client, bank_event(onramp, user))
    all_at_once(inbox.handle, event_ids())
    assert balance(client, user) == "25.00"
    assert {event["status"] for event in outbox_data("onramp-succeeded")} == {"SUCCESS"}
    assert len(outbox_data("onramp-succeeded")) == 1
    assert broken_invariants() == []


def test_many_on_ramps_of_one_wallet_are_all_credited(committing: Flask, user: Actor) -> None:
    client = committing.test_client()
    for _ in range(40):
        send_event(client, bank_event(created_onramp(client, user, "1.00"), user))
    all_at_once(inbox.handle, event_ids() * 2)
    inbox.sweep()
    assert balance(client, user) == "40.00"
    assert broken_invariants() == []


def test_concurrent_success_and_failure_end_as_one_of_them(committing: Flask, user: Actor) -> None:
    client = committing.test_client()
    onramp = created_onramp(client, user)
    for kind in ("payment.succeeded", "payment.failed"):
        send_event(client, bank_event(onramp, user, kind))
    all_at_once(inbox.handle, event_ids())
    ended = (get_onramp(client, user, onramp)["status"], balance(client, user))
    assert ended in {("SUCCESS", "25.00"), ("FAILURE", "0.00")}
    assert len(outbox_data("bank-event-quarantined")) == 1
    assert broken_invariants() == []


def test_concurrent_success_and_expiry_never_lose_the_payment(
    committing: Flask, user: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = committing.test_client()
    onramps = [created_onramp(client, user, "1.00") for _ in range(20)]
    freeze_clock(monkeypatch, clock.now() + timedelta(minutes=6))

    def either(number: int) -> Any:
        if number % 2:
            return tasks.expire_onramps()
        send_event(committing.test_client(), bank_event(onramps[number // 2], user))
        return inbox.sweep()

    all_at_once(either, range(40), threads=8)
    inbox.sweep()
    assert balance(client, user) == "20.00"
    assert {get_onramp(client, user, onramp)["status"] for onramp in onramps} == {"SUCCESS"}
    assert len(outbox_data("onramp-succeeded")) == 20
    assert broken_invariants() == []


def test_concurrent_requests_do_not_exceed_a_limit(committing: Flask, user: Actor) -> None:
    client = committing.test_client()
    set_limit(client, user, "ONRAMP", "DAY", "100.00")
    answers = all_at_once(
        lambda _: create_onramp(committing.test_client(), user, "25.00"), range(20)
    )
    assert outcomes(answers) == {(201, None): 4, (400, "LIMIT_EXCEEDED"): 16}
    assert broken_invariants() == []


def test_an_old_key_never_creates_a_second_on_ramp(committing: Flask, user: Actor) -> None:
    client = committing.test_client()
    key = {"headers": {"Idempotency-Key": "once"}}
    created_onramp(client, user, **key)
    with transaction() as session:
        session.execute(text("DELETE FROM idempotency_keys"))
    assert create_onramp(client, user, **key).json["error"] == "IDEMPOTENCY_KEY_REUSED"
    assert client.get("/api/v1/onramp", headers=user.headers).json["meta"]["total"] == 1


@pytest.mark.parametrize(
    "change",
    [
        "amount = amount + 1",
        "user_id = (SELECT id FROM users WHERE id <> user_id LIMIT 1)",
        "currency = 'EUR'",
        "token = repeat('x', 43)",
        "provider = 'AXIS'",
        "expires_at = expires_at + interval '1 day'",
        "status = 'SUCCESS', closed_at = now()",
        "status = 'EXPIRED'",
        "status = 'LOST', closed_at = now()",
        "late = true",
    ],
)
def test_the_database_refuses_changes_of_the_request(
    committing: Flask, user: Actor, change: str
) -> None:
    factories.actor()
    onramp = created_onramp(committing.test_client(), user)
    with pytest.raises(DBAPIError, match=r"would change|ck_onramps"), transaction() as session:
        factories.as_owner(session, f"UPDATE onramps SET {change}")
    assert get_onramp(committing.test_client(), user, onramp) == onramp


@pytest.mark.parametrize("kind", ["payment.succeeded", "payment.failed"])
@pytest.mark.parametrize("status", ["PROCESSING", "EXPIRED", "SUCCESS", "FAILURE"])
def test_the_database_refuses_changes_of_the_outcome(
    committing: Flask, user: Actor, kind: str, status: str
) -> None:
    client = committing.test_client()
    send_event(client, bank_event(created_onramp(client, user), user, kind))
    inbox.sweep()
    with pytest.raises(DBAPIError, match="has ended"), transaction() as session:
        session.execute(text(f"UPDATE onramps SET status = '{status}'"))


def test_the_database_allows_one_credit_per_on_ramp(committing: Flask, user: Actor) -> None:
    client = committing.test_client()
    send_event(client, bank_event(created_onramp(client, user), user))
    inbox.sweep()
    with pytest.raises(DBAPIError, match="uq_journal_entries_onramp"), transaction() as session:
        session.execute(
            text(
                "INSERT INTO journal_entries (id, kind, reference_type, reference_id, created_at)"
                " SELECT gen_random_uuid(), kind, reference_type, reference_id, now()"
                " FROM journal_entries WHERE kind = 'ONRAMP'"
            )
        )
