"""Verifying phone numbers with codes."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import CapturingLogger

from app.common import clock, http
from app.notifications import sender
from tests import factories
from tests.auth.handles.helpers import (
    WRONG,
    code_for,
    confirm_phone,
    outcome,
    profile,
    request_code,
)
from tests.auth.helpers import AUTH
from tests.clock import freeze_clock

PHONE, OTHER = "+14155550142", "+14155550143"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_the_code_of_the_text_message_verifies_the_number(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = factories.actor()
    assert request_code(client, user, "+1 415 555 0142").status_code == 204
    log = CapturingLogger()
    monkeypatch.setattr(sender, "_log", log)
    sender.send_all(http.settings())
    (call,) = [call for call in log.calls if call.args == ("sms",)]
    code = code_for(user)
    assert code in call.kwargs["text"]

    answer = confirm_phone(client, user, f"{code[:3]} {code[3:]}")

    assert (answer.status_code, answer.json["phone"]) == (200, PHONE)
    assert outcome(confirm_phone(client, user, code)) == WRONG


def test_a_code_expires_after_ten_minutes(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = factories.actor()
    request_code(client, user, PHONE)
    now = clock.now()
    freeze_clock(monkeypatch, now + timedelta(minutes=10, seconds=1))

    assert outcome(confirm_phone(client, user, code_for(user))) == WRONG


def test_five_wrong_codes_invalidate_the_right_one(client: FlaskClient) -> None:
    user = factories.actor()
    request_code(client, user, PHONE)
    code = code_for(user)

    for _ in range(5):
        assert outcome(confirm_phone(client, user, wrong(code))) == WRONG

    assert outcome(confirm_phone(client, user, code)) == WRONG
    assert profile(client, user.headers)["phone"] is None


def test_only_the_last_code_counts(client: FlaskClient) -> None:
    user = factories.actor()
    request_code(client, user, PHONE)
    first = code_for(user)
    request_code(client, user, OTHER)

    assert outcome(confirm_phone(client, user, first)) == WRONG
    assert confirm_phone(client, user, code_for(user)).json["phone"] == OTHER


def test_a_code_is_for_the_user_who_requested_it(client: FlaskClient) -> None:
    user, other = factories.actor(), factories.actor()
    request_code(client, user, PHONE)

    assert outcome(confirm_phone(client, other, code_for(user))) == WRONG


def test_wrong_codes_have_a_budget(rate_limited: Flask) -> None:
    client, user = rate_limited.test_client(), factories.actor()

    statuses = [confirm_phone(client, user, "000000").status_code for _ in range(11)]

    assert statuses == [400] * 10 + [429]


def test_a_changed_number_is_no_longer_verified(client: FlaskClient) -> None:
    user = factories.actor(phone=PHONE)
    assert profile(client, user.headers)["phoneVerifiedAt"] is not None

    def change(**fields: str | None) -> object:
        answer = client.patch(f"{AUTH}/me", json=fields, headers=user.headers)
        return answer.json["phoneVerifiedAt"]

    assert change(firstName="Alice") is not None
    assert change(phone=PHONE) is not None
    assert change(phone=OTHER) is None
    assert change(phone=None) is None
