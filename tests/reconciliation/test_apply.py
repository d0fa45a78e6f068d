"""Closing the differences that are safe to close: once, audited, and no others."""

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
from tests.clock import freeze_clock
from tests.concurrency import all_at_once, broken_invariants
from tests.fake_bank import FakeBank
from tests.onramp.helpers import created_onramp, deliver_event, get_onramp
from tests.payouts.helpers import (
    WALLET,
    balance_and_held,
    create_payout,
    deliver_and_handle,
    events_of,
    pending_payout,
    status_of,
)
from tests.reconciliation.helpers import (
    booked_line,
    credit_line,
    debit_line,
    outcomes,
    post_statement,
    reconciled,
    statement,
    user_with_open_records,
)
from tests.wallets.helpers import lock

pytestmark = pytest.mark.usefixtures("bank")


def reconcile_and_apply(client: FlaskClient, *lines: Any, **query: str) -> dict[str, Any]:
    return reconciled(client, *lines, apply="true", **query)


def audited() -> list[dict[str, Any]]:
    query = text(
        "SELECT actor_id, target_type, target_id, details FROM audit_log"
        " WHERE action = 'reconciliation.close' ORDER BY id"
    )
    with transaction() as session:
        return [dict(row._mapping) for row in session.execute(query)]


class TestClosing:
    def test_a_booked_credit_is_credited(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        onramp = created_onramp(client, user)

        report = reconcile_and_apply(client, credit_line(onramp))

        assert outcomes(report) == {("STATUS_DIFFERS", "CLOSED"): 1}
        assert report["counts"]["closed"] == 1
        assert report["rows"][0]["ourStatus"] == "SUCCESS"
        assert get_onramp(client, user, onramp)["status"] == "SUCCESS"
        assert balance_and_held(client, user) == ("125.00", "0.00")

    def test_a_credit_booked_after_the_expiry_is_credited_as_late(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from datetime import timedelta

        from app.common import clock

        user = factories.buyer("100.00")
        onramp = created_onramp(client, user)
        with monkeypatch.context() as patch:
            freeze_clock(patch, clock.now() + timedelta(minutes=6))
            onramp_tasks.expire_onramps()
        assert get_onramp(client, user, onramp)["status"] == "EXPIRED"

        reconcile_and_apply(client, credit_line(onramp))

        assert (get_onramp(client, user, onramp)["status"], balance_and_held(client, user)[0]) == (
            "SUCCESS",
            "125.00",
        )

    @pytest.mark.parametrize("submitted", [False, True])
    def test_a_booked_debit_is_debited(self, client: FlaskClient, submitted: bool) -> None:
        user = factories.buyer("100.00")
        payout_id = pending_payout(client, user)
        if submitted:
            tasks.advance(payout_id)

        report = reconcile_and_apply(client, debit_line(payout_id))

        assert outcomes(report) == {("STATUS_DIFFERS", "CLOSED"): 1}
        assert status_of(client, user, payout_id) == "PAID"
        assert balance_and_held(client, user) == ("75.00", "0.00")
        assert events_of(payout_id)[-1] == "payout-paid"

    def test_a_second_reconciliation_matches_and_has_no_effect(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        lines = credit_line(onramp), debit_line(payout_id)
        reconcile_and_apply(client, *lines)
        before = balance_and_held(client, user)

        again = reconcile_and_apply(client, *lines)

        assert (again["counts"]["matched"], again["rows"]) == (2, [])
        assert balance_and_held(client, user) == before == ("100.00", "0.00")
        assert len(audited()) == 2

    def test_a_webhook_that_arrives_afterwards_has_no_effect(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        reconcile_and_apply(client, credit_line(onramp), debit_line(payout_id))
        deliver_event(client, onramp, user)
        deliver_and_handle(client, "paid", payout_id)
        assert balance_and_held(client, user) == ("100.00", "0.00")
        assert broken_invariants() == []

    def test_the_audit_log_has_the_administrator_and_the_reason(self, client: FlaskClient) -> None:
        operator, (_, onramp, payout_id) = factories.admin(), user_with_open_records(client)
        lines = credit_line(onramp), debit_line(payout_id)
        post_statement(client, statement(*lines), operator=operator, apply="true")

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

    def test_a_request_closes_a_limited_number_and_the_next_continues(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "MAX_CLOSED", 2)
        user = factories.buyer("100.00")
        lines = [credit_line(created_onramp(client, user, "1.00"), "1.00") for _ in range(3)]
        counts = reconcile_and_apply(client, *lines)["counts"]
        assert (counts["closed"], counts["canClose"]) == (2, 1)
        counts = reconcile_and_apply(client, *lines)["counts"]
        assert (counts["closed"], counts["matched"]) == (1, 2)


class TestDifferencesLeftOpen:
    def test_nothing_is_changed_without_apply(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        for query in ({}, {"apply": "false"}):
            reconciled(client, credit_line(onramp), debit_line(payout_id), **query)
        assert get_onramp(client, user, onramp)["status"] == "PROCESSING"
        assert status_of(client, user, payout_id) == "PENDING"
        assert audited() == []

    def test_other_differences_are_only_listed(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        failed, refused = created_onramp(client, user), another_pending_payout(client, user)
        deliver_event(client, failed, user, "payment.failed")
        deliver_and_handle(client, "refused", refused)
        missing = created_onramp(client, user)
        deliver_event(client, missing, user)
        before = balance_and_held(client, user)

        report = reconcile_and_apply(
            client,
            credit_line(onramp, "26.00"),
            debit_line(payout_id, currency="EUR"),
            credit_line(failed),
            debit_line(refused),
            booked_line("CREDIT", "unknown-000001"),
        )

        assert outcomes(report) == {
            ("AMOUNT_DIFFERS", "NONE"): 2,
            ("STATUS_DIFFERS", "NONE"): 2,
            ("MISSING_HERE", "NONE"): 1,
            ("MISSING_THERE", "NONE"): 1,
        }
        assert balance_and_held(client, user) == before
        assert audited() == []
        assert broken_invariants() == []

    def test_a_locked_wallet_is_credited_later(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        onramp = created_onramp(client, user)
        lock(client, user)

        first, again = (reconcile_and_apply(client, credit_line(onramp)) for _ in range(2))

        assert outcomes(first) == outcomes(again) == {("STATUS_DIFFERS", "NOT_CLOSED"): 1}
        assert balance_and_held(client, user)[0] == "100.00"
        with transaction() as session:
            wallet = factories.wallet(session, user.id)
            wallets.set_locked(
                session, actor_id=None, wallet_id=wallet.id, locked=False, reason="done"
            )
            session.execute(text("UPDATE inbound_events SET next_attempt_at = now()"))
        inbox.sweep()
        assert balance_and_held(client, user)[0] == "125.00"
        assert len(audited()) == 1


def another_pending_payout(client: FlaskClient, user: factories.Actor) -> UUID:
    """Another payout to the saved bank account of the user."""
    (saved,) = client.get(f"{WALLET}/bank-accounts", headers=user.headers).json
    return UUID(create_payout(client, user, saved["id"]).json["id"])


def test_concurrent_reconciliations_webhooks_and_jobs_have_one_effect(
    committing: Flask, bank: FakeBank
) -> None:
    client = committing.test_client()
    user, onramp, payout_id = user_with_open_records(client)
    operator = factories.admin()
    raw = statement(credit_line(onramp), debit_line(payout_id))
    bank.status = "PAID"

    def reconcile() -> None:
        answer = post_statement(committing.test_client(), raw, operator=operator, apply="true")
        assert answer.status_code == 200, answer.text

    def webhooks() -> None:
        deliver_event(committing.test_client(), onramp, user)
        deliver_and_handle(committing.test_client(), "paid", payout_id)

    all_at_once(
        lambda call: call(),
        [reconcile, webhooks, lambda: tasks.advance(payout_id), inbox.sweep] * 4,
    )

    assert balance_and_held(client, user) == ("100.00", "0.00")
    assert get_onramp(client, user, onramp)["status"] == "SUCCESS"
    assert status_of(client, user, payout_id) == "PAID"
    assert broken_invariants() == []
