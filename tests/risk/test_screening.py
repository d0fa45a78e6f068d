"""Payments are declined, counted and recorded as rules say."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common import db
from app.common.db import transaction
from app.risk import address_counts
from app.risk.conditions import FIELDS, OPERATORS, Type, Window
from tests import factories
from tests.concurrency import broken_invariants
from tests.orders.helpers import buy, nothing_happened
from tests.payouts.helpers import bank_account_of, create_payout
from tests.risk.helpers import condition, decisions, inputs_of, rule
from tests.transfers.helpers import send
from tests.wallets import outflows
from tests.wallets.helpers import balance

SPENDS = [
    outflows.transfer,
    outflows.withdraw,
    outflows.order,
    outflows.pay_request,
    outflows.pay_amount_by_code,
    outflows.place_hold,
]


def refused_events() -> list[dict[str, Any]]:
    with transaction() as session:
        rows = session.execute(
            text("SELECT data FROM outbox_events WHERE type = 'payment-refused' ORDER BY sequence")
        )
        return [row.data for row in rows]


@pytest.mark.parametrize("spend", SPENDS, ids=lambda spend: spend.__name__)
def test_a_declined_payment_changes_nothing_and_says_no_rule(
    committing: Flask, spend: outflows.Spend
) -> None:
    client = committing.test_client()
    rule(condition("amount", ">", "10"), key="secret-rule")
    payer, payee = factories.buyer("100.00"), factories.merchant()

    answer = spend(client, payer, payee, "10.01", {})

    assert (answer.status_code, answer.json["error"]) == (403, "RISK_DECLINED")
    assert "secret-rule" not in answer.text
    (decision,) = decisions(payer.id)
    assert answer.json["details"] == {"reference": str(decision.id)}
    assert (decision.outcome, decision.code) == ("DECLINE", "RISK_DECLINED")
    assert balance(client, payer) == "100.00"
    (event,) = refused_events()
    assert event.pop("latencyMs") >= 0
    assert (event["kind"], event["code"], event["riskScore"], event["amount"]) == (
        decision.kind,
        "RISK_DECLINED",
        "0.5000",
        1001,
    )
    assert broken_invariants() == []


def test_a_declined_payout_is_recorded(committing: Flask, bank: Any) -> None:
    client, payer = committing.test_client(), factories.buyer("100.00")
    rule(condition("type", "=", "PAYOUT"))

    answer = create_payout(client, payer, bank_account_of(client, payer), "10.00")

    assert (answer.status_code, answer.json["error"]) == (403, "RISK_DECLINED")
    (decision,) = decisions(payer.id)
    assert answer.json["details"] == {"reference": str(decision.id)}
    assert [event["kind"] for event in refused_events()] == ["PAYOUT"]


def test_a_refused_purchase_harms_nobody_else(client: FlaskClient) -> None:
    rule(condition("amount", ">", "50"))
    buyer, seller = factories.buyer("100.00"), factories.merchant()
    answer = buy(client, buyer, factories.product(seller, price="60.00"))
    assert answer.status_code == 403
    assert nothing_happened(client, buyer)


def test_refused_attempts_are_counted(client: FlaskClient) -> None:
    rule(condition("refused", ">=", 3, "HOUR"))
    payer, payee = factories.buyer("10.00"), factories.actor()

    codes = [
        send(client, payer, payee, amount).status_code for amount in ("11.00",) * 3 + ("1.00",)
    ]

    assert codes == [400, 400, 400, 403]
    assert [row.outcome for row in decisions(payer.id)] == ["REFUSED"] * 3 + ["DECLINE"]
    assert [event["code"] for event in refused_events()] == [
        "INSUFFICIENT_FUNDS",
        "INSUFFICIENT_FUNDS",
        "INSUFFICIENT_FUNDS",
        "RISK_DECLINED",
    ]


def test_different_receivers_are_counted(client: FlaskClient) -> None:
    rule(condition("receivers", ">", 2, "DAY"))
    payer = factories.buyer("100.00")
    first, second, third = (factories.actor() for _ in range(3))

    codes = [
        send(client, payer, receiver, "1.00").status_code
        for receiver in (first, second, first, third, second)
    ]

    assert codes == [201, 201, 201, 403, 201]


def test_sums_are_of_a_window(client: FlaskClient) -> None:
    rule(condition("sum", ">", "25", "DAY"))
    payer, payee = factories.buyer("100.00"), factories.actor()

    assert [send(client, payer, payee, "10.00").status_code for _ in range(3)] == [201, 201, 403]
    with db.transaction() as session:
        factories.as_owner(
            session, "UPDATE risk_decisions SET created_at = created_at - interval '2 days'"
        )
    assert send(client, payer, payee, "10.00").status_code == 201


def test_a_code_that_is_missing_does_not_count(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    change_settings(two_factor_above=Decimal(5))
    payer, payee = factories.buyer("100.00"), factories.actor()

    assert send(client, payer, payee, "6.00").json["error"] == "TWO_FACTOR_REQUIRED"
    assert decisions(payer.id) == []


def test_a_rule_that_fails_never_blocks(client: FlaskClient) -> None:
    rule(condition("hour", ">=", 0), key="broken")
    payer, payee = factories.buyer("100.00"), factories.actor()
    with transaction() as session:
        session.execute(text("UPDATE users SET time_zone = 'Nowhere/At_all'"))

    assert send(client, payer, payee, "6.00").status_code == 201
    (decision,) = decisions(payer.id)
    assert decision.reasons == {"skipped": ["broken@1"]}


def test_without_redis_rules_about_addresses_do_not_match(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(condition("refusedAtAddress", ">=", 2, "HOUR"))
    payer, payee = factories.buyer("10.00"), factories.actor()
    assert send(client, payer, payee, "1.00").status_code == 201
    for _ in range(2):
        send(client, payer, payee, "50.00")
    assert send(client, payer, payee, "1.00").status_code == 403

    monkeypatch.setattr(address_counts, "read", lambda network: {})

    assert send(client, payer, payee, "1.00").status_code == 201


def test_every_field_can_be_evaluated(client: FlaskClient) -> None:
    """Rules of every field in shadow match nothing that fails."""
    samples = {Type.AMOUNT: "1", Type.NUMBER: 1, Type.FLAG: True, Type.TEXT: "x"}
    # Models have tests of their own.
    fields = {name: field for name, field in FIELDS.items() if not field.needs_model}
    for name, field in fields.items():
        value = field.values[0] if field.values else samples[field.type]
        if name == "merchant":
            value = str(factories.merchant().id)
        for window in Window if field.needs_window else (None,):
            key = f"{name}-{window}".lower()
            rule(
                condition(
                    name,
                    OPERATORS[field.type][-1] if field.type is not Type.TEXT else "=",
                    value,
                    window,
                ),
                key=key,
                shadow=True,
            )
    payer, payee = factories.buyer("100.00"), factories.actor()

    assert send(client, payer, payee, "6.00").status_code == 201
    (decision,) = decisions(payer.id)
    assert "skipped" not in decision.reasons
    assert {name.partition(".")[0] for name in inputs_of(decision)} == {*fields, "parameters"}


def test_an_allowed_user_is_exempt_and_a_blocked_one_declined(client: FlaskClient) -> None:
    rule(condition("amount", ">", "5"))
    payer, payee, admin = factories.buyer("100.00"), factories.actor(), factories.admin()
    assert send(client, payer, payee, "6.00").status_code == 403

    def put(name: str, kind: str, value: str) -> str:
        body = {"list": name, "kind": kind, "value": value, "reason": "Known"}
        answer = client.post("/api/v1/admin/risk/lists", json=body, headers=admin.headers)
        assert answer.status_code == 201, answer.text
        entry_id: str = answer.json["id"]
        return entry_id

    put("ALLOW", "USER", str(payer.id))
    assert send(client, payer, payee, "6.00").status_code == 201
    blocked = put("BLOCK", "EMAIL_DOMAIN", "Example.com")
    assert send(client, payer, payee, "1.00").status_code == 403
    path = f"/api/v1/admin/risk/lists/{blocked}"
    assert client.delete(path, headers=admin.headers).status_code == 204
    assert send(client, payer, payee, "6.00").status_code == 201
    assert decisions(payer.id)[-1].reasons == {"rules": ["allow-list@1"]}
