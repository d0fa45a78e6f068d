"""Forgotten passwords."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.attempts.budgets import PASSWORDS
from app.auth.models import User
from app.auth.password_changes.models import PasswordReset
from app.auth.sign_in import guard
from app.common import clock, http
from app.common.db import transaction
from app.notifications.sender import send_all
from tests import factories
from tests.clock import freeze_clock
from tests.factories import PASSWORD, Actor
from tests.mail_catcher import MailCatcher, text_of
from tests.notifications.conftest import catcher, change_server, opened_catcher
from tests.notifications.helpers import outgoing, send_mails, stored_events
from tests.notifications.test_mails import change_user
from tests.responses import refusal

__all__ = ["catcher", "change_server", "opened_catcher"]  # fixtures, which pytest finds by name

AUTH = "/api/v1/auth"
NEW = "a-fine-secret-2"


def forget(client: FlaskClient, email: str) -> None:
    answer = client.post(f"{AUTH}/password/forgotten", json={"email": email})
    assert (answer.status_code, answer.data) == (204, b"")


def path_in_mail(catcher: MailCatcher, user: Actor) -> str:
    send_all(http.settings())
    mail = catcher.mails_to(user.email)[-1]
    assert mail["Subject"] == "Set a new password"
    (path,) = re.findall(r"http://localhost:\d+(/password/reset/[\w-]{48})", text_of(mail))
    return str(path)


def token_of(client: FlaskClient, catcher: MailCatcher, user: Actor) -> str:
    """Request a link and return its token."""
    forget(client, user.email)
    return path_in_mail(catcher, user).rpartition("/")[2]


def reset(client: FlaskClient, token: str, password: str = NEW) -> tuple[int, str | None]:
    answer = client.post(
        f"{AUTH}/password/reset", json={"resetToken": token, "newPassword": password}
    )
    return refusal(answer) if answer.status_code != 204 else (204, None)


def can_sign_in(client: FlaskClient, user: Actor, password: str) -> bool:
    answer = client.post(f"{AUTH}/login", json={"email": user.email, "password": password})
    return answer.status_code == 200


INVALID = (400, "PASSWORD_RESET_INVALID")


def test_a_new_password_is_set_and_all_sessions_end(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.buyer()

    assert reset(client, token_of(client, catcher, user)) == (204, None)

    assert client.get(f"{AUTH}/me", headers=user.headers).status_code == 401
    assert not can_sign_in(client, user, PASSWORD)
    assert can_sign_in(client, user, NEW)


def test_the_user_is_told(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.buyer()
    reset(client, token_of(client, catcher, user))

    send_mails()

    mail = catcher.mails_to(user.email)[-1]
    assert mail["Subject"] == "Your password was changed"
    assert "by mail" in text_of(mail)


def test_api_keys_keep_working(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.merchant()
    key = factories.api_key(user)

    reset(client, token_of(client, catcher, user))

    assert client.get("/api/v1/wallet", headers=key.headers).status_code == 200


def test_a_link_works_once(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.buyer()
    token = token_of(client, catcher, user)
    reset(client, token)

    assert reset(client, token, "another-fine-secret-3") == INVALID
    assert can_sign_in(client, user, NEW)


def test_using_one_link_invalidates_the_others(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.buyer()
    first, second = (token_of(client, catcher, user) for _ in range(2))
    assert first != second

    reset(client, second)

    assert reset(client, first) == INVALID


def test_a_refused_password_does_not_use_the_link_up(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.buyer()
    token = token_of(client, catcher, user)

    assert reset(client, token, "short")[0] == 400
    assert reset(client, token, user.email)[0] == 400
    assert reset(client, token) == (204, None)


def test_a_link_expires_after_half_an_hour(
    client: FlaskClient, catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = factories.buyer()
    token = token_of(client, catcher, user)
    now = clock.now()
    freeze_clock(monkeypatch, now + timedelta(minutes=31))

    assert reset(client, token) == INVALID


def test_an_expired_link_is_not_sent(
    client: FlaskClient, catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(client, factories.buyer().email)
    now = clock.now()
    freeze_clock(monkeypatch, now + timedelta(minutes=31))

    send_all(http.settings())

    assert catcher.mails == []


def test_an_unknown_address_has_the_same_answer_and_no_mail(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    """Both insert one row of the same kind and nothing else, so they take the same time."""
    user = factories.buyer()
    forget(client, "nobody@example.com")
    forget(client, user.email)

    with transaction() as session:
        rows = session.scalars(select(PasswordReset).order_by(PasswordReset.id)).all()
        assert [(row.user_id, row.processed_at) for row in rows] == [(None, None)] * 2
    assert outgoing() == []
    send_all(http.settings())
    assert [mail["To"] for mail in catcher.mails] == [user.email]


def test_case_does_not_matter(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.buyer()
    forget(client, user.email.upper())
    assert path_in_mail(catcher, user)


def test_a_deactivated_user_receives_none(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.buyer()
    change_user(user, is_active=False)
    forget(client, user.email)

    send_all(http.settings())

    assert catcher.mails == []


def test_a_link_of_another_address_of_the_account_is_invalid(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.buyer()
    token = token_of(client, catcher, user)
    change_user(user, email="new@example.com", email_key="new@example.com")

    assert reset(client, token) == INVALID


@pytest.mark.parametrize("token", ["x", "A" * 48, "A" * 47 + "=", "é" * 48])
def test_a_link_that_we_have_not_signed_is_invalid(client: FlaskClient, token: str) -> None:
    assert reset(client, token) == INVALID
    assert client.get(f"/password/reset/{token}").status_code == 404


def test_no_token_is_stored_or_published(client: FlaskClient, catcher: MailCatcher) -> None:
    user = factories.buyer()
    token = token_of(client, catcher, user)
    reset(client, token)

    assert token not in str([message.data for message in outgoing()])
    assert token not in str([event.data for event in stored_events()])
    with transaction() as session:
        assert session.get_one(User, user.id).password_hash != NEW


def test_requests_are_limited_per_address(rate_limited: object, client: FlaskClient) -> None:
    statuses = [
        client.post(f"{AUTH}/password/forgotten", json={"email": email}).status_code
        for email in ["a@example.com"] * 4 + ["b@example.com"]
    ]
    assert statuses == [204, 204, 204, 429, 204]


class TestBlockedSignIn:
    @pytest.mark.parametrize("on_page", [False, True])
    def test_strangers_cannot_keep_an_owner_out_who_receives_the_mails(
        self,
        rate_limited: Flask,
        catcher: MailCatcher,
        monkeypatch: pytest.MonkeyPatch,
        on_page: bool,
    ) -> None:
        monkeypatch.setattr(guard, "PASSWORDS", replace(PASSWORDS, per_account=5))
        user = factories.buyer()
        for _ in range(5):
            assert not can_sign_in(rate_limited.test_client(), user, NEW)
        client = rate_limited.test_client()
        assert not can_sign_in(client, user, PASSWORD)
        forget(client, user.email)
        path = path_in_mail(catcher, user)

        if on_page:
            client.post(path, data={"password": NEW})
        else:
            reset(client, path.rpartition("/")[2])

        assert can_sign_in(client, user, NEW)
        assert not can_sign_in(rate_limited.test_client(), user, NEW)


class TestPage:
    def test_the_page_sets_a_new_password(self, client: FlaskClient, catcher: MailCatcher) -> None:
        user = factories.buyer()
        forget(client, user.email)
        path = path_in_mail(catcher, user)

        assert "Choose a new password" in client.get(path).text
        refused = client.post(path, data={"password": "short"})
        assert (refused.status_code, "at least 8" in refused.text) == (400, True)
        answer = client.post(path, data={"password": NEW})

        assert answer.status_code == 200
        assert "Your password was changed" in answer.text
        assert can_sign_in(client, user, NEW)
        assert client.get(path).status_code == 404
        assert client.post(path, data={"password": NEW}).status_code == 404

    def test_without_a_mail_server_nothing_is_sent(
        self, client: FlaskClient, catcher: MailCatcher, change_server: Callable[..., None]
    ) -> None:
        from app.common import process_state
        from app.notifications import mail_config

        process_state._values[mail_config.server.name] = None
        forget(client, factories.buyer().email)

        send_all(http.settings())

        assert outgoing() == []
