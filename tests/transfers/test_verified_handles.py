"""Email addresses and phone numbers receive money only once they are verified."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.auth.handles.helpers import outcome, require_verified
from tests.factories import Actor
from tests.responses import error_body
from tests.transfers.helpers import balance, look_up, number_of, send

PHONE = "+14155550177"
NOT_VERIFIED = (409, "RECIPIENT_NOT_VERIFIED")
REQUESTS = "/api/v1/payment-requests"


@pytest.fixture
def bob() -> Actor:
    return factories.actor(phone=PHONE, is_verified=False)


def handles_of(user: Actor) -> list[dict[str, Any]]:
    return [{"email": user.email}, {"phone": PHONE}]


class TestRequired:
    @pytest.fixture(autouse=True)
    def _as_in_production(self, configure: Callable[..., None]) -> None:
        require_verified(configure)

    def test_an_unverified_handle_receives_nothing(self, client: FlaskClient, bob: Actor) -> None:
        alice = factories.buyer()

        answers = [send(client, alice, handle) for handle in handles_of(bob)]

        assert [outcome(answer) for answer in answers] == [NOT_VERIFIED] * 2
        assert balance(client, alice) == "100.00"
        for answer in answers:
            assert error_body(answer)["details"] in (None, {}, [])
            assert str(bob.id) not in answer.text

    def test_wallet_numbers_and_ids_are_no_handles(self, client: FlaskClient, bob: Actor) -> None:
        alice = factories.buyer()

        for recipient in ({"walletNumber": number_of(client, bob)}, {"userId": str(bob.id)}):
            assert send(client, alice, recipient).status_code == 201

        assert balance(client, bob) == "20.00"

    def test_a_verified_handle_receives_money(self, client: FlaskClient) -> None:
        bob = factories.actor(phone=PHONE)

        for handle in handles_of(bob):
            assert send(client, factories.buyer(), handle).status_code == 201

    def test_an_unknown_handle_is_not_found(self, client: FlaskClient) -> None:
        answer = send(client, factories.buyer(), {"email": "nobody@example.com"})

        assert outcome(answer) == (404, "RECIPIENT_NOT_FOUND")

    def test_a_request_is_not_addressed_to_an_unverified_handle(
        self, client: FlaskClient, bob: Actor
    ) -> None:
        alice = factories.actor()

        def request(payer: dict[str, Any]) -> tuple[int, str | None]:
            return outcome(
                client.post(
                    REQUESTS, json={"payer": payer, "amount": "1.00"}, headers=alice.headers
                )
            )

        assert [request(handle) for handle in handles_of(bob)] == [NOT_VERIFIED] * 2
        assert request({"userId": str(bob.id)}) == (201, None)


def test_in_development_an_unverified_handle_receives_money(
    client: FlaskClient, bob: Actor
) -> None:
    for handle in handles_of(bob):
        assert send(client, factories.buyer(), handle).status_code == 201


def test_the_payer_sees_whether_the_recipient_is_verified(client: FlaskClient, bob: Actor) -> None:
    alice, carol = factories.actor(), factories.actor()

    unverified = look_up(client, alice, email=bob.email).json
    verified = look_up(client, alice, email=carol.email).json

    assert (unverified["verified"], unverified["verifiedSince"]) == (False, None)
    assert verified["verified"] is True
    assert verified["verifiedSince"] is not None


def test_the_payment_page_tells_whether_the_payee_is_verified(
    client: FlaskClient, bob: Actor
) -> None:
    for requester, expected in ((bob, "is not verified"), (factories.actor(), "is verified since")):
        made = client.post(REQUESTS, json={"amount": "1.00"}, headers=requester.headers).json

        assert expected in client.get(f"/pay/{made['token']}").text
