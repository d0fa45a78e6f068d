"""Payouts, on-ramps and inbound events, as administrators find them and settle quarantined ones."""

import ast
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.common import clock
from app.common.db import transaction
from app.common.settings import PROJECT_ROOT
from app.events.catalogue.banks import BankEventQuarantined
from app.inbox.errors import ADVICE, RETRYABLE, Quarantine, QuarantineReason
from app.onramp import inbound
from app.payouts.models import Payout
from tests import factories
from tests.administration.helpers import ADMIN, actions_of, ids, rows
from tests.authenticator import ManualClock, enable_two_factor
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.gateway.orders import handle_received_events
from tests.onramp.helpers import created_onramp, deliver_event, get_onramp
from tests.orders.helpers import balance
from tests.payouts.helpers import NUMBER, deliver_and_handle, pending_payout
from tests.responses import refusal


@pytest.fixture
def admin(client: FlaskClient) -> Actor:
    return factories.admin()


def settle(client: FlaskClient, admin: Actor, action: str, event_id: str, **headers: str) -> Any:
    url = f"{ADMIN}/inbound-events/{event_id}/{action}"
    body = {"reason": "The bank returned the money"}
    return client.post(url, json=body, headers=admin.headers | headers)


def quarantined_onramp(client: FlaskClient, user: Actor) -> dict[str, Any]:
    """An on-ramp of which the bank has reported another amount."""
    onramp = created_onramp(client, user)
    deliver_event(client, onramp, user, amount="250.00", bankReference="UTR-7")
    return onramp


