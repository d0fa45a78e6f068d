"""Pruning of what is older than its retention."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.audit import service as audit
from app.common import clock, queue
from app.common.db import transaction
from app.common.ids import new_id
from app.events.relay import service as relay
from app.retention import service
from app.retention.policy import RULES
from app.retention.tasks import prune
from tests import factories
from tests.clock import freeze_clock
from tests.concurrency import broken_invariants
from tests.events.relaying import Recorder, deliver_all, event_of, record
from tests.responses import refusal
from tests.verify.books import create_records


def count(table: str, where: str = "true") -> int:
    with transaction() as session:
        return session.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one()


def age_audit_log() -> None:
    """Make the records of the audit log old by the clock of the database, too."""
    with transaction() as session:
        factories.as_owner(session, "ALTER TABLE audit_log DISABLE TRIGGER USER")
        factories.as_owner(
            session, "UPDATE audit_log SET created_at = created_at - interval '2 years'"
        )
        factories.as_owner(session, "ALTER TABLE audit_log ENABLE TRIGGER USER")


def later(monkeypatch: pytest.MonkeyPatch, setting: str, by: timedelta = timedelta(0)) -> None:
    """Set the clock to the end of a retention that begins now."""
    freeze_clock(monkeypatch, clock.now() + service.periods().by_setting[setting] + by)


class TestPrune:
    @pytest.mark.parametrize(
        "size", [pytest.param(1, marks=pytest.mark.stress), 2, service.BATCH_SIZE]
    )
    def test_everything_old_is_deleted_and_the_books_stay_consistent(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        monkeypatch.setattr(service, "BATCH_SIZE", size)
        monkeypatch.setattr(service, "_MAX_SECONDS", 600)
        create_records(app)
        settled = count("onramps", "settled_by IS NOT NULL")
        waiting = count("inbound_events", "status = 'RECEIVED'")
        kept = {table: count(table) for table in ("orders", "wallet_transactions", "api_keys")}

        with transaction() as session:
            audit.record(session, actor_id=None, action="limit.remove", target=("user", new_id()))
        age_audit_log()
        longest = max(service.periods().by_setting.values())
        freeze_clock(monkeypatch, clock.now() + longest + timedelta(days=1))
        assert prune() > 0
        while prune():  # what something refers to has its turn again once that is gone
            pass

        for table in ("outbox_events", "idempotency_keys", "refresh_tokens"):
            assert count(table) == 0
        assert count("audit_log") == count("audit_log", "action = 'limit.remove'") == 1
        assert count("login_sessions", "kind = 'LOGIN'") == 0
        assert count("inbound_events") == settled + waiting
        assert kept == {table: count(table) for table in kept}
        assert broken_invariants() == []

    def test_nothing_is_deleted_before_its_time(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create_records(app)
        tables = {rule.table for rule in RULES}
        before = {table: count(table) for table in tables}

        later(monkeypatch, "retention_responses", -timedelta(days=2))  # some are a day old

        assert prune() == 0
        assert {table: count(table) for table in tables} == before

    def test_events_wait_until_every_sink_has_received_them(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        quick, slow = Recorder("quick"), Recorder("slow")
        record(poisoned := new_id())
        record(new_id())
        for sink in (quick, slow):
            relay.add_sink(sink)
        quick.refused.add(event_of(poisoned))
        deliver_all(quick)
        later(monkeypatch, "retention_events", timedelta(days=1))

        prune()
        assert count("outbox_events") == 2  # slow has received nothing

        deliver_all(slow)
        prune()
        assert count("outbox_events") == 1  # quick may be given it again
        assert event_of(poisoned)

    def test_a_run_ends_when_its_time_is_over_but_each_rule_has_its_turn(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, much_to_do: list[Any]
    ) -> None:
        events = count("outbox_events")
        prune()
        assert count("idempotency_keys", "body IS NOT NULL") == 2
        assert count("outbox_events") == events - 1

    def test_others_follow_until_nothing_is_left(self, app: Flask, much_to_do: list[Any]) -> None:
        prune()
        runs = 1
        while much_to_do:
            (until,) = much_to_do
            much_to_do.clear()
            prune(until)
            runs += 1
        assert runs > 3
        assert count("outbox_events") == count("idempotency_keys", "body IS NOT NULL") == 0

    def test_none_follows_when_the_next_minute_has_its_own(
        self, app: Flask, much_to_do: list[Any]
    ) -> None:
        assert prune(clock.now().timestamp() - 1) > 0
        assert much_to_do == []

    def test_none_follows_a_failure(
        self, app: Flask, much_to_do: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = replace(RULES[0], column="no_such_column")
        monkeypatch.setattr(service, "RULES", (broken, *RULES[1:]))

        with pytest.raises(ExceptionGroup):
            prune()

        assert much_to_do == []

    @pytest.fixture
    def much_to_do(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Runs and batches are as short as can be. Returns the arguments of enqueued jobs."""
        for number in range(3):
            headers = factories.actor().headers | {"Idempotency-Key": f"k-{number}"}
            app.test_client().post("/api/v1/wallet/deposit", json={"amount": "1"}, headers=headers)
        later(monkeypatch, "retention_events", timedelta(days=1))
        monkeypatch.setattr(service, "_MAX_SECONDS", 0)
        monkeypatch.setattr(service, "BATCH_SIZE", 1)
        enqueued: list[Any] = []
        monkeypatch.setattr(queue, "enqueue", lambda _, argument: enqueued.append(argument))
        return enqueued

    def test_a_rule_that_fails_does_not_stop_the_others(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        factories.buyer()
        later(monkeypatch, "retention_events", timedelta(days=1))
        broken = replace(RULES[0], column="no_such_column")
        monkeypatch.setattr(service, "RULES", (broken, *RULES[1:]))

        with pytest.raises(ExceptionGroup, match="rules of the retention failed"):
            prune()

        assert count("outbox_events") == 0


def test_a_key_keeps_its_fingerprint_longer_than_its_response(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = factories.actor()
    headers = user.headers | {"Idempotency-Key": "k-1"}

    def deposit() -> object:
        return client.post("/api/v1/wallet/deposit", json={"amount": "1.00"}, headers=headers)

    deposit()
    with monkeypatch.context() as then:
        later(then, "retention_responses", timedelta(seconds=1))
        assert prune() == 1
    assert count("idempotency_keys", "body IS NULL") == 1
    answer = deposit()
    assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert answer.json["message"].startswith("The request with this Idempotency-Key was executed")


def test_the_audit_log_of_the_last_year_is_kept(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_records(app)
    before = count("audit_log")
    later(monkeypatch, "retention_audit", timedelta(days=1))  # not for the database

    prune()
    assert count("audit_log") == before > 0

    with (
        pytest.raises(DBAPIError, match="audit_log keeps its rows for a year"),
        transaction() as session,
    ):
        session.execute(text("DELETE FROM audit_log"))
