"""Large transfers require a two-factor code, whatever they pay."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.authenticator import Authenticator, ManualClock, enable_two_factor
from tests.factories import Actor
from tests.payment_requests.helpers import (
    close_request,
    created_code,
    created_request,
    pay_code,
    status,
)
from tests.responses import refusal
from tests.transfers.helpers import balance, send

REFUSED = (403, "TWO_FACTOR_REQUIRED")

#: Sends an amount to another user.
Send = Callable[[FlaskClient, Actor, str, dict[str, str]], TestResponse]


def by_transfer(client: FlaskClient, sender: Actor, amount: str, headers: Any) -> TestResponse:
    return send(client, sender, factories.actor(), amount, headers=headers)


def by_request(client: FlaskClient, sender: Actor, amount: str, headers: Any) -> TestResponse:
    request = created_request(client, factories.actor(), amount=amount)
    return close_request(client, sender, request, "pay", headers=headers)


def by_code(client: FlaskClient, sender: Actor, amount: str, headers: Any) -> TestResponse:
    code = created_code(client, factories.merchant())
    return pay_code(client, sender, code, json={"amount": amount}, headers=headers)


@pytest.fixture
def sender(client: FlaskClient) -> Actor:
    return factories.buyer("5000.00")


@pytest.fixture
def app_of_sender(client: FlaskClient, sender: Actor, totp_clock: ManualClock) -> Authenticator:
    return enable_two_factor(client, sender, totp_clock)


@pytest.mark.parametrize("send_amount", [by_transfer, by_request, by_code])
class TestEachOperation:
    def test_an_amount_up_to_the_threshold_requires_no_code(
        self, client: FlaskClient, sender: Actor, send_amount: Send
    ) -> None:
        assert send_amount(client, sender, "1000.00", {}).status_code == 201

    def test_an_amount_above_the_threshold_requires_a_code(
        self, client: FlaskClient, sender: Actor, app_of_sender: Authenticator, send_amount: Send
    ) -> None:
        code = app_of_sender.code()

        without = send_amount(client, sender, "1000.01", {})
        wrong = send_amount(
            client, sender, "1000.01", {"X-Two-Factor-Code": app_of_sender.wrong_code()}
        )
        right = send_amount(client, sender, "1000.01", {"X-Two-Factor-Code": code})
        again = send_amount(client, sender, "1000.01", {"X-Two-Factor-Code": code})

        assert refusal(without) == refusal(wrong) == refusal(again) == REFUSED
        assert right.status_code == 201
        assert balance(client, sender) == "3999.99"


def test_a_refused_transfer_does_not_use_up_the_code(
    client: FlaskClient, sender: Actor, app_of_sender: Authenticator
) -> None:
    headers = {"X-Two-Factor-Code": app_of_sender.code()}

    unknown = send(client, sender, {"email": "nobody@example.com"}, "2000.00", headers=headers)
    known = send(client, sender, factories.actor(), "2000.00", headers=headers)

    assert refusal(unknown) == (404, "RECIPIENT_NOT_FOUND")
    assert known.status_code == 201


def test_a_payment_request_stays_open_until_the_code_is_sent(
    client: FlaskClient, sender: Actor, app_of_sender: Authenticator
) -> None:
    alice = factories.actor()
    request = created_request(client, alice, to=sender, amount="2000.00")
    key = {"Idempotency-Key": "same"}

    assert refusal(close_request(client, sender, request, "pay", headers=key)) == REFUSED
    assert status(client, alice, request) == "OPEN"
    code = {"X-Two-Factor-Code": app_of_sender.code()}
    assert close_request(client, sender, request, "pay", headers=key | code).status_code == 201
    assert status(client, alice, request) == "PAID"
