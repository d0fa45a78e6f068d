"""Bank accounts over HTTP: saved once, and always masked."""

import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common import encryption, http
from app.common.db import transaction
from app.common.ids import new_id
from app.payouts.bank_accounts import service as bank_accounts
from app.payouts.bank_accounts.models import BankAccount
from tests import factories
from tests.authenticator import ManualClock, enable_two_factor
from tests.factories import Actor
from tests.payouts.helpers import (
    ACCOUNT,
    NUMBER,
    WALLET,
    bank_account_of,
    create_bank_account,
    create_payout,
)
from tests.responses import TIME, UUID_TEXT, error_body, refusal

MASKED = "••••••3456"


def saved(client: FlaskClient, user: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{WALLET}/bank-accounts", headers=user.headers).json
    return found


def delete(client: FlaskClient, user: Actor, account_id: str) -> Any:
    return client.delete(f"{WALLET}/bank-accounts/{account_id}", headers=user.headers)


class TestSaving:
    def test_the_response_shows_only_the_end_of_the_number(self, client: FlaskClient) -> None:
        answer = create_bank_account(client, factories.buyer(), label="Savings")

        assert answer.status_code == 201
        assert list(answer.json) == [
            "id",
            "provider",
            "holder",
            "number",
            "routing",
            "label",
            "createdAt",
        ]
        assert answer.json["number"] == MASKED
        assert (answer.json["provider"], answer.json["label"]) == ("HDFC", "Savings")
        assert (answer.json["holder"], answer.json["routing"]) == ("Alice Jones", "HDFC0001234")

    def test_bank_accounts_are_listed_for_their_user_only(self, client: FlaskClient) -> None:
        user = factories.buyer()
        first = create_bank_account(client, user).json
        second = create_bank_account(client, user, number="60200987654321", label="Rent").json

        assert saved(client, user) == [second, first]
        assert saved(client, factories.buyer()) == []

    def test_spaces_hyphens_and_case_are_normalized(self, client: FlaskClient) -> None:
        user = factories.buyer()
        answer = create_bank_account(
            client, user, number=" gb29-nwbk 6016-1331 9268 19 ", routing="nwbk gb2l"
        )

        assert (answer.json["number"], answer.json["routing"]) == ("••••••6819", "NWBKGB2L")
        with transaction() as session:
            account = session.get_one(BankAccount, UUID(answer.json["id"]))
            assert bank_accounts.decrypt_number(account) == "GB29NWBK60161331926819"

    @pytest.mark.parametrize(
        "fields",
        [
            {"number": "1234567"},
            {"number": "1" * 35},
            {"number": "5010012345ß"},
            {"number": 50100123453456},
            {"number": ""},
            {"routing": "HDF"},
            {"routing": "HDFC0001234567890"},
            {"routing": "HDFC_0001234"},
            {"holder": ""},
            {"holder": "x" * 101},
            {"label": "x" * 51},
            {"provider": ""},
            {"branch": "Pune"},
        ],
        ids=str,
    )
    def test_invalid_input_is_refused(self, client: FlaskClient, fields: dict[str, Any]) -> None:
        answer = create_bank_account(client, factories.buyer(), **fields)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == list(fields)

    def test_an_error_does_not_contain_the_number(self, client: FlaskClient) -> None:
        answer = create_bank_account(client, factories.buyer(), number=NUMBER + "!")
        assert answer.status_code == 400
        assert "3456" not in answer.text

    def test_an_unknown_bank_is_refused(self, client: FlaskClient) -> None:
        assert refusal(create_bank_account(client, factories.buyer(), provider="SBI")) == (
            400,
            "PROVIDER_UNKNOWN",
        )

    def test_the_same_bank_account_is_saved_once(self, client: FlaskClient) -> None:
        user = factories.buyer()
        create_bank_account(client, user)

        again = create_bank_account(
            client, user, number="5010 0123 4534 56", holder="A. Jones", label="Other"
        )
        assert refusal(again) == (409, "BANK_ACCOUNT_TAKEN")
        assert len(saved(client, user)) == 1

    @pytest.mark.parametrize(
        "difference", [{"provider": "AXIS"}, {"routing": "HDFC0004321"}, {"number": "9" * 12}]
    )
    def test_another_bank_branch_or_number_is_another_bank_account(
        self, client: FlaskClient, difference: dict[str, str]
    ) -> None:
        user = factories.buyer()
        create_bank_account(client, user)
        assert create_bank_account(client, user, **difference).status_code == 201

    def test_two_users_can_save_the_same_bank_account(self, client: FlaskClient) -> None:
        create_bank_account(client, factories.buyer())
        assert create_bank_account(client, factories.buyer()).status_code == 201

    def test_duplicates_are_found_after_a_key_rotation(
        self, client: FlaskClient, app: Flask
    ) -> None:
        user, secrets = factories.buyer(), http.settings().encryption_secrets
        create_bank_account(client, user)
        encryption.configure(["a new secret, of 32 characters or more", *secrets])
        try:
            assert refusal(create_bank_account(client, user)) == (409, "BANK_ACCOUNT_TAKEN")
        finally:
            encryption.configure(secrets)

    def test_a_user_has_at_most_ten(self, client: FlaskClient) -> None:
        user = factories.buyer()
        for number in range(10):
            bank_account_of(client, user, number=f"1000000{number}")

        answer = create_bank_account(client, user)
        assert refusal(answer) == (409, "TOO_MANY_BANK_ACCOUNTS")
        assert error_body(answer)["details"] == {"most": 10}
        delete(client, user, saved(client, user)[0]["id"])
        assert create_bank_account(client, user).status_code == 201

    def test_the_password_is_required(self, client: FlaskClient) -> None:
        user = factories.buyer()

        missing = create_bank_account(client, user, password=None)
        wrong = create_bank_account(client, user, password="not-the-password-1")

        assert refusal(missing) == (400, "VALIDATION_ERROR")
        assert refusal(wrong) == (401, "INVALID_CREDENTIALS")
        assert saved(client, user) == []

    def test_with_two_factor_a_code_is_required(
        self, client: FlaskClient, totp_clock: ManualClock
    ) -> None:
        user = factories.buyer()
        app = enable_two_factor(client, user, totp_clock)

        without = create_bank_account(client, user)
        wrong = create_bank_account(client, user, code=app.wrong_code())
        assert refusal(without) == (403, "TWO_FACTOR_REQUIRED")
        assert refusal(wrong) == (400, "TWO_FACTOR_CODE_WRONG")
        assert saved(client, user) == []
        assert create_bank_account(client, user, code=app.code()).status_code == 201

    def test_saving_is_rate_limited(self, rate_limited: Flask, client: FlaskClient) -> None:
        user = factories.buyer()
        for _ in range(60):
            create_bank_account(client, user, provider="SBI")
        assert refusal(create_bank_account(client, user)) == (429, "RATE_LIMITED")


class TestDeleting:
    def test_a_deleted_bank_account_can_be_saved_again(self, client: FlaskClient) -> None:
        user = factories.buyer()
        account_id = bank_account_of(client, user)

        assert delete(client, user, account_id).status_code == 204
        assert saved(client, user) == []
        assert refusal(delete(client, user, account_id)) == (404, "BANK_ACCOUNT_NOT_FOUND")
        assert bank_account_of(client, user) != account_id

    def test_a_payout_to_a_deleted_bank_account_is_refused(self, client: FlaskClient) -> None:
        user = factories.buyer()
        account_id = bank_account_of(client, user)
        delete(client, user, account_id)
        assert refusal(create_payout(client, user, account_id)) == (404, "BANK_ACCOUNT_NOT_FOUND")

    @pytest.mark.parametrize("call", ["delete", "pay out"])
    def test_a_bank_account_of_another_user_is_not_found(
        self, client: FlaskClient, call: str
    ) -> None:
        owner, other = factories.buyer(), factories.buyer()
        account_id = bank_account_of(client, owner)
        answer = (
            delete(client, other, account_id)
            if call == "delete"
            else create_payout(client, other, account_id)
        )
        assert refusal(answer) == (404, "BANK_ACCOUNT_NOT_FOUND")
        assert len(saved(client, owner)) == 1


class TestAtRest:
    def test_the_database_does_not_contain_the_number(self, client: FlaskClient) -> None:
        user = factories.buyer()
        create_payout(client, user, bank_account_of(client, user), description="To my savings")
        with transaction() as session:
            tables = session.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ).all()
            rows = [
                bytes_shown
                for table in tables
                for bytes_shown in session.scalars(text(f"SELECT t::text FROM {table} t"))
            ]
        assert any("HDFC0001234" in row for row in rows)
        for written in (NUMBER, NUMBER.encode().hex()):
            assert [row for row in rows if written in row] == []

    def test_a_number_copied_to_another_row_cannot_be_decrypted(self, client: FlaskClient) -> None:
        owner, other = factories.buyer(), factories.buyer()
        ids = [UUID(bank_account_of(client, user)) for user in (owner, other)]
        with transaction() as session:
            first, second = (session.get_one(BankAccount, account_id) for account_id in ids)
            session.expunge(second)  # not written
            second.encrypted_number = first.encrypted_number
            with pytest.raises(encryption.DecryptionFailed):
                bank_accounts.decrypt_number(second)

    def test_fingerprints_of_two_users_differ(self, client: FlaskClient) -> None:
        for _ in range(2):
            bank_account_of(client, factories.buyer())
        with transaction() as session:
            prints = session.scalars(text("SELECT fingerprint FROM bank_accounts")).all()
        assert len(set(prints)) == 2


def test_ids_and_timestamps_have_the_documented_format(client: FlaskClient) -> None:
    answer = create_bank_account(client, factories.buyer()).json
    assert re.fullmatch(UUID_TEXT, answer["id"])
    assert re.fullmatch(TIME, answer["createdAt"])
    assert new_id().version == UUID(answer["id"]).version
    assert ACCOUNT["number"] not in str(answer)
