"""A model is trained with the stored history, watches in shadow, and decides once it is active."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from app.common.db import reading, transaction
from app.common.ids import first_id
from app.risk import past, repository, rulesets
from app.risk import service as risk
from app.risk.learning import features, generated, service, training
from app.risk.learning.generated import Payment
from app.risk.models import PaymentKind, RiskDecisionRow, RuleStatus
from app.risk.past import Ending
from app.risk.replay import replay
from tests import factories
from tests.factories import ledger_session
from tests.risk.helpers import decisions
from tests.transfers.helpers import send

MODELS = "/api/v1/admin/risk/models"
PERIOD: dict[str, Any] = {
    "starts_at": generated.START,
    "ends_at": generated.START.replace(year=generated.START.year + 1),
}


@pytest.fixture(autouse=True)
def _no_second_factor(change_settings: Callable[..., None]) -> None:
    change_settings(two_factor_above=Decimal(10**9))


def rows(customers: list[UUID], payees: list[UUID]) -> Iterator[tuple[Payment, Any]]:
    """The generated history as decisions, of the time before the rules."""
    totals = {customer: [0, 0, 0, 0] for customer in customers}
    for number, payment in enumerate(generated.history()):
        customer, is_refused = customers[payment.customer], payment.is_refused
        of_customer = totals[customer]
        of_customer[0] += 1
        of_customer[1] += not is_refused
        of_customer[2] += 0 if is_refused else payment.amount
        of_customer[3] += is_refused
        ordinal, count, amount, refused = of_customer
        yield (
            payment,
            RiskDecisionRow(
                id=UUID(int=first_id(payment.at).int + number),
                user_id=customer,
                payee_id=payees[payment.payee],
                kind=payment.kind.value,
                amount=payment.amount,
                currency=generated.CURRENCY,
                outcome="REFUSED" if is_refused else "APPROVE",
                code="INSUFFICIENT_FUNDS" if is_refused else None,
                score=None if is_refused else 0,
                ruleset=None if is_refused else 1,
                inputs=None if is_refused else {"amount": payment.amount, "list": None},
                reasons=None if is_refused else {},
                latency_us=None if is_refused else 1,
                ordinal=ordinal,
                count_total=count,
                sum_total=amount,
                refused_total=refused,
                created_at=payment.at,
            ),
        )


def store_history() -> None:
    """Write the generated history, whose bad payments will be found refunded."""
    created = generated.accounts()
    customers = [factories.actor().id for _ in created]
    payees = [factories.actor().id for _ in range(25)]
    with transaction() as session:
        for customer, at in zip(customers, created, strict=True):
            factories.as_owner(
                session, f"UPDATE users SET created_at = '{at.isoformat()}' WHERE id = '{customer}'"
            )
    found = list(rows(customers, payees))
    with transaction() as session:
        repository.insert_decisions(session, [row for _, row in found])
    bad = {row.id for payment, row in found if payment.is_bad}

    def find_endings(_: Any, attempts: Any) -> dict[UUID, Ending]:
        return {each.id: Ending.REFUNDED for each in attempts if each.id in bad}

    for kind in (PaymentKind.PURCHASE, PaymentKind.TRANSFER):
        past.endings.subscribe(kind, find_endings)


def test_a_model_of_the_history_is_in_shadow_then_active_and_says_why(committing: Flask) -> None:
    store_history()
    examples = service.read_examples(**PERIOD)
    # What is read back from the tables is what was known at the time of each payment.
    expected = [features.vector(inputs) for _, inputs in generated.with_inputs()]
    assert [one.features for one in examples] == expected

    trained = training.train(examples)
    model, rules = trained.report["model"], trained.report["rules"]
    assert float(model["precisionAt1Percent"]) > float(rules["precisionAt1Percent"]) + 0.2
    assert float(model["rocAuc"]) > float(rules["rocAuc"]) + 0.2
    with ledger_session() as session:
        made = service.add_model(session, trained, **PERIOD)
        (rule,) = [each for each in repository.list_in_force(session) if each.key == "model"]
        assert rule.status == RuleStatus.SHADOW
        rule_id = rule.id

    client, admin = committing.test_client(), factories.admin()
    (listed,) = client.get(MODELS, headers=admin.headers).json["data"]
    assert listed["report"] == trained.report
    assert listed["features"] == list(features.FEATURES)
    assert (listed["status"], listed["active"]) == ("SHADOW", [])
    assert listed["shadow"] == [{"id": str(rule_id), "key": "model", "version": rule.version}]
    shown = client.get(f"{MODELS}/{made.id}", headers=admin.headers).json
    assert shown == listed
    payer, payee = factories.buyer("9000.00"), factories.actor()
    assert send(client, payer, payee, "10.00").status_code == 201
    (decision,) = decisions(payer.id)
    score = decision.inputs[f"modelScore.{made.id}"]
    assert 0 <= score <= 10_000
    assert set(decision.inputs[f"modelReasons.{made.id}"]) <= set(features.FEATURES)

    with ledger_session() as session:
        version = risk.create_draft(
            session,
            actor_id=None,
            key="model",
            name="Always",
            description=None,
            conditions={
                "all": [
                    {
                        "field": "modelScore",
                        "model": str(made.id),
                        "operator": ">=",
                        "value": 0,
                    }
                ]
            },
            outcome="REVIEW",
            weight=0,
        )
        risk.activate(session, actor_id=None, rule_id=version.id)
        assert risk.require_rule(session, rule_id).status == RuleStatus.SHADOW
    shown = client.get(f"{MODELS}/{made.id}", headers=admin.headers).json
    assert (shown["status"], [each["id"] for each in shown["active"]]) == (
        "ACTIVE",
        [str(version.id)],
    )
    answer = send(client, payer, payee, "10.00")
    assert answer.status_code == 202
    cases = client.get("/api/v1/admin/risk/cases?status=OPEN", headers=admin.headers).json["data"]
    case = client.get(f"/api/v1/admin/risk/cases/{cases[0]['id']}", headers=admin.headers).json
    assert case["reasons"]["rules"] == ["model@2"]
    assert f"modelReasons.{made.id}" in case["inputs"]
    with reading() as session:
        since = decision.created_at - timedelta(minutes=1)
        replayed = list(replay(session, since=since))
    assert [one.agrees for one in replayed] == [True, True]


SMALL: dict[str, Any] = {
    "format": 1,
    "features": ["amount"],
    "base": 0,
    "trees": [[[0, 5_000, 1, 2, 0], [-1, 0, 0, 0, -5_000_000], [-1, 0, 0, 0, 5_000_000]]],
}


def small_model(threshold: int = 9_000) -> UUID:
    """A model that thinks that large payments are bad, with its rule in shadow."""
    trained = training.Trained(SMALL, {"model": {}, "rules": {}}, threshold)
    with ledger_session() as session:
        return service.add_model(session, trained, **PERIOD).id


def test_a_model_that_was_tampered_with_is_skipped_and_blocks_nothing(committing: Flask) -> None:
    client = committing.test_client()
    payer, payee = factories.buyer("9000.00"), factories.actor()
    model_id = small_model()
    assert send(client, payer, payee, "60.00").status_code == 201
    with transaction() as session:
        factories.as_owner(session, "ALTER TABLE risk_models DISABLE TRIGGER refuse_change")
        factories.as_owner(
            session, "UPDATE risk_models SET content = jsonb_set(content, '{base}', '9000000')"
        )
        factories.as_owner(session, "ALTER TABLE risk_models ENABLE TRIGGER refuse_change")
    with ledger_session() as session:
        rulesets.renew(session)
    assert send(client, payer, payee, "60.00").status_code == 201

    first, second = decisions(payer.id)
    assert first.inputs[f"modelScore.{model_id}"] == 9_933
    assert first.inputs[f"modelReasons.{model_id}"] == {"amount": 5_000_000}
    assert first.reasons == {"shadow": ["model@1"]}
    assert second.reasons == {"skipped": ["model@1"]}


def test_a_model_never_changes(committing: Flask) -> None:
    small_model()
    with pytest.raises(Exception, match="risk_models"), transaction() as session:
        session.execute(text("UPDATE risk_models SET checksum = 'x'"))


def test_a_second_model_replaces_the_one_in_shadow(committing: Flask) -> None:
    first, second = small_model(), small_model()
    with transaction() as session:
        in_force = {each.version: each for each in repository.list_in_force(session)}
        models = service.require_model(session, first), service.require_model(session, second)
        assert [one.model.version for one in models] == [1, 2]
        shadows = [each for each in in_force.values() if each.status == RuleStatus.SHADOW]
    assert [rule.conditions["all"][0]["model"] for rule in shadows] == [str(second)]


def test_a_backtest_computes_scores_of_the_past(committing: Flask) -> None:
    from tests.risk.backtests.test_backtests import draft, finished, start

    client, admin = committing.test_client(), factories.admin()
    payer, payee = factories.buyer("9000.00"), factories.actor()
    for amount in ("10.00", "60.00", "70.00"):
        assert send(client, payer, payee, amount).status_code == 201
    condition = {
        "field": "modelScore",
        "model": str(small_model()),
        "operator": ">=",
        "value": 9_000,
    }
    made = draft(client, admin, condition)

    found = finished(client, admin, start(client, admin, made["id"])["id"])

    assert (found["evaluated"], found["draft"]["matched"]) == (3, 2)
    assert found["draft"]["blocked"] == {"USD": "130.00"}
