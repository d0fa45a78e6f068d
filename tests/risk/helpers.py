"""Rules in force for a test, and the decisions that were made."""

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.common.db import transaction
from app.risk import rulesets
from app.risk import service as risk
from app.risk.models import RuleOutcome
from tests.factories import Actor, ledger_session

CASES = "/api/v1/admin/risk/cases"


def rule(
    *conditions: dict[str, Any],
    outcome: RuleOutcome = RuleOutcome.DECLINE,
    weight: int = 500,
    key: str = "tested",
    shadow: bool = False,
) -> UUID:
    """A rule of all of these conditions, active or in shadow."""
    with ledger_session() as session:
        made = risk.create_draft(
            session,
            actor_id=None,
            key=key,
            name="Tested",
            description=None,
            conditions={"all": list(conditions)},
            outcome=outcome.value,
            weight=weight,
        )
        put_into_force = risk.start_shadow if shadow else risk.activate
        put_into_force(session, actor_id=None, rule_id=made.id)
    return made.id


def condition(field: str, operator: str, value: Any, window: str | None = None) -> dict[str, Any]:
    found = {"field": field, "operator": operator, "value": value}
    return found if window is None else found | {"window": window}


def decisions(user_id: UUID) -> list[Any]:
    """Of this user, oldest first."""
    with transaction() as session:
        return list(
            session.execute(
                text("SELECT * FROM risk_decisions WHERE user_id = :user_id ORDER BY ordinal"),
                {"user_id": user_id},
            )
        )


def inputs_of(decision: Any) -> dict[str, Any]:
    """The inputs of a decision by name."""
    with transaction() as session:
        return rulesets.read_ruleset(session, decision.ruleset).unpack(decision.inputs)


def open_cases(client: FlaskClient, admin: Actor, *, newest: bool = False) -> list[dict[str, Any]]:
    """newest: only this one."""
    limit = 1 if newest else 20
    answer = client.get(f"{CASES}?status=OPEN&limit={limit}", headers=admin.headers)
    assert answer.json is not None
    found: list[dict[str, Any]] = answer.json["data"]
    return found


def decide_case(
    client: FlaskClient, admin: Actor, case_id: str, decision: str, **body: Any
) -> TestResponse:
    """decision: release or reject."""
    if decision == "reject":
        body = {"reason": "Stolen"} | body
    return client.post(f"{CASES}/{case_id}/{decision}", json=body, headers=admin.headers)
