"""How on-ramps end: by the bank's events, whatever they say and whenever they arrive."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth import service as auth
from app.common import clock
from app.common.db import transaction
from app.inbox import tasks as inbox
from app.onramp import tasks
from app.wallets import ledger
from tests import factories
from tests.banks.webhooks import key_of, send_event
from tests.clock import freeze_clock
from tests.factories import Actor
from tests.onramp.helpers import (
    bank_event,
    created_onramp,
    deliver_event,
    get_onramp,
    inbound_events,
    outbox_data,
)
from tests.wallets.helpers import balance, lock, set_limit, wallet_of


@pytest.fixture
def user(app: Flask) -> Actor:
    return factories.actor()


@pytest.fixture
def onramp(client: FlaskClient, user: Actor) -> dict[str, Any]:
    return created_onramp(client, user, "25.00", description="For books")


def unlock(client: FlaskClient, user: Actor) -> None:
    client.post(
        f"/api/v1/admin/wallets/{wallet_of(client, user)['id']}/unlock",
        json={"reason": "Reviewed"},
        headers=factories.admin().headers,
    )


@pytest.fixture
def pass_expiry(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that moves the clock past the expiry, six minutes ahead."""
    return lambda: freeze_clock(monkeypatch, clock.now() + timedelta(minutes=6))


