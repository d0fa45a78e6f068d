"""Changing the email address of an account."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from tests import factories
from tests.auth.handles.helpers import (
    INVALID,
    OK,
    change_email,
    confirm,
    outcome,
    profile,
    subjects_to,
    token_to,
)
from tests.auth.helpers import AUTH, login
from tests.authenticator import ManualClock, enable_two_factor
from tests.factories import PASSWORD, Actor
from tests.mail_catcher import MailCatcher
from tests.notifications.conftest import catcher, opened_catcher
from tests.notifications.helpers import send_mails, topics_of

__all__ = ["catcher", "opened_catcher"]  # fixtures, which pytest finds by name

NEW = "new@example.com"


def changed(client: FlaskClient, catcher: MailCatcher, user: Actor, address: str = NEW) -> None:
    assert change_email(client, user, address).status_code == 204
    assert confirm(client, token_to(catcher, address)) == OK


def test_the_address_changes_once_the_new_one_is_confirmed(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.actor()
    change_email(client, user, NEW)
    token = token_to(catcher, NEW)
    assert profile(client, user.headers)["email"] == user.email

    assert confirm(client, token) == OK

    shown = profile(client, user.headers)
    assert (shown["email"], shown["emailVerifiedAt"] is not None) == (NEW, True)
    assert login(client, NEW).status_code == 200
    assert login(client, user.email).status_code == 401


def test_verifying_the_present_address_leaves_a_requested_change(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.actor(is_verified=False)
    assert client.post(f"{AUTH}/email/verification", headers=user.headers).status_code == 204
    change_email(client, user, NEW)

    assert confirm(client, token_to(catcher, user.email)) == OK
    assert confirm(client, token_to(catcher, NEW)) == OK

    assert profile(client, user.headers)["email"] == NEW


def test_other_sessions_end_and_api_keys_keep_working(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.merchant()
    key = factories.api_key(user)
    other = {"Authorization": f"Bearer {login(client, user.email).json['accessToken']}"}

    changed(client, catcher, user)

    assert client.get(f"{AUTH}/me", headers=user.headers).status_code == 200
    assert client.get(f"{AUTH}/me", headers=other).status_code == 401
    assert client.get("/api/v1/wallet", headers=key.headers).status_code == 200


def test_the_earlier_address_can_undo_the_change(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.actor()
    changed(client, catcher, user)
    undo = token_to(catcher, user.email)
    assert "Undo the change" in client.get(f"/email/verify/{undo}").text

    assert confirm(client, undo) == OK

    assert client.get(f"{AUTH}/me", headers=user.headers).status_code == 401
    assert login(client, user.email).status_code == 200
    assert login(client, NEW).status_code == 401


def test_a_second_change_does_not_invalidate_the_way_back_of_the_first(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.actor()
    changed(client, catcher, user)
    undo = token_to(catcher, user.email)
    changed(client, catcher, user, "third@example.com")
    later_undo = token_to(catcher, NEW)

    assert confirm(client, undo) == OK

    assert confirm(client, later_undo) == INVALID
    assert login(client, user.email).status_code == 200


def test_an_earlier_address_that_was_not_verified_is_told_without_a_link(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.actor(is_verified=False)
    changed(client, catcher, user)

    assert subjects_to(catcher, user.email) == ["Your email address was replaced"]
    assert "/email/verify/" not in catcher.mails_to(user.email)[-1].as_string()


def test_the_feed_has_the_change(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.actor()
    changed(client, catcher, user)

    send_mails()

    assert "email_changed" in topics_of(client, user)


def test_the_password_is_required(client: FlaskClient) -> None:
    answer = change_email(client, factories.actor(), NEW, password="a-wrong-secret-1")

    assert outcome(answer) == (401, "INVALID_CREDENTIALS")


def test_a_code_is_required_with_two_factor_authentication(
    client: FlaskClient, totp_clock: ManualClock, catcher: MailCatcher
) -> None:
    user = factories.actor()
    app = enable_two_factor(client, user, totp_clock)
    totp_clock.advance(30)

    assert outcome(change_email(client, user, NEW)) == (403, "TWO_FACTOR_REQUIRED")
    wrong = change_email(client, user, NEW, code=app.wrong_code())
    assert outcome(wrong) == (400, "TWO_FACTOR_CODE_WRONG")
    assert subjects_to(catcher, NEW) == []
    assert change_email(client, user, NEW, code=app.code()).status_code == 204


def test_a_new_password_cancels_a_requested_change(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.actor()
    change_email(client, user, NEW)
    token = token_to(catcher, NEW)
    body = {"currentPassword": PASSWORD, "newPassword": "a-fine-secret-2"}
    assert client.post(f"{AUTH}/password", json=body, headers=user.headers).status_code == 204

    assert confirm(client, token) == INVALID


def test_only_the_last_requested_change_counts(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.actor()
    change_email(client, user, NEW)
    first = token_to(catcher, NEW)
    change_email(client, user, "third@example.com")

    assert confirm(client, first) == INVALID


def test_nobody_learns_that_an_address_is_taken_and_its_owner_is_told(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    owner, user = factories.actor(), factories.actor()

    answers = [change_email(client, user, address) for address in (owner.email, NEW)]

    assert [(answer.status_code, answer.data) for answer in answers] == [(204, b"")] * 2
    assert subjects_to(catcher, owner.email) == ["Your email address stays yours"]
    assert "/email/verify/" not in catcher.mails_to(owner.email)[-1].as_string()
    assert profile(client, owner.headers)["email"] == owner.email


def test_an_account_without_an_address_can_add_one(
    client: FlaskClient, catcher: MailCatcher, configure: Callable[[Any, Any], None]
) -> None:
    user = factories.actor(phone="+14155550123")
    changed(client, catcher, user)

    assert profile(client, user.headers)["phone"] == "+14155550123"