class TestPayouts:
    def test_payouts_are_found_by_each_filter(self, client: FlaskClient, admin: Actor) -> None:
        users = [factories.buyer(), factories.buyer()]
        first, second = (str(pending_payout(client, user)) for user in users)
        with transaction() as session:
            session.execute(
                update(Payout)
                .where(Payout.id == first)
                .values(flagged_at=clock.now(), bank_reference="REF-1")
            )

        def found(**query: Any) -> list[str]:
            return ids(client, admin, "payouts", **query)

        assert found() == [second, first]
        assert found(userId=users[0].id) == [first]
        assert found(provider="HDFC") == [second, first]
        assert found(provider="AXIS") == []
        assert found(status="PENDING") == [second, first]
        assert found(status="PAID") == []
        assert found(flagged="true") == [first]
        assert found(flagged="false") == [second]
        assert found(reference="REF-1") == [first]
        assert found(reference=second) == [second]
        assert found(reference="REF-1", userId=users[1].id) == []
        assert found(to="2020-01-01") == []

    def test_numbers_of_bank_accounts_are_masked(self, client: FlaskClient, admin: Actor) -> None:
        user = factories.buyer()
        pending_payout(client, user)
        (row,) = rows(client, admin, "payouts")
        assert (row["user"]["email"], row["amount"]) == (user.email, "25.00")
        assert row["bankAccount"]["number"] == f"••••••{NUMBER[-4:]}"
        assert row["quarantined"] == []

    def test_a_quarantined_one_has_the_reason_and_what_to_do(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        contradicted, other = (pending_payout(client, factories.buyer()) for _ in range(2))
        deliver_and_handle(client, "paid", contradicted, amount="24.00")
        unaffected, row = rows(client, admin, "payouts")
        assert (unaffected["id"], unaffected["quarantined"]) == (str(other), [])
        (event,) = row["quarantined"]
        assert (row["amount"], event["amount"]) == ("25.00", "24.00")
        assert event["advice"] == ADVICE[QuarantineReason.AMOUNT_DIFFERS]
        assert (event["subjectType"], event["subjectId"]) == ("payout", str(contradicted))


class TestOnramps:
    def test_onramps_are_found_by_each_filter(self, client: FlaskClient, admin: Actor) -> None:
        users = [factories.actor(), factories.actor()]
        paid, open_ = created_onramp(client, users[0]), created_onramp(client, users[1])
        deliver_event(client, paid, users[0], bankReference="UTR-1")
        contradicted = quarantined_onramp(client, users[1])
        expected = [one["id"] for one in (contradicted, open_, paid)]

        def found(**query: Any) -> list[str]:
            return ids(client, admin, "on-ramps", **query)

        assert found() == expected
        assert found(userId=users[1].id) == expected[:2]
        assert found(status="SUCCESS") == [paid["id"]]
        assert found(provider="HDFC") == expected
        assert found(provider="AXIS") == []
        assert found(reference="UTR-1") == [paid["id"]]
        assert found(reference=open_["token"]) == [open_["id"]]
        assert found(reference=open_["id"]) == [open_["id"]]
        assert found(quarantined="true") == [contradicted["id"]]
        assert found(quarantined="true", userId=users[0].id) == []
        soon = (clock.now() + timedelta(minutes=1)).isoformat()
        assert (found(since=soon), found(to=soon)) == ([], expected)

    def test_a_quarantined_one_has_the_reason_and_what_to_do(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        user = factories.actor()
        onramp = quarantined_onramp(client, user)
        (row,) = rows(client, admin, "on-ramps")
        (event,) = row["quarantined"]
        assert (row["amount"], event["amount"]) == ("25.00", "250.00")
        assert event["quarantineReason"] == "VALUES_DIFFER"
        assert event["advice"] == ADVICE[QuarantineReason.VALUES_DIFFER]
        assert not event["canRetry"]
        assert (event["subjectType"], event["subjectId"]) == ("onramp", onramp["id"])
        assert (row["user"]["email"], row["status"]) == (user.email, "PROCESSING")


class TestInboundEvents:
    def test_events_are_found_by_each_filter(self, client: FlaskClient, admin: Actor) -> None:
        user = factories.actor()
        paid = created_onramp(client, user)
        deliver_event(client, paid, user)
        contradicted = quarantined_onramp(client, user)

        def found(**query: Any) -> list[str]:
            return [row["subjectId"] for row in rows(client, admin, "inbound-events", **query)]

        assert found() == [contradicted["id"], paid["id"]]
        assert found(status="QUARANTINED") == [contradicted["id"]]
        assert found(status="QUARANTINED", provider="AXIS") == []
        assert found(status="PROCESSED") == [paid["id"]]
        assert found(status="RECEIVED") == []
        assert found(provider="HDFC") == [contradicted["id"], paid["id"]]
        assert found(provider="STRIPE") == []
        assert found(reference=paid["token"]) == [paid["id"]]
        assert found(reference="UTR-7") == [contradicted["id"]]
        assert found(to="2020-01-01") == []

    def test_an_event_is_dismissed_once_and_moves_nothing(
        self, client: FlaskClient, admin: Actor, totp_clock: ManualClock
    ) -> None:
        user = factories.actor()
        onramp = quarantined_onramp(client, user)
        ((event,),) = (row["quarantined"] for row in rows(client, admin, "on-ramps"))
        authenticator = enable_two_factor(client, admin, totp_clock)
        assert refusal(settle(client, admin, "dismiss", event["id"])) == (
            403,
            "TWO_FACTOR_REQUIRED",
        )
        code = {"X-Two-Factor-Code": authenticator.code()}
        answer = settle(client, admin, "dismiss", event["id"], **code)

        assert answer.status_code == 200
        assert (answer.json["status"], answer.json["advice"]) == ("DISMISSED", None)
        assert answer.json["quarantineReason"] == "VALUES_DIFFER"
        assert ids(client, admin, "on-ramps", quarantined="true") == []
        assert ids(client, admin, "inbound-events", status="DISMISSED") == [event["id"]]
        assert get_onramp(client, user, onramp)["status"] == "PROCESSING"
        assert balance(client, user) == "0.00"
        (record,) = rows(client, admin, "audit", targetId=event["id"])
        assert (record["action"], record["reason"]) == (
            "inbound-event.dismiss",
            "The bank returned the money",
        )
        assert record["details"]["quarantinedBecause"] == "VALUES_DIFFER"
        assert broken_invariants() == []
        totp_clock.advance(30)
        code = {"X-Two-Factor-Code": authenticator.code()}
        again = settle(client, admin, "dismiss", event["id"], **code)
        assert refusal(again) == (409, "INBOUND_EVENT_NOT_QUARANTINED")

    def test_a_correct_event_still_credits_after_a_dismissed_one(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        user = factories.actor()
        onramp = quarantined_onramp(client, user)
        (event_id,) = ids(client, admin, "inbound-events")
        assert settle(client, admin, "dismiss", event_id).status_code == 200
        deliver_event(client, onramp, user)
        assert get_onramp(client, user, onramp)["status"] == "SUCCESS"
        assert balance(client, user) == "25.00"
        assert broken_invariants() == []

    def test_an_event_is_retried_after_the_cause_was_fixed(
        self, client: FlaskClient, admin: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def misunderstand(*_: Any) -> None:
            raise Quarantine(QuarantineReason.NOT_UNDERSTOOD)

        user = factories.actor()
        onramp = created_onramp(client, user)
        with monkeypatch.context() as patch:
            patch.setattr(inbound, "_require_agreement", misunderstand)
            deliver_event(client, onramp, user)
            (event,) = rows(client, admin, "inbound-events")
            assert (event["quarantineReason"], event["canRetry"]) == ("NOT_UNDERSTOOD", True)
            assert settle(client, admin, "retry", event["id"]).json["status"] == "RECEIVED"
            handle_received_events()
            (again,) = rows(client, admin, "inbound-events")
            assert (again["status"], again["attempts"]) == ("QUARANTINED", 1)
            assert broken_invariants() == []

        assert settle(client, admin, "retry", event["id"]).status_code == 200
        handle_received_events()
        (handled,) = rows(client, admin, "inbound-events")
        assert (handled["status"], handled["quarantineReason"]) == ("PROCESSED", None)
        assert get_onramp(client, user, onramp)["status"] == "SUCCESS"
        assert balance(client, user) == "25.00"
        assert actions_of(admin) == [("inbound-event.retry", event["id"])] * 2
        assert broken_invariants() == []

    def test_an_event_that_contradicts_lasting_data_is_not_retried(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        quarantined_onramp(client, factories.actor())
        (event_id,) = ids(client, admin, "inbound-events")
        answer = settle(client, admin, "retry", event_id)
        assert refusal(answer) == (409, "INBOUND_EVENT_NOT_RETRYABLE")
        assert answer.json["details"] == {"reason": "VALUES_DIFFER"}
        assert actions_of(admin) == []

    def test_an_unknown_and_a_handled_event_are_refused(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        user = factories.actor()
        deliver_event(client, created_onramp(client, user), user)
        (event_id,) = ids(client, admin, "inbound-events")
        for action in ("retry", "dismiss"):
            answer = settle(client, admin, action, str(user.id))
            assert refusal(answer) == (404, "INBOUND_EVENT_NOT_FOUND")
            answer = settle(client, admin, action, event_id)
            assert refusal(answer) == (409, "INBOUND_EVENT_NOT_QUARANTINED")


class TestAdvice:
    def test_every_reason_has_advice(self) -> None:
        assert ADVICE.keys() == set(QuarantineReason)
        for reason, advice in ADVICE.items():
            assert advice.endswith("."), reason
            does = "retry" if reason in RETRYABLE else "ismiss the event"
            assert does in advice, reason

    def test_the_documentation_has_the_same_advice(self) -> None:
        page = (PROJECT_ROOT / "docs" / "operations.md").read_text()
        listed = [f"| `{reason}` | {advice} |\n" for reason, advice in ADVICE.items()]
        assert "".join(listed) in page

    def test_the_reasons_are_those_that_are_raised(self) -> None:
        raised = set()
        for path in (PROJECT_ROOT / "app").rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "Quarantine":
                    raised.add(ast.unparse(node.args[0]))
        assert raised == {f"QuarantineReason.{reason.name}" for reason in QuarantineReason}

    def test_the_event_lists_all_reasons(self) -> None:
        described = str(BankEventQuarantined.__annotations__["reason"])
        assert [r for r in QuarantineReason if f"`{r}`" not in described] == []
