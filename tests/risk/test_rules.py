"""The lifecycle of rules, as administrators use it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.common.db import transaction
from app.risk import service
from tests import factories
from tests.factories import Actor
from tests.transfers.helpers import send

RULES = "/api/v1/admin/risk/rules"
CONDITIONS = {"all": [{"field": "amount", "operator": ">", "value": "5"}]}
RULE = {"key": "small", "name": "Small", "conditions": CONDITIONS, "outcome": "DECLINE"}


@pytest.fixture
def admin(app: Any) -> Actor:
    return factories.admin()


def create(client: FlaskClient, admin: Actor, **fields: Any) -> dict[str, Any]:
    answer = client.post(RULES, json=RULE | fields, headers=admin.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def change(client: FlaskClient, admin: Actor, rule: dict[str, Any], how: str) -> TestResponse:
    return client.post(f"{RULES}/{rule['id']}/{how}", headers=admin.headers)


def test_a_draft_has_no_effect_until_it_is_active(client: FlaskClient, admin: Actor) -> None:
    payer, payee = factories.buyer("100.00"), factories.actor()
    rule = create(client, admin, weight="0.25")
    assert (rule["status"], rule["version"], rule["weight"]) == ("DRAFT", 1, "0.250")
    assert send(client, payer, payee, "6.00").status_code == 201

    assert change(client, admin, rule, "shadow").json["status"] == "SHADOW"
    assert send(client, payer, payee, "6.00").status_code == 201
    assert change(client, admin, rule, "activate").json["status"] == "ACTIVE"
    assert send(client, payer, payee, "6.00").status_code == 403
    assert change(client, admin, rule, "retire").json["status"] == "RETIRED"
    assert send(client, payer, payee, "6.00").status_code == 201
    assert change(client, admin, rule, "activate").json["error"] == "RISK_RULE_NOT_ACTIVATABLE"


def test_a_new_version_replaces_the_active_one(client: FlaskClient, admin: Actor) -> None:
    first = create(client, admin)
    change(client, admin, first, "activate")
    second = create(client, admin, outcome="SCORE")
    assert client.post(RULES, json=RULE, headers=admin.headers).json["error"] == "RISK_DRAFT_EXISTS"
    change(client, admin, second, "activate")

    found = client.get(f"{RULES}?key=small", headers=admin.headers).json["data"]
    assert [(rule["version"], rule["status"]) for rule in found] == [
        (2, "ACTIVE"),
        (1, "RETIRED"),
    ]


def test_what_was_in_force_is_never_changed(client: FlaskClient, admin: Actor) -> None:
    rule = create(client, admin)
    path = f"{RULES}/{rule['id']}"
    named = client.patch(path, json={"name": "Tiny"}, headers=admin.headers)
    assert named.json["name"] == "Tiny"
    change(client, admin, rule, "shadow")

    for answer in (
        client.patch(path, json={"name": "Other"}, headers=admin.headers),
        client.delete(path, headers=admin.headers),
    ):
        assert (answer.status_code, answer.json["error"]) == (409, "RISK_RULE_FIXED")
    with pytest.raises(DBAPIError, match="cannot be changed"), transaction() as session:
        session.execute(text("UPDATE risk_rules SET weight = 1 WHERE status = 'SHADOW'"))


def test_two_administrators_activate_a_rule(
    client: FlaskClient, admin: Actor, configure: Callable[[Any, object], None]
) -> None:
    configure(service.four_eyes, True)
    rule = create(client, admin)

    requested = change(client, admin, rule, "activate").json
    assert (requested["status"], requested["activationRequestedBy"]) == ("DRAFT", str(admin.id))
    again = change(client, admin, rule, "activate")
    assert again.json["error"] == "RISK_SECOND_ADMINISTRATOR_NEEDED"
    confirmed = change(client, factories.admin(), rule, "activate")
    assert confirmed.json["status"] == "ACTIVE"


def test_a_change_of_the_draft_needs_another_request(
    client: FlaskClient, admin: Actor, configure: Callable[[Any, object], None]
) -> None:
    configure(service.four_eyes, True)
    rule = create(client, admin)
    change(client, admin, rule, "activate")
    body = {"outcome": "SCORE"}
    client.patch(f"{RULES}/{rule['id']}", json=body, headers=admin.headers)
    assert change(client, factories.admin(), rule, "activate").json["status"] == "DRAFT"


def test_wrong_rules_are_refused(client: FlaskClient, admin: Actor) -> None:
    for wrong in (
        {"conditions": {"all": [{"field": "moon", "operator": "=", "value": 1}]}},
        {"conditions": {"all": [{"field": "country", "operator": "in", "value": ["DE", "fr"]}]}},
        {"conditions": {"any": [{"field": "productKind", "operator": "=", "value": "file"}]}},
        {"weight": "1.1"},
        {"weight": "0.0001"},
        {"outcome": "EXPLODE"},
        {"key": "Not a key"},
    ):
        answer = client.post(RULES, json=RULE | wrong, headers=admin.headers)
        assert (answer.status_code, answer.json["error"]) == (400, "VALIDATION_ERROR"), wrong
