"""Who is on a list is exempt or declined; what nobody has proven can only decline."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.common import clock
from app.common.clock import format_timestamp
from app.common.db import transaction
from tests import factories
from tests.clock import freeze_clock
from tests.factories import Actor
from tests.risk.helpers import condition, decisions, rule
from tests.transfers.helpers import send

LISTS = "/api/v1/admin/risk/lists"
AGENT = "Shop/1.0 (Linux)"


def put(client: FlaskClient, admin: Actor, name: str, kind: str, value: str) -> TestResponse:
    body = {"list": name, "kind": kind, "value": value, "reason": "Known"}
    return client.post(LISTS, json=body, headers=admin.headers)


def test_an_allowed_user_is_exempt_and_a_blocked_one_declined(client: FlaskClient) -> None:
    rule(condition("amount", ">", "5"))
    payer, payee, admin = factories.buyer("100.00"), factories.actor(), factories.admin()
    assert send(client, payer, payee, "6.00").status_code == 403

    put(client, admin, "ALLOW", "USER", str(payer.id))
    assert send(client, payer, payee, "6.00").status_code == 201
    blocked = put(client, admin, "BLOCK", "EMAIL_DOMAIN", "Example.com").json["id"]
    assert send(client, payer, payee, "1.00").status_code == 403
    assert client.delete(f"{LISTS}/{blocked}", headers=admin.headers).status_code == 204
    assert send(client, payer, payee, "6.00").status_code == 201
    assert decisions(payer.id)[-1].reasons == {"rules": ["allow-list@1"]}


def test_an_entry_ends_when_it_expires(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer, payee, admin = factories.buyer("100.00"), factories.actor(), factories.admin()
    now = clock.now()
    body = {"list": "BLOCK", "kind": "USER", "value": str(payer.id), "reason": "Stolen card"}
    until = format_timestamp(now + timedelta(minutes=5))
    answer = client.post(LISTS, json=body | {"expiresAt": until}, headers=admin.headers)
    assert (answer.status_code, answer.json["expiresAt"]) == (201, until)
    assert send(client, payer, payee, "1.00").status_code == 403

    freeze_clock(monkeypatch, now + timedelta(minutes=5, seconds=1))

    assert send(client, payer, payee, "1.00").status_code == 201
    past = client.post(LISTS, json=body | {"expiresAt": until}, headers=admin.headers)
    assert (past.status_code, past.json["details"].keys()) == (400, {"expiresAt"})


class TestProof:
    """Rules: more than 5 is declined, and lists are those of the installation."""

    @pytest.fixture(autouse=True)
    def _limit(self, app: Flask) -> None:
        rule(condition("amount", ">", "5"))

    def test_an_address_that_was_not_verified_exempts_nobody(self, client: FlaskClient) -> None:
        """Anybody can register with an address of a company."""
        admin, payee = factories.admin(), factories.actor()
        stranger = factories.actor(balance="100.00", is_verified=False)
        employee = factories.actor(balance="100.00")
        assert put(client, admin, "ALLOW", "EMAIL_DOMAIN", "example.com").status_code == 201

        assert send(client, employee, payee, "6.00").status_code == 201
        assert send(client, stranger, payee, "6.00").status_code == 403

        put(client, admin, "BLOCK", "EMAIL_DOMAIN", "example.com")
        assert send(client, stranger, payee, "1.00").status_code == 403

    def test_what_a_program_calls_itself_exempts_nobody(self, client: FlaskClient) -> None:
        admin, payer, payee = factories.admin(), factories.buyer("100.00"), factories.actor()
        client.environ_base |= {"HTTP_USER_AGENT": AGENT}

        refused = put(client, admin, "ALLOW", "DEVICE", AGENT)

        assert (refused.status_code, refused.json["error"]) == (400, "VALIDATION_ERROR")
        assert put(client, admin, "BLOCK", "DEVICE", AGENT).status_code == 201
        assert send(client, payer, payee, "1.00").status_code == 403

    def test_a_domain_that_looks_like_another_one_is_not_allowed(self, client: FlaskClient) -> None:
        admin, cyrillic = factories.admin(), "\u0430pple.example"
        assert put(client, admin, "ALLOW", "EMAIL_DOMAIN", cyrillic).status_code == 400
        assert put(client, admin, "BLOCK", "EMAIL_DOMAIN", cyrillic).status_code == 201

    def test_a_blocked_domain_blocks_its_subdomains(self, client: FlaskClient) -> None:
        """Whoever has a domain has as many of these as they want. An allowed one allows none."""
        admin, payer, payee = factories.admin(), factories.buyer("100.00"), factories.actor()
        with transaction() as session:
            values = {"email": "x@one.mail.example", "id": payer.id}
            changed = "UPDATE users SET email = :email, email_key = :email WHERE id = :id"
            session.execute(text(changed), values)

        put(client, admin, "ALLOW", "EMAIL_DOMAIN", "mail.example")
        assert send(client, payer, payee, "6.00").status_code == 403
        put(client, admin, "BLOCK", "EMAIL_DOMAIN", "ail.example")
        assert send(client, payer, payee, "1.00").status_code == 201
        put(client, admin, "BLOCK", "EMAIL_DOMAIN", "mail.example")
        assert send(client, payer, payee, "1.00").status_code == 403


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("EMAIL_DOMAIN", "@Mail.Example", "mail.example"),
        ("EMAIL_DOMAIN", "xn--bcher-kva.example", "b\u00fccher.example"),
        ("EMAIL_DOMAIN", "BU\u0308CHER.example", "b\u00fccher.example"),
        ("ADDRESS", "::ffff:198.51.100.7", "198.51.100.7"),
        ("ADDRESS", "2001:DB8::7", "2001:db8::/64"),
        ("ADDRESS", "2001:db8::/64", "2001:db8::/64"),
    ],
)
def test_a_value_is_listed_as_payments_have_it(
    client: FlaskClient, kind: str, value: str, stored: str
) -> None:
    assert put(client, factories.admin(), "BLOCK", kind, value).json["value"] == stored


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("EMAIL_DOMAIN", "https://mail.example"),
        ("EMAIL_DOMAIN", "somebody@mail.example"),
        ("EMAIL_DOMAIN", "*.mail.example"),
        ("ADDRESS", "198.51.100.0/24"),
        ("ADDRESS", "2001:db8::/32"),
        ("ADDRESS", "mail.example"),
        ("USER", "somebody"),
    ],
)
def test_what_no_payment_has_is_not_listed(client: FlaskClient, kind: str, value: str) -> None:
    answer = put(client, factories.admin(), "BLOCK", kind, value)
    assert (answer.status_code, answer.json["error"]) == (400, "VALIDATION_ERROR")
    assert answer.json["details"].keys() == {"value"}
