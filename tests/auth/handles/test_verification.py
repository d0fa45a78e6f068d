"""Verifying the email address of an account."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import clock
from tests import factories
from tests.auth.handles.helpers import (
    INVALID,
    OK,
    confirm,
    outcome,
    profile,
    subjects_to,
    token_to,
)
from tests.auth.helpers import AUTH, bearer, deactivate, register
from tests.clock import freeze_clock
from tests.mail_catcher import MailCatcher
from tests.notifications.conftest import catcher, opened_catcher

__all__ = ["catcher", "opened_catcher"]  # fixtures, which pytest finds by name

ALICE = "alice@example.com"


def registered(client: FlaskClient) -> dict[str, str]:
    """The headers of a new user."""
    return bearer(register(client, firstName="Alice", lastName="Jones").json["accessToken"])


def test_registration_sends_a_link_that_verifies_the_address(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    headers = registered(client)
    assert profile(client, headers)["emailVerifiedAt"] is None

    assert confirm(client, token_to(catcher, ALICE)) == OK

    assert profile(client, headers)["emailVerifiedAt"] is not None
    assert subjects_to(catcher, ALICE) == ["Verify your email address"]


def test_a_link_works_once_and_invalidates_the_others(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    headers = registered(client)
    first = token_to(catcher, ALICE)
    assert client.post(f"{AUTH}/email/verification", headers=headers).status_code == 204
    second = token_to(catcher, ALICE)
    assert first != second

    assert confirm(client, second) == OK

    assert confirm(client, second) == INVALID
    assert confirm(client, first) == INVALID


def test_a_verified_address_needs_no_other_link(client: FlaskClient) -> None:
    answer = client.post(f"{AUTH}/email/verification", headers=factories.actor().headers)

    assert outcome(answer) == (409, "NOTHING_TO_VERIFY")


def test_requests_are_limited(rate_limited: Flask) -> None:
    client, headers = rate_limited.test_client(), factories.actor(is_verified=False).headers

    statuses = [
        client.post(f"{AUTH}/email/verification", headers=headers).status_code for _ in range(4)
    ]

    assert statuses == [204, 204, 204, 429]


def test_a_link_expires_after_a_day(
    client: FlaskClient, catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(client)
    token = token_to(catcher, ALICE)
    now = clock.now()
    freeze_clock(monkeypatch, now + timedelta(hours=23, minutes=59))
    assert client.get(f"/email/verify/{token}").status_code == 200
    freeze_clock(monkeypatch, now + timedelta(hours=24, minutes=1))

    assert confirm(client, token) == INVALID


@pytest.mark.parametrize("token", ["A" * 48, "x", "Ä" * 48])
def test_a_made_up_link_is_refused(client: FlaskClient, token: str) -> None:
    assert confirm(client, token) == INVALID
    assert client.get(f"/email/verify/{token}").status_code == 404


def test_a_link_to_a_new_password_verifies_no_address(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    registered(client)
    token = token_to(catcher, ALICE)

    answer = client.post(
        f"{AUTH}/password/reset", json={"resetToken": token, "newPassword": "a-fine-secret-2"}
    )

    assert outcome(answer) == (400, "PASSWORD_RESET_INVALID")


def test_a_deactivated_account_cannot_verify(client: FlaskClient, catcher: MailCatcher) -> None:
    user_id = profile(client, registered(client))["id"]
    token = token_to(catcher, ALICE)
    deactivate(client, user_id)

    assert confirm(client, token) == INVALID


def test_the_page_asks_before_it_verifies(client: FlaskClient, catcher: MailCatcher) -> None:
    headers = registered(client)
    token = token_to(catcher, ALICE)

    shown = client.get(f"/email/verify/{token}")
    assert "Is this your account?" in shown.text
    assert "A••• J." in shown.text
    assert profile(client, headers)["emailVerifiedAt"] is None

    done = client.post(f"/email/verify/{token}")
    assert "Your address is verified" in done.text
    assert profile(client, headers)["emailVerifiedAt"] is not None
    assert client.post(f"/email/verify/{token}").status_code == 404


def test_a_forgotten_password_verifies_the_address_and_revokes_the_keys_of_who_made_the_account(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    merchant = factories.actor("MERCHANT", is_verified=False)
    key = factories.api_key(merchant)
    client.post(f"{AUTH}/password/forgotten", json={"email": merchant.email})
    from tests.auth.password_changes.test_resets import path_in_mail, reset

    assert reset(client, path_in_mail(catcher, merchant).rpartition("/")[2]) == (204, None)

    assert client.get("/api/v1/wallet", headers=key.headers).status_code == 401
    answer = client.post(
        f"{AUTH}/login", json={"email": merchant.email, "password": "a-fine-secret-2"}
    )
    assert profile(client, bearer(answer.json["accessToken"]))["emailVerifiedAt"] is not None
