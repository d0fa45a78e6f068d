"""A draft is tried out with the payments of the past, and has no effect."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import retry_transaction, transaction
from app.risk.backtests import service, tasks
from app.risk.models import RuleOutcome
from tests import factories
from tests.factories import Actor
from tests.orders.helpers import buy
from tests.orders.refunds.helpers import refund
from tests.risk.helpers import condition, decisions, inputs_of, rule
from tests.transfers.helpers import send

BACKTESTS = "/api/v1/admin/risk/backtests"
RULES = "/api/v1/admin/risk/rules"


@pytest.fixture(autouse=True)
def _no_second_factor(change_settings: Callable[..., None]) -> None:
    change_settings(two_factor_above=Decimal(10**9))


def draft(
    client: FlaskClient, admin: Actor, *conditions: dict[str, Any], **fields: Any
) -> dict[str, Any]:
    body = {
        "key": "tested",
        "name": "Tested",
        "conditions": {"all": list(conditions)},
        "outcome": "REVIEW",
    } | fields
    answer = client.post(RULES, json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.json
    made: dict[str, Any] = answer.json
    return made


def start(client: FlaskClient, admin: Actor, rule_id: str, **fields: Any) -> dict[str, Any]:
    since = (clock.now() - timedelta(days=1)).isoformat()
    body = {"ruleId": rule_id, "from": since} | fields
    answer = client.post(BACKTESTS, json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.json
    made: dict[str, Any] = answer.json
    return made


def finished(client: FlaskClient, admin: Actor, backtest_id: str) -> dict[str, Any]:
    tasks.run_backtest(UUID(backtest_id))
    found: dict[str, Any] = client.get(f"{BACKTESTS}/{backtest_id}", headers=admin.headers).json
    assert (found["status"], found["progress"]) == ("COMPLETED", 100)
    return found


def test_what_a_draft_would_have_stopped_is_compared_with_the_active_version(
    committing: Flask,
) -> None:
    client, admin = committing.test_client(), factories.admin()
    buyer, seller = factories.buyer("1000.00"), factories.merchant()
    rule(condition("amount", ">", "80"), outcome=RuleOutcome.REVIEW)
    dear = factories.product(seller, price="50.00", units=9)
    cheap = factories.product(seller, price="20.00", units=9)
    refunded = buy(client, buyer, dear).json
    buy(client, buyer, dear)
    buy(client, buyer, cheap)
    assert refund(client, seller, refunded["id"], amount="50.00").status_code == 201
    assert send(client, buyer, factories.actor(), "100.00").status_code == 202
    case = client.get("/api/v1/admin/risk/cases?status=OPEN", headers=admin.headers).json
    rejected = f"/api/v1/admin/risk/cases/{case['data'][0]['id']}/reject"
    client.post(rejected, json={"reason": "Stolen"}, headers=admin.headers)
    made = draft(client, admin, condition("amount", ">=", "30"), outcome="DECLINE")

    started = start(client, admin, made["id"])
    assert (started["status"], started["progress"], started["evaluated"]) == ("RUNNING", 0, 0)
    found = finished(client, admin, started["id"])

    assert (found["evaluated"], found["notEvaluable"], found["skipped"]) == (4, 0, {})
    assert (found["key"], found["version"]) == ("tested", 2)
    new, old = found["draft"], found["active"]
    assert (new["matched"], new["reviewed"], new["declined"]) == (3, 0, 3)
    assert new["blocked"] == {"USD": "200.00"}
    assert {name: each["count"] for name, each in new["endings"].items()} == {
        "refunded": 1,
        "rejected": 1,
        "failed": 0,
        "pending": 0,
        "fine": 1,
    }
    assert new["endings"]["refunded"]["value"] == {"USD": "50.00"}
    assert new["precision"] == "0.6667"
    (mistake,) = new["mistakes"]
    assert (mistake["mistake"], mistake["amount"], mistake["ending"]) == (
        "BLOCKED",
        "50.00",
        "FINE",
    )
    assert mistake["decisionId"] == str(decisions(buyer.id)[1].id)
    assert (old["matched"], old["reviewed"], old["blocked"]) == (1, 1, {"USD": "100.00"})
    assert (old["precision"], old["missed"]["count"]) == ("1.0000", 1)
    assert [one["mistake"] for one in old["mistakes"]] == ["MISSED"]
    assert buy(client, buyer, dear).status_code == 201, "a backtest has no effect"


def test_windows_that_no_rule_has_read_are_computed_from_what_happened(committing: Flask) -> None:
    client, admin = committing.test_client(), factories.admin()
    payer, friends = factories.buyer("1000.00"), [factories.actor() for _ in range(3)]
    for friend in [*friends, friends[0]]:
        assert send(client, payer, friend, "10.00").status_code == 201
    assert all("receivers.DAY" not in inputs_of(one) for one in decisions(payer.id))
    made = draft(
        client,
        admin,
        condition("receivers", ">=", 3, "DAY"),
        condition("sum", ">", "25", "DAY"),
        condition("count", ">", 2, "MONTH"),
        condition("refused", "=", 0, "HOUR"),
        condition("hour", ">=", 0),
        condition("accountAge", "<", 1),
    )

    found = finished(client, admin, start(client, admin, made["id"])["id"])

    assert (found["evaluated"], found["notEvaluable"]) == (4, 0)
    assert (found["draft"]["reviewed"], found["draft"]["blocked"]) == (2, {"USD": "20.00"})
    assert found["active"]["matched"] == 0


def test_the_same_rule_as_the_active_one_finds_what_was_decided(committing: Flask) -> None:
    client, admin = committing.test_client(), factories.admin()
    payer, friend = factories.buyer("1000.00"), factories.actor()
    same = (condition("count", ">", 2, "MINUTE"), condition("sum", ">", "20", "HOUR"))
    rule(*same)
    answers = [send(client, payer, friend, "10.00").status_code for _ in range(4)]
    assert answers == [201, 201, 403, 403]
    made = draft(client, admin, *same, outcome="DECLINE")

    found = finished(client, admin, start(client, admin, made["id"])["id"])

    assert found["draft"] == found["active"]
    assert (found["draft"]["declined"], found["draft"]["endings"]["failed"]["count"]) == (2, 2)
    assert found["draft"]["precision"] is None


def test_what_was_not_stored_is_not_evaluable(committing: Flask) -> None:
    client, admin = committing.test_client(), factories.admin()
    payer, friend = factories.buyer("1000.00"), factories.actor()
    for amount in ("10.00", "40.00"):
        send(client, payer, friend, amount)
    made = draft(client, admin, condition("newDevice", "=", True), condition("amount", ">", "20"))

    found = finished(client, admin, start(client, admin, made["id"])["id"])

    # Whether the device was new does not matter for the small one.
    assert (found["evaluated"], found["notEvaluable"]) == (1, 1)
    assert found["draft"]["matched"] == 0


def test_it_continues_where_a_killed_worker_has_stopped(
    committing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, admin = committing.test_client(), factories.admin()
    payer, friend = factories.buyer("1000.00"), factories.actor()
    for _ in range(5):
        send(client, payer, friend, "10.00")
    made = draft(client, admin, condition("amount", ">=", "10"))
    started = start(client, admin, made["id"])
    backtest_id = UUID(started["id"])
    with transaction() as session:
        assert service.evaluate_batch(session, backtest_id=backtest_id, limit=2) == 2

    class Killed(BaseException):
        pass

    def killed(session: Session) -> None:
        service.evaluate_batch(session, backtest_id=backtest_id, limit=2)
        raise Killed

    with pytest.raises(Killed):
        retry_transaction(killed)
    halfway = client.get(f"{BACKTESTS}/{backtest_id}", headers=admin.headers).json
    assert (halfway["status"], halfway["evaluated"]) == ("RUNNING", 2)
    assert 0 < halfway["progress"] < 100
    resumed: list[UUID] = []
    monkeypatch.setattr("app.common.queue.enqueue", lambda job, each: resumed.append(each))
    assert tasks.sweep() == 1

    found = finished(client, admin, str(*resumed))

    assert (found["evaluated"], found["draft"]["matched"]) == (5, 5)
    assert tasks.sweep() == 0


def test_two_workers_do_not_count_an_attempt_twice(committing: Flask) -> None:
    client, admin = committing.test_client(), factories.admin()
    payer, friend = factories.buyer("1000.00"), factories.actor()
    send(client, payer, friend, "10.00")
    made = draft(client, admin, condition("amount", ">=", "10"))
    backtest_id = UUID(start(client, admin, made["id"])["id"])

    with transaction() as session:
        service.evaluate_batch(session, backtest_id=backtest_id)
        with transaction() as other:
            assert service.evaluate_batch(other, backtest_id=backtest_id) == 0

    assert finished(client, admin, str(backtest_id))["evaluated"] == 1


def test_a_period_must_have_a_length_and_running_backtests_are_limited(committing: Flask) -> None:
    client, admin = committing.test_client(), factories.admin()
    made = draft(client, admin, condition("amount", ">=", "10"))
    body = {"ruleId": made["id"], "from": clock.now().isoformat()}
    for wrong in (
        {"from": "2200-01-01"},
        {"from": "2026-01-02", "to": "2026-01-02"},
        {"from": "2020-01-01"},
    ):
        answer = client.post(BACKTESTS, json=body | wrong, headers=admin.headers)
        assert (answer.status_code, list(answer.json["details"])) == (400, ["from"])
    for _ in range(service.MAX_RUNNING):
        start(client, admin, made["id"])
    answer = client.post(
        BACKTESTS, json=body | {"from": "2026-11-01", "to": "2026-11-20"}, headers=admin.headers
    )
    assert (answer.status_code, answer.json["error"]) == (409, "RISK_TOO_MANY_BACKTESTS")
    listed = client.get(BACKTESTS, headers=admin.headers).json
    assert len(listed["data"]) == service.MAX_RUNNING
    assert client.delete(f"{RULES}/{made['id']}", headers=admin.headers).status_code == 204
    found = finished(client, admin, listed["data"][0]["id"])
    assert found["ruleId"] == made["id"], "it is of the draft as it was"
