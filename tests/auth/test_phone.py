"""Phone numbers: in the profile, for signing in, and for automatic registration."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.common import db
from app.events.models import OutboxEvent
from tests import factories
from tests.auth.helpers import AUTH, bearer, deactivate, login, register, same_refusal, signed_in
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.responses import refusal

PHONE = "+14155550100"
SPELLINGS = ["+14155550100", "+1 415 555 0100", "+1 (415) 555-0100", "+1-415-555-0100"]


def sign_in(
    client: FlaskClient, phone: Any = PHONE, password: str = factories.PASSWORD, **options: Any
) -> TestResponse:
    return client.post(f"{AUTH}/phone", json={"phone": phone, "password": password}, **options)


def change(client: FlaskClient, token: str, **fields: Any) -> TestResponse:
    return client.patch(f"{AUTH}/me", json=fields, headers=bearer(token))


def profile(client: FlaskClient, token: str) -> dict[str, Any]:
    user: dict[str, Any] = client.get(f"{AUTH}/me", headers=bearer(token)).json
    return user


class TestProfile:
    def test_a_number_can_be_set_shown_and_removed(self, client: FlaskClient) -> None:
        token = factories.actor().token
        assert profile(client, token)["phone"] is None

        answer = change(client, token, phone=PHONE)

        assert (answer.status_code, answer.json["phone"]) == (200, PHONE)
        assert profile(client, token)["phone"] == PHONE
        assert change(client, token, lastName="Smith").json["phone"] == PHONE
        assert change(client, token, phone=None).json["phone"] is None
        assert profile(client, token)["phone"] is None

    @pytest.mark.parametrize(
        ("spelling", "normalised"),
        [(spelling, PHONE) for spelling in SPELLINGS]
        + [("+44 (0)20 7946 0958", "+442079460958"), ("+91 98765 43210", "+919876543210")],
    )
    def test_every_spelling_is_normalised(
        self, client: FlaskClient, spelling: str, normalised: str
    ) -> None:
        assert change(client, factories.actor().token, phone=spelling).json["phone"] == normalised

    @pytest.mark.parametrize(
        "phone",
        [
            "",
            "4155550100",
            "0014155550100",
            "14155550100",
            "+1415555010",
            "+141555501000",
            "+999123456789",
            "+1 800 FLOWERS",
            "+14155550100 ext. 5",
            "+14155550100;ext=5",
            "tel:+14155550100",
            "call +14155550100",
            "++14155550100",
            "+" + "1" * 1000,
            14155550100,
            ["+14155550100"],
            True,
        ],
    )
    def test_an_invalid_number_or_one_without_a_country_is_refused(
        self, client: FlaskClient, phone: Any
    ) -> None:
        answer = change(client, factories.actor().token, phone=phone)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["phone"]

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_a_number_belongs_to_one_account(self, client: FlaskClient, spelling: str) -> None:
        mine, theirs = factories.actor(phone=PHONE), factories.actor()

        assert refusal(change(client, theirs.token, phone=spelling)) == (409, "PHONE_TAKEN")
        assert change(client, mine.token, phone=spelling).status_code == 200
        change(client, mine.token, phone=None)
        assert change(client, theirs.token, phone=spelling).status_code == 200

    def test_of_concurrent_accounts_with_the_same_number_one_succeeds(
        self, committing: Flask
    ) -> None:
        tokens = [factories.actor().token for _ in range(12)]

        answers = all_at_once(
            lambda token: change(committing.test_client(), token, phone=PHONE), tokens
        )

        assert outcomes(answers) == {(200, None): 1, (409, "PHONE_TAKEN"): 11}
        client = committing.test_client()
        assert sum(profile(client, token)["phone"] == PHONE for token in tokens) == 1
        assert broken_invariants() == []


class TestSigningIn:
    def test_the_response_is_that_of_a_sign_in_by_email(self, client: FlaskClient) -> None:
        token = register(client, firstName="Alice").json["accessToken"]
        change(client, token, phone=PHONE)

        answer = sign_in(client)

        assert answer.status_code == 200
        assert signed_in("alice@example.com", first_name="Alice").fullmatch(answer.text)
        assert profile(client, answer.json["accessToken"])["phone"] == PHONE

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_every_spelling_signs_in(self, client: FlaskClient, spelling: str) -> None:
        factories.actor(phone=PHONE)

        assert sign_in(client, spelling).status_code == 200

    def test_a_wrong_number_and_a_wrong_password_get_the_same_response(
        self, client: FlaskClient
    ) -> None:
        factories.actor(phone=PHONE)

        answers = [sign_in(client, "+14155550199"), sign_in(client, password="correct-horse-2")]

        assert same_refusal(answers)

    def test_a_wrong_number_and_a_wrong_password_cost_the_same_hashing(
        self, client: FlaskClient, hashed: list[bytes]
    ) -> None:
        factories.actor(phone=PHONE)
        sign_in(client, "+14155550199")
        sign_in(client, password="correct-horse-2")

        assert hashed == [b"$2b$04$"] * 2

    def test_a_deactivated_user_is_refused_like_an_unknown_one(self, client: FlaskClient) -> None:
        user = factories.actor(phone=PHONE)
        deactivate(client, user.id)

        assert refusal(sign_in(client)) == (401, "INVALID_CREDENTIALS")

    def test_a_removed_number_cannot_sign_in(self, client: FlaskClient) -> None:
        user = factories.actor(phone=PHONE)
        change(client, user.token, phone=None)

        assert refusal(sign_in(client)) == (401, "INVALID_CREDENTIALS")

    @pytest.mark.parametrize("phone", ["4155550100", "+999123456789", "", None, 5])
    def test_an_invalid_number_is_a_validation_error(self, client: FlaskClient, phone: Any) -> None:
        answer = sign_in(client, phone)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["phone"]


class TestRateLimits:
    def test_guesses_at_a_number_are_limited_across_its_spellings(
        self, rate_limited: Flask
    ) -> None:
        client = rate_limited.test_client()
        spellings = (SPELLINGS * 3)[:10]
        assert {sign_in(client, phone, "wrong-password").status_code for phone in spellings} == {
            401
        }

        answer = sign_in(client)

        assert refusal(answer) == (429, "RATE_LIMITED")
        assert sign_in(client, "+14155550199").status_code == 401

    @pytest.mark.stress
    def test_an_address_that_tries_many_numbers_is_refused(self, rate_limited: Flask) -> None:
        client = rate_limited.test_client()
        numbers = [f"+1415555{number:04}" for number in range(100, 401)]

        answers = [sign_in(client, number) for number in numbers]

        assert [answer.status_code for answer in answers] == [401] * 300 + [429]

    def test_probing_for_taken_numbers_is_limited(self, rate_limited: Flask) -> None:
        client, token = rate_limited.test_client(), factories.actor().token
        factories.actor(phone=PHONE)

        answers = [change(client, token, phone=PHONE) for _ in range(11)]

        assert [answer.status_code for answer in answers] == [409] * 10 + [429]


def test_a_number_longer_than_e_164_allows_is_refused(client: FlaskClient) -> None:
    # The phone number library accepts some numbers of 16 digits.
    answer = change(client, factories.actor().token, phone="+4933676953583772")

    assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestAutomaticRegistration:
    @pytest.fixture(autouse=True)
    def enabled(self, change_settings: Callable[..., None]) -> None:
        change_settings(phone_auto_registration=True)

    def test_automatic_registration_is_disabled_by_default(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(phone_auto_registration=False)

        assert refusal(sign_in(client)) == (401, "INVALID_CREDENTIALS")
        change_settings(phone_auto_registration=True)
        assert sign_in(client).status_code == 201

    def test_an_unknown_number_becomes_an_account_without_an_email(
        self, client: FlaskClient
    ) -> None:
        answer = sign_in(client, "+1 415 555 0100")

        assert answer.status_code == 201
        assert signed_in(None).fullmatch(answer.text)
        assert profile(client, answer.json["accessToken"])["phone"] == PHONE

    def test_the_new_account_has_a_wallet_and_its_event_is_in_the_outbox(
        self, client: FlaskClient
    ) -> None:
        answer = sign_in(client).json

        wallet = client.get("/api/v1/wallet", headers=bearer(answer["accessToken"]))

        assert (wallet.status_code, wallet.json["balance"]) == (200, "0.00")
        with db.transaction() as session:
            (event,) = session.scalars(
                select(OutboxEvent).where(OutboxEvent.aggregate_id == UUID(answer["user"]["id"]))
            )
        assert (event.type, event.data) == ("account-created", {"role": "USER"})

    def test_later_requests_sign_in_to_the_new_account(self, client: FlaskClient) -> None:
        made = sign_in(client).json["user"]["id"]

        again = sign_in(client)

        assert (again.status_code, again.json["user"]["id"]) == (200, made)
        assert refusal(sign_in(client, password="correct-horse-2")) == (401, "INVALID_CREDENTIALS")

    @pytest.mark.parametrize("password", ["short-1", "iloveyou", "k7#pQ2x!" * 9 + "k"])
    def test_passwords_are_held_to_the_rules_of_registration(
        self, client: FlaskClient, password: str
    ) -> None:
        answer = sign_in(client, password=password)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["password"]

    def test_the_tokens_of_the_new_account_can_be_refreshed(self, client: FlaskClient) -> None:
        body = {"refreshToken": sign_in(client).json["refreshToken"]}

        token = client.post(f"{AUTH}/refresh", json=body).json["accessToken"]

        assert profile(client, token)["phone"] == PHONE

    def test_the_new_account_can_buy_and_its_orders_show_no_email(
        self, client: FlaskClient
    ) -> None:
        buyer = bearer(sign_in(client).json["accessToken"])
        seller = factories.merchant()
        order = {"productId": str(factories.product(seller)), "paymentMethod": "WALLET"}
        client.post("/api/v1/wallet/deposit", json={"amount": "50.00"}, headers=buyer)

        bought = client.post("/api/v1/orders", json=order, headers=buyer)
        (mine,) = client.get("/api/v1/orders", headers=buyer).json["data"]
        (sold,) = client.get("/api/v1/orders/merchant/sales", headers=seller.headers).json["data"]

        assert bought.status_code == 201
        assert [row["user"]["email"] for row in (bought.json, mine, sold)] == [None] * 3

    def test_concurrent_requests_create_one_account_and_all_sign_in(
        self, committing: Flask
    ) -> None:
        answers = all_at_once(lambda _: sign_in(committing.test_client()), range(12))

        assert outcomes(answers) == {(201, None): 1, (200, None): 11}
        assert len({answer.json["user"]["id"] for answer in answers}) == 1
        assert broken_invariants() == []


class TestAddingAnEmail:
    @pytest.fixture
    def token(self, client: FlaskClient, change_settings: Callable[..., None]) -> str:
        change_settings(phone_auto_registration=True)
        token: str = sign_in(client).json["accessToken"]
        return token

    def test_the_added_email_can_sign_in(self, client: FlaskClient, token: str) -> None:
        answer = change(client, token, email="Alice@Example.com")

        assert (answer.status_code, answer.json["email"]) == (200, "Alice@example.com")
        assert login(client, "alice@example.com").status_code == 200
        assert sign_in(client).status_code == 200

    def test_an_email_of_another_account_is_taken_whatever_its_case(
        self, client: FlaskClient, token: str
    ) -> None:
        register(client)

        assert refusal(change(client, token, email="ALICE@example.com")) == (409, "EMAIL_TAKEN")
        assert profile(client, token)["email"] is None

    def test_an_email_can_be_set_only_once(self, client: FlaskClient, token: str) -> None:
        change(client, token, email="alice@example.com")

        answer = change(client, token, email="eve@example.com")

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["email"]
        assert change(client, token, email="alice@example.com").status_code == 200

    @pytest.mark.parametrize("email", [None, "", "alice", 5])
    def test_an_invalid_email_is_refused(self, client: FlaskClient, token: str, email: Any) -> None:
        assert refusal(change(client, token, email=email)) == (400, "VALIDATION_ERROR")

    def test_the_number_can_be_removed_only_if_there_is_an_email(
        self, client: FlaskClient, token: str
    ) -> None:
        assert refusal(change(client, token, phone=None)) == (409, "PHONE_NEEDED")
        assert profile(client, token)["phone"] == PHONE

        answer = change(client, token, phone=None, email="alice@example.com")

        assert (answer.json["phone"], answer.json["email"]) == (None, "alice@example.com")
        assert login(client).status_code == 200
