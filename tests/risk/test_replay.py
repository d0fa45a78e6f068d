"""Stored decisions are reproduced from what is stored, bit for bit."""

from json import dumps

from flask import Flask
from sqlalchemy import text

from app.common.db import reading, transaction
from app.risk.models import RuleOutcome
from app.risk.replay import replay
from tests import factories
from tests.risk.helpers import condition, decisions, inputs_of, rule
from tests.transfers.helpers import send


def test_decisions_are_replayed_with_the_rules_of_their_time(committing: Flask) -> None:
    client = committing.test_client()
    payer, payee = factories.buyer("1000.00"), factories.actor()
    rule(condition("amount", ">", "20"), outcome=RuleOutcome.SCORE, weight=300)
    rule(condition("hour", ">=", 0), key="always", weight=0, shadow=True)
    rule(condition("newDevice", "=", True), key="device", outcome=RuleOutcome.SCORE, weight=100)
    assert send(client, payer, payee, "25.00").status_code == 201
    rule(condition("amount", ">", "40"), condition("receivers", ">=", 1, "DAY"))
    assert send(client, payer, payee, "50.00").status_code == 403
    assert send(client, payer, payee, "25.00").status_code == 201

    first, second, third = decisions(payer.id)
    assert (first.score, first.ruleset < second.ruleset) == (3_700, True)
    assert (second.outcome, second.score, third.score) == ("DECLINE", 5_500, 1_000)
    assert first.reasons == {"rules": ["device@1", "tested@1"], "shadow": ["always@1"]}
    with reading() as session:
        replayed = list(replay(session))
    assert [one.id for one in replayed] == [first.id, second.id, third.id]
    assert all(one.agrees for one in replayed)


def test_inputs_with_their_names_are_replayed(committing: Flask) -> None:
    """As earlier versions have stored them."""
    payer, payee = factories.buyer("1000.00"), factories.actor()
    rule(condition("amount", ">", "20"), outcome=RuleOutcome.SCORE, weight=300)
    send(committing.test_client(), payer, payee, "25.00")
    (decision,) = decisions(payer.id)
    named = inputs_of(decision)
    assert named["amount"] == 2_500
    with transaction() as session:
        factories.as_owner(session, f"UPDATE risk_decisions SET inputs = '{dumps(named)}'")
    assert decisions(payer.id)[0].inputs == named
    with reading() as session:
        (found,) = replay(session)
    assert found.agrees


def test_a_decision_that_was_tampered_with_differs(committing: Flask) -> None:
    payer, payee = factories.buyer("1000.00"), factories.actor()
    send(committing.test_client(), payer, payee, "25.00")
    with transaction() as session:
        factories.as_owner(session, "UPDATE risk_decisions SET score = 1")
        assert session.scalar(text("SELECT score FROM risk_decisions")) == 1
    with reading() as session:
        (found,) = replay(session)
    assert not found.agrees