class TestSuccess:
    def test_the_wallet_is_credited(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        deliver_event(client, onramp, user, bankReference="UTR-17")
        assert balance(client, user) == "25.00"
        shown = get_onramp(client, user, onramp)
        assert (shown["status"], shown["bankReference"], shown["late"]) == (
            "SUCCESS",
            "UTR-17",
            False,
        )
        assert shown["closedAt"] == shown["updatedAt"] >= onramp["createdAt"]

    def test_the_credit_is_in_the_history(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        deliver_event(client, onramp, user, bankReference="UTR-17")
        url = "/api/v1/wallet/transactions?type=ONRAMP"
        (row,) = client.get(url, headers=user.headers).json["data"]
        assert (row["type"], row["amount"], row["balanceAfter"]) == ("ONRAMP", "25.00", "25.00")
        assert (row["referenceType"], row["referenceId"]) == ("onramp", onramp["id"])
        assert row["description"] == "For books"
        assert row["metadata"] == {"provider": "HDFC", "bankReference": "UTR-17", "late": False}
        url = "/api/v1/wallet/transactions?type=DEPOSIT"
        assert client.get(url, headers=user.headers).json["data"] == []

    def test_an_event_is_recorded(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        deliver_event(client, onramp, user)
        assert outbox_data("onramp-succeeded") == [
            {
                "userId": str(user.id),
                "provider": "HDFC",
                "amount": 2500,
                "currency": "USD",
                "status": "SUCCESS",
                "late": False,
            }
        ]
        (moved,) = outbox_data("balance-updated")
        assert (moved["type"], moved["amount"], moved["balance"]) == ("ONRAMP", 2500, 2500)

    def test_a_repeated_webhook_has_no_effect(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        event = bank_event(onramp, user)
        for _ in range(3):
            assert send_event(client, event).status_code == 200
            inbox.sweep()
        assert balance(client, user) == "25.00"
        assert inbound_events() == [("PROCESSED", None)]

    def test_the_same_content_under_another_id_has_no_effect(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        for _ in range(3):
            deliver_event(client, onramp, user)
        assert balance(client, user) == "25.00"
        assert inbound_events() == [("PROCESSED", None)] * 3
        assert len(outbox_data("onramp-succeeded")) == 1

    def test_a_payment_is_credited_even_above_a_limit(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        set_limit(client, user, "ONRAMP", "DAY", "1.00")
        set_limit(client, user, "INCOMING", "MONTH", "0.00")
        deliver_event(client, onramp, user)
        assert balance(client, user) == "25.00"

    def test_a_user_deactivated_meanwhile_is_credited(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        with transaction() as session:
            auth.set_active(
                session, actor_id=None, user_id=user.id, active=False, reason="requested"
            )
        deliver_event(client, onramp, user)
        with transaction() as session:
            assert factories.wallet(session, user.id).balance == 2500


class TestFailure:
    def test_a_failed_on_ramp_has_the_bank_s_reason(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        deliver_event(client, onramp, user, "payment.failed", reason="declined by the payer")
        shown = get_onramp(client, user, onramp)
        assert (shown["status"], shown["failureReason"]) == ("FAILURE", "declined by the payer")
        assert balance(client, user) == "0.00"
        (failed,) = outbox_data("onramp-failed")
        assert (failed["status"], failed["reason"]) == ("FAILURE", "declined by the payer")

    def test_a_repeated_failure_has_no_effect(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        for reason in ("first", "second"):
            deliver_event(client, onramp, user, "payment.failed", reason=reason)
        assert get_onramp(client, user, onramp)["failureReason"] == "first"
        assert inbound_events() == [("PROCESSED", None)] * 2
        assert len(outbox_data("onramp-failed")) == 1


class TestContradictions:
    @pytest.mark.parametrize(
        "otherwise",
        [
            {"amount": "250.00"},
            {"amount": "24.99"},
            {"amount": "25.001"},
            {"amount": None},
            {"currency": "EUR"},
            {"currency": None},
            {"userId": "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"},
            {"userId": None},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("kind", ["payment.succeeded", "payment.failed"])
    def test_other_values_are_quarantined_and_credit_nobody(
        self,
        client: FlaskClient,
        user: Actor,
        onramp: dict[str, Any],
        kind: str,
        otherwise: dict[str, Any],
    ) -> None:
        deliver_event(client, onramp, user, kind, **otherwise)
        assert inbound_events() == [("QUARANTINED", "VALUES_DIFFER")]
        assert get_onramp(client, user, onramp)["status"] == "PROCESSING"
        assert balance(client, user) == "0.00"
        (report,) = outbox_data("bank-event-quarantined")
        assert report["ours"] == {
            "onrampId": onramp["id"],
            "amount": 2500,
            "currency": "USD",
            "userId": str(user.id),
        }
        ((name, value),) = otherwise.items()
        expected = {"250.00": 25000, "24.99": 2499, "25.001": None}.get(str(value), value)
        assert report["theirs"][name] == expected

    def test_another_user_id_credits_neither_user(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        thief = factories.actor()
        deliver_event(client, onramp, user, userId=str(thief.id))
        assert [balance(client, one) for one in (user, thief)] == ["0.00", "0.00"]

    def test_a_correct_event_after_a_wrong_amount_is_credited(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        deliver_event(client, onramp, user, amount="250.00")
        deliver_event(client, onramp, user)
        assert balance(client, user) == "25.00"

    def test_a_success_after_a_failure_is_quarantined(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        deliver_event(client, onramp, user, "payment.failed")
        deliver_event(client, onramp, user)
        assert inbound_events()[1] == ("QUARANTINED", "SUCCEEDED_AFTER_FAILURE")
        assert get_onramp(client, user, onramp)["status"] == "FAILURE"
        assert balance(client, user) == "0.00"

    def test_a_failure_after_a_success_is_quarantined(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        deliver_event(client, onramp, user)
        deliver_event(client, onramp, user, "payment.failed")
        assert inbound_events()[1] == ("QUARANTINED", "FAILED_AFTER_SUCCESS")
        assert get_onramp(client, user, onramp)["status"] == "SUCCESS"
        assert balance(client, user) == "25.00"

    def test_an_event_of_another_bank_is_refused(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        event = bank_event(onramp, user)
        assert send_event(client, event, provider="AXIS").status_code == 404
        assert send_event(client, event, key=key_of("AXIS")).status_code == 401
        assert inbound_events() == []

    def test_a_payout_event_is_refused(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any]
    ) -> None:
        assert send_event(client, bank_event(onramp, user, "payout.paid")).status_code == 404


class TestExpiry:
    def test_an_unpaid_on_ramp_expires(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any], pass_expiry: Any
    ) -> None:
        assert tasks.expire_onramps() == 0
        pass_expiry()
        assert tasks.expire_onramps() == 1
        assert tasks.expire_onramps() == 0
        shown = get_onramp(client, user, onramp)
        assert (shown["status"], shown["failureReason"]) == ("EXPIRED", None)
        (failed,) = outbox_data("onramp-failed")
        assert (failed["status"], failed["reason"]) == ("EXPIRED", None)

    def test_a_late_success_is_credited_once_and_marked(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any], pass_expiry: Any
    ) -> None:
        pass_expiry()
        tasks.expire_onramps()
        for _ in range(2):
            deliver_event(client, onramp, user)
        assert balance(client, user) == "25.00"
        shown = get_onramp(client, user, onramp)
        assert (shown["status"], shown["late"]) == ("SUCCESS", True)
        (row,) = client.get("/api/v1/wallet/transactions", headers=user.headers).json["data"]
        assert row["metadata"]["late"] is True
        assert [event["late"] for event in outbox_data("onramp-succeeded")] == [True]

    def test_a_success_after_the_expiry_is_late_even_before_the_sweep(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any], pass_expiry: Any
    ) -> None:
        pass_expiry()
        deliver_event(client, onramp, user)
        assert get_onramp(client, user, onramp)["late"] is True
        assert tasks.expire_onramps() == 0

    def test_an_event_received_in_time_is_not_late_even_if_it_is_handled_later(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any], pass_expiry: Any
    ) -> None:
        send_event(client, bank_event(onramp, user))
        pass_expiry()
        assert tasks.expire_onramps() == 0
        inbox.sweep()
        shown = get_onramp(client, user, onramp)
        assert (shown["status"], shown["late"]) == ("SUCCESS", False)

    def test_a_late_failure_has_no_effect(
        self, client: FlaskClient, user: Actor, onramp: dict[str, Any], pass_expiry: Any
    ) -> None:
        pass_expiry()
        tasks.expire_onramps()
        deliver_event(client, onramp, user, "payment.failed", reason="too late")
        assert inbound_events() == [("PROCESSED", None)]
        shown = get_onramp(client, user, onramp)
        assert (shown["status"], shown["failureReason"]) == ("EXPIRED", None)

    def test_all_expired_on_ramps_are_closed_in_one_run(
        self, client: FlaskClient, user: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tasks, "_BATCH_SIZE", 3)
        for _ in range(8):
            created_onramp(client, user, "1.00")
        freeze_clock(monkeypatch, clock.now() + timedelta(minutes=6))
        assert tasks.expire_onramps() == 8
        assert len(outbox_data("onramp-failed")) == 8


class TestUncreditableWallet:
    def test_a_locked_wallet_is_credited_once_it_is_unlocked(
        self,
        client: FlaskClient,
        user: Actor,
        onramp: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        lock(client, user)
        deliver_event(client, onramp, user)
        assert inbound_events() == [("RECEIVED", "Wallet is locked")]
        assert get_onramp(client, user, onramp)["status"] == "PROCESSING"

        freeze_clock(monkeypatch, clock.now() + timedelta(minutes=6))
        assert tasks.expire_onramps() == 0, "It was paid."
        unlock(client, user)
        inbox.sweep()
        assert balance(client, user) == "25.00"
        shown = get_onramp(client, user, onramp)
        assert (shown["status"], shown["late"]) == ("SUCCESS", False)

    def test_a_full_wallet_is_credited_once_it_has_room(
        self,
        client: FlaskClient,
        user: Actor,
        onramp: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(ledger, "MAX_MINOR", 24_99)
        deliver_event(client, onramp, user)
        assert inbound_events() == [
            ("RECEIVED", "The balance would exceed the maximum balance of a wallet")
        ]
        monkeypatch.setattr(ledger, "MAX_MINOR", 25_00)
        freeze_clock(monkeypatch, clock.now() + timedelta(minutes=2))
        inbox.sweep()
        assert balance(client, user) == "25.00"
