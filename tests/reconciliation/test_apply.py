"""Closing what is safe to close: once, audited, and nothing else."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common.db import transaction
from app.inbox import tasks as inbox
from app.onramp import tasks as onramp_tasks
from app.payouts import tasks
from app.reconciliation import views
from app.wallets import service as wallets
from tests import factories
from tests.banks.speaking import clock_at
from tests.crowd import all_at_once, broken
from tests.fake_bank import FakeBank
from tests.onramp.helpers import asked, say, show
from tests.payouts.helpers import events_of, hear, money, pending, status
from tests.reconciliation.helpers import (
    booked,
    compared,
    credit,
    debit,
    found,
    statement,
    submit,
    user_with,
)
from tests.wallets.helpers import lock

pytestmark = pytest.mark.usefixtures("bank")


def applied(client: FlaskClient, *lines: Any, **query: str) -> dict[str, Any]:
    return compared(client, *lines, apply="true", **query)


def audited() -> list[dict[str, Any]]:
    query = text(
        "SELECT actor_id, target_type, target_id, details FROM audit_log"
        " WHERE action = 'reconciliation.close' ORDER BY id"
    )
    with transaction() as session:
        return [dict(row._mapping) for row in session.execute(query)]


class TestClosing:
    def test_money_that_came_is_credited(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        onramp = asked(client, user)

        report = applied(client, credit(onramp))

        assert found(report) == {("STATUS_DIFFERS", "CLOSED"): 1}
        assert report["counts"]["closed"] == 1
        assert report["rows"][0]["ourStatus"] == "SUCCESS"
        assert show(client, user, onramp)["status"] == "SUCCESS"
        assert money(client, user) == ("125.00", "0.00")

    def test_money_that_came_after_its_time_is_credited_as_late(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from datetime import timedelta

        from app.common import clock

        user = factories.buyer("100.00")
        onramp = asked(client, user)
        with monkeypatch.context() as patch:
            clock_at(patch, clock.now() + timedelta(minutes=6))
            onramp_tasks.expire_onramps()
        assert show(client, user, onramp)["status"] == "EXPIRED"

        applied(client, credit(onramp))

        assert (show(client, user, onramp)["status"], money(client, user)[0]) == (
            "SUCCESS",
            "125.00",
        )

    @pytest.mark.parametrize("submitted", [False, True])
    def test_money_that_left_is_taken(self, client: FlaskClient, submitted: bool) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        if submitted:
            tasks.advance(payout_id)

        report = applied(client, debit(payout_id))

        assert found(report) == {("STATUS_DIFFERS", "CLOSED"): 1}
        assert status(client, user, payout_id) == "PAID"
        assert money(client, user) == ("75.00", "0.00")
        assert events_of(payout_id)[-1] == "payout-paid"

    def test_again_it_matches_and_nothing_moves(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with(client)
        lines = credit(onramp), debit(payout_id)
        applied(client, *lines)
        before = money(client, user)

        again = applied(client, *lines)

        assert (again["counts"]["matched"], again["rows"]) == (2, [])
        assert money(client, user) == before == ("100.00", "0.00")
        assert len(audited()) == 2

    def test_a_webhook_that_comes_after_it_changes_nothing(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with(client)
        applied(client, credit(onramp), debit(payout_id))
        say(client, onramp, user)
        hear(client, "paid", payout_id)
        assert money(client, user) == ("100.00", "0.00")
        assert broken() == []

    def test_it_is_written_down_who_did_it_and_on_what_ground(self, client: FlaskClient) -> None:
        operator, (_, onramp, payout_id) = factories.admin(), user_with(client)
        lines = credit(onramp), debit(payout_id)
        submit(client, statement(*lines), operator=operator, apply="true")

        first, second = audited()
        assert (first["actor_id"], second["actor_id"]) == (operator.id, operator.id)
        assert (first["target_type"], str(first["target_id"])) == ("onramp", onramp["id"])
        assert (second["target_type"], second["target_id"]) == ("payout", payout_id)
        assert second["details"] == {
            "provider": "HDFC",
            "date": lines[1]["date"],
            "direction": "DEBIT",
            "reference": str(payout_id),
            "bankReference": lines[1]["bankReference"],
            "amount": "25.00",
            "currency": "USD",
        }

    def test_one_request_closes_so_many_and_the_next_goes_on(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "MAX_CLOSED", 2)
        user = factories.buyer("100.00")
        lines = [credit(asked(client, user, "1.00"), "1.00") for _ in range(3)]
        counts = applied(client, *lines)["counts"]
        assert (counts["closed"], counts["canClose"]) == (2, 1)
        counts = applied(client, *lines)["counts"]
        assert (counts["closed"], counts["matched"]) == (1, 2)


class TestLeaving:
    def test_nothing_is_changed_unless_asked(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with(client)
        for query in ({}, {"apply": "false"}):
            compared(client, credit(onramp), debit(payout_id), **query)
        assert show(client, user, onramp)["status"] == "PROCESSING"
        assert status(client, user, payout_id) == "PENDING"
        assert audited() == []

    def test_everything_else_is_only_listed(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with(client)
        failed, refused = asked(client, user), pending_again(client, user)
        say(client, failed, user, "payment.failed")
        hear(client, "refused", refused)
        missing = asked(client, user)
        say(client, missing, user)
        before = money(client, user)

        report = applied(
            client,
            credit(onramp, "26.00"),
            debit(payout_id, currency="EUR"),
            credit(failed),
            debit(refused),
            booked("CREDIT", "a-token-of-nobody"),
        )

        assert found(report) == {
            ("AMOUNT_DIFFERS", "NONE"): 2,
            ("STATUS_DIFFERS", "NONE"): 2,
            ("MISSING_HERE", "NONE"): 1,
            ("MISSING_THERE", "NONE"): 1,
        }
        assert money(client, user) == before
        assert audited() == []
        assert broken() == []

    def test_a_wallet_that_may_not_receive_gets_it_later(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        onramp = asked(client, user)
        lock(client, user)

        first, again = (applied(client, credit(onramp)) for _ in range(2))

        assert found(first) == found(again) == {("STATUS_DIFFERS", "NOT_CLOSED"): 1}
        assert money(client, user)[0] == "100.00"
        with transaction() as session:
            wallet = factories.wallet(session, user.id)
            wallets.set_locked(
                session, actor_id=None, wallet_id=wallet.id, locked=False, reason="done"
            )
            session.execute(text("UPDATE inbound_events SET next_attempt_at = now()"))
        inbox.sweep()
        assert money(client, user)[0] == "125.00"
        assert len(audited()) == 1


def pending_again(client: FlaskClient, user: factories.Actor) -> UUID:
    """Another payout to the account that the user has saved."""
    from tests.payouts.helpers import WALLET, pay_out

    (saved,) = client.get(f"{WALLET}/bank-accounts", headers=user.headers).json
    return UUID(pay_out(client, user, saved["id"]).json["id"])


def test_reconciliations_webhooks_and_jobs_together_move_it_once(
    committing: Flask, bank: FakeBank
) -> None:
    client = committing.test_client()
    user, onramp, payout_id = user_with(client)
    operator = factories.admin()
    raw = statement(credit(onramp), debit(payout_id))
    bank.verdict = "PAID"

    def reconcile() -> None:
        answer = submit(committing.test_client(), raw, operator=operator, apply="true")
        assert answer.status_code == 200, answer.text

    def webhooks() -> None:
        say(committing.test_client(), onramp, user)
        hear(committing.test_client(), "paid", payout_id)

    all_at_once(
        lambda act: act(), [reconcile, webhooks, lambda: tasks.advance(payout_id), inbox.sweep] * 4
    )

    assert money(client, user) == ("100.00", "0.00")
    assert show(client, user, onramp)["status"] == "SUCCESS"
    assert status(client, user, payout_id) == "PAID"
    assert broken() == []
