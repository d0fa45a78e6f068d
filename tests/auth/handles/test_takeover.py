"""Whoever proves to own an address or number takes it from an account that only claimed it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditRecord
from app.common.db import transaction
from tests import factories
from tests.auth.handles.helpers import (
    INVALID,
    OK,
    WRONG,
    change_email,
    code_for,
    confirm,
    confirm_phone,
    outcome,
    profile,
    request_code,
    require_verified,
    token_to,
)
from tests.auth.helpers import bearer, login, register
from tests.factories import Actor
from tests.mail_catcher import MailCatcher
from tests.notifications.conftest import catcher, opened_catcher
from tests.notifications.helpers import feed, relay
from tests.transfers.helpers import balance

__all__ = ["catcher", "opened_catcher"]  # fixtures, which pytest finds by name

PHONE = "+14155550199"


def squatter(**values: Any) -> Actor:
    return factories.actor(balance="25.00", is_verified=False, **values)


class TestByRegistration:
    @pytest.fixture(autouse=True)
    def _as_in_production(self, configure: Callable[..., None]) -> None:
        require_verified(configure)

    def test_an_owner_who_registers_has_the_address_once_it_is_verified(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        other = squatter()
        answer = register(client, email=other.email, password="an-owners-secret-1")
        owner = bearer(answer.json["accessToken"])
        assert (answer.status_code, answer.json["user"]["email"]) == (201, None)
        assert profile(client, other.headers)["email"] == other.email

        assert confirm(client, token_to(catcher, other.email)) == OK

        assert profile(client, owner)["email"] == other.email
        assert login(client, other.email, "an-owners-secret-1").status_code == 200
        lost = profile(client, other.headers)
        assert (lost["email"], lost["emailVerifiedAt"]) == (None, None)

    def test_a_verified_address_is_taken(self, client: FlaskClient) -> None:
        owner = factories.actor()

        assert outcome(register(client, email=owner.email)) == (409, "EMAIL_TAKEN")

    def test_the_first_who_verifies_has_the_address(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        other = squatter()
        register(client, email=other.email)
        first = token_to(catcher, other.email)
        register(client, email=other.email)
        second = token_to(catcher, other.email)

        assert confirm(client, second) == OK

        assert confirm(client, first) == INVALID

    def test_the_account_that_lost_keeps_its_money_and_signs_in_by_its_id(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        other = squatter()
        register(client, email=other.email, password="an-owners-secret-1")
        confirm(client, token_to(catcher, other.email))

        assert balance(client, other) == "25.00"
        assert login(client, other.email).status_code == 401
        answer = login(client, str(other.id))
        assert answer.status_code == 200
        again = bearer(answer.json["accessToken"])
        assert (
            client.patch(
                "/api/v1/auth/me",
                json={"email": "mine@example.com", "firstName": "Sam"},
                headers=again,
            ).json["email"]
            == "mine@example.com"
        )
        assert login(client, "mine@example.com").status_code == 200
        assert login(client, str(other.id)).status_code == 401

    def test_the_account_that_lost_is_told_and_the_takeover_is_audited(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        other = squatter()
        register(client, email=other.email)
        confirm(client, token_to(catcher, other.email))

        relay()

        assert feed(client, other)[0]["topic"] == "handle_lost"
        assert str(other.id) in feed(client, other)[0]["text"]
        with transaction() as session:
            actions = session.scalars(
                select(AuditRecord.action).where(AuditRecord.target_id == other.id)
            ).all()
        assert "user.lose-email" in actions


def test_in_development_a_registered_address_is_taken(client: FlaskClient) -> None:
    assert outcome(register(client, email=squatter().email)) == (409, "EMAIL_TAKEN")


def test_an_owner_adds_the_address_to_an_account(client: FlaskClient, catcher: MailCatcher) -> None:
    other, owner = squatter(), factories.actor()
    change_email(client, owner, other.email)

    assert confirm(client, token_to(catcher, other.email)) == OK

    assert profile(client, owner.headers)["email"] == other.email
    assert profile(client, other.headers)["email"] is None


def test_an_owner_takes_a_phone_number(client: FlaskClient) -> None:
    other, owner = squatter(phone=PHONE), factories.actor()
    request_code(client, owner, PHONE)

    answer = confirm_phone(client, owner, code_for(owner))

    assert (answer.status_code, answer.json["phone"]) == (200, PHONE)
    assert answer.json["phoneVerifiedAt"] is not None
    lost = profile(client, other.headers)
    assert (lost["phone"], lost["email"]) == (None, other.email)


def test_a_verified_number_cannot_be_taken(client: FlaskClient) -> None:
    holder, other = factories.actor(phone=PHONE), factories.actor()
    assert request_code(client, other, PHONE).status_code == 204

    assert outcome(confirm_phone(client, other, code_for(other))) == WRONG
    assert profile(client, holder.headers)["phone"] == PHONE
