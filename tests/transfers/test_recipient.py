"""Looking up a recipient, and what it must not reveal."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.responses import refusal
from tests.transfers.helpers import API, balance, deactivate, look_up, number_of, send, with_name
from tests.wallets.helpers import lock

PHONE = "+14155550111"


@pytest.fixture
def bob(client: FlaskClient) -> Actor:
    return with_name(client, factories.actor(phone=PHONE), "Bob", "Stone")


class TestLookingUp:
    def test_every_identifier_finds_the_same_masked_recipient(
        self, client: FlaskClient, bob: Actor
    ) -> None:
        caller, number = factories.actor(), number_of(client, bob)
        masked = {
            "name": "B••• S.",
            "email": "u•••@e•••.com",
            "walletNumber": f"•••• •••• {number[-4:]}",
        }
        for identifier in (
            {"email": bob.email.upper()},
            {"phone": "+1 415 555 0111"},
            {"walletNumber": f"{number[:6]} {number[6:]}"},
            {"userId": str(bob.id)},
        ):
            answer = look_up(client, caller, **identifier)
            body = answer.json
            assert body.pop("verifiedSince") is not None
            assert (answer.status_code, body) == (200, masked | {"verified": True}), identifier

    def test_the_result_does_not_identify_the_recipient(
        self, client: FlaskClient, bob: Actor
    ) -> None:
        answer = look_up(client, factories.actor(), phone=PHONE)

        for secret in (bob.email, str(bob.id), PHONE, number_of(client, bob), "Bob", "Stone"):
            assert secret not in answer.text

    def test_unknown_and_deactivated_users_are_not_found_and_oneself_is_refused(
        self, client: FlaskClient, bob: Actor
    ) -> None:
        caller = factories.actor()
        unknown = look_up(client, caller, email="nobody@example.com")
        deactivate(client, bob)
        deactivated = look_up(client, caller, email=bob.email)

        assert refusal(unknown) == refusal(deactivated) == (404, "RECIPIENT_NOT_FOUND")
        assert unknown.json["message"] == deactivated.json["message"]
        assert refusal(look_up(client, caller, email=caller.email)) == (
            400,
            "CANNOT_TRANSFER_TO_SELF",
        )

    def test_a_locked_wallet_is_not_revealed(self, client: FlaskClient, bob: Actor) -> None:
        caller = factories.actor()
        before = look_up(client, caller, email=bob.email)
        lock(client, bob)

        assert look_up(client, caller, email=bob.email).json == before.json

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"email": "a@b.test", "phone": PHONE},
            {"email": "nonsense"},
            {"phone": "0111"},
            {"walletNumber": "100000000007"},
            {"userId": "1"},
        ],
    )
    def test_an_invalid_query_is_refused(self, client: FlaskClient, query: dict[str, str]) -> None:
        assert refusal(look_up(client, factories.actor(), **query)) == (400, "VALIDATION_ERROR")


class TestRateLimit:
    """20 look-ups per minute and user, by any endpoint."""

    @pytest.fixture
    def limited(self, rate_limited: Flask) -> FlaskClient:
        return rate_limited.test_client()

    def guess(self, client: FlaskClient, caller: Actor, number: int, **more: Any) -> Any:
        return client.get(
            f"{API}/transfers/recipient",
            query_string={"email": f"guess-{number}@example.com"},
            headers=caller.headers,
            **more,
        )

    def test_look_ups_are_limited_per_user(self, limited: FlaskClient) -> None:
        caller = factories.actor()

        answers = [self.guess(limited, caller, n).status_code for n in range(21)]

        assert answers == [404] * 20 + [429]
        assert self.guess(limited, factories.actor(), 0).status_code == 404

    def test_successful_look_ups_count_too(self, limited: FlaskClient, bob: Actor) -> None:
        caller = factories.actor()

        answers = [look_up(limited, caller, email=bob.email).status_code for _ in range(21)]

        assert answers == [200] * 20 + [429]

    def test_look_ups_are_also_limited_per_address(self, limited: FlaskClient) -> None:
        callers = [factories.actor() for _ in range(4)]
        answers = [
            self.guess(limited, caller, n).status_code for caller in callers for n in range(16)
        ]

        assert answers == [404] * 60 + [429] * 4
        elsewhere = self.guess(
            limited, factories.actor(), 0, environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
        )
        assert elsewhere.status_code == 404

    def test_transfers_to_unknown_recipients_count(self, limited: FlaskClient) -> None:
        caller = factories.buyer("100.00")
        half = [self.guess(limited, caller, n).status_code for n in range(10)]

        sent = [
            send(limited, caller, {"email": f"guess-{n}@example.com"}).status_code
            for n in range(11)
        ]

        assert half + sent == [404] * 20 + [429]
        assert self.guess(limited, caller, 0).status_code == 429

    def test_refusals_that_reveal_a_recipient_count(self, limited: FlaskClient, bob: Actor) -> None:
        caller = factories.actor()  # with a zero balance

        answers = [send(limited, caller, bob).status_code for _ in range(21)]

        assert answers == [400] * 20 + [429]

    def test_payment_requests_to_a_payer_count(self, limited: FlaskClient, bob: Actor) -> None:
        caller = factories.actor()
        requests = f"{API}/payment-requests"

        answers = [
            limited.post(
                requests, json={"payer": {"email": email}}, headers=caller.headers
            ).status_code
            for email in [bob.email, "nobody@example.com"] * 10 + [bob.email]
        ]

        assert answers == [201, 404] * 10 + [429]
        without_payer = limited.post(requests, json={"amount": "1.00"}, headers=caller.headers)
        assert without_payer.status_code == 201

    def test_successful_transfers_are_not_limited(self, limited: FlaskClient, bob: Actor) -> None:
        caller = factories.buyer("100.00")

        answers = {send(limited, caller, bob, "1.00").status_code for _ in range(30)}

        assert answers == {201}
        assert balance(limited, bob) == "30.00"

    def test_invalid_requests_do_not_count(self, limited: FlaskClient, bob: Actor) -> None:
        caller = factories.buyer("100.00")

        wrong = {send(limited, caller, {"walletNumber": "12"}).status_code for _ in range(30)}

        assert wrong == {400}
        assert send(limited, caller, bob, "1.00").status_code == 201
