"""The settings of the mail server."""

import pytest

from app.common.settings import SettingsError
from app.notifications import mail_config
from tests.environment import REQUIRED, empty_environment, load

__all__ = ["empty_environment"]  # a fixture, which pytest finds by name

DATABASE = {"DATABASE_URL": "postgresql://app:p@localhost/flow"}


@pytest.mark.parametrize(
    ("url", "port", "tls", "starttls"),
    [
        ("smtps://mail.example.com", 465, True, False),
        ("smtp://mail.example.com", 587, False, True),
        ("smtp://mail.example.com:25?tls=off", 25, False, False),
        ("smtp://127.0.0.1:3025", 3025, False, False),
    ],
)
def test_mails_are_encrypted_unless_it_is_switched_off_or_local(
    monkeypatch: pytest.MonkeyPatch, url: str, port: int, tls: bool, starttls: bool
) -> None:
    server = mail_config.from_settings(load(monkeypatch, SMTP_URL=url))

    assert server is not None
    assert (server.port, server.tls, server.starttls) == (port, tls, starttls)


def test_user_and_password_may_have_any_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    server = mail_config.from_settings(
        load(monkeypatch, SMTP_URL="smtps://a%40b:p%2F%3A%40@mail.example.com")
    )

    assert server is not None
    assert (server.user, server.password) == ("a@b", "p/:@")
    assert "p/:@" not in repr(server)


def test_without_a_server_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mail_config.from_settings(load(monkeypatch)) is None


@pytest.mark.parametrize(
    "url",
    ["http://mail.example.com", "smtp://", "smtp://user@mail.example.com", "smtp://x/y", "mail"],
)
def test_other_addresses_are_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(SettingsError, match="SMTP_URL"):
        load(monkeypatch, SMTP_URL=url)


def test_a_sender_cannot_add_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="MAIL_FROM"):
        load(monkeypatch, MAIL_FROM="a@example.com\nBcc: b@example.com")


def test_production_requires_a_sender_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    given = DATABASE | REQUIRED | {"SMTP_URL": "smtps://mail.example.com"}

    with pytest.raises(SettingsError, match="MAIL_FROM"):
        load(monkeypatch, APP_ENV="production", **given)
    load(monkeypatch, APP_ENV="production", MAIL_FROM="no-reply@example.com", **given)
