"""The caller's wallet, over HTTP."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import db
from app.events.models import OutboxEvent
from app.wallets.models import JournalEntry, WalletTransaction
from tests import factories
from tests.environment import PRODUCTION
from tests.responses import TIME, UUID_TEXT, refusal
from tests.wallets.helpers import (
    WALLET,
    balance,
    deposit,
    lock,
    send_raw,
    set_limit,
    wallet_of,
    withdraw,
)


class TestReading:
    def test_the_response_has_exactly_the_documented_body(self, client: FlaskClient) -> None:
        answer = client.get(WALLET, headers=factories.buyer("12.30").headers)

        assert re.fullmatch(
            rf'{{"id":"{UUID_TEXT}","balance":"12.30","currency":"USD","isLocked":false,'
            rf'"createdAt":"{TIME}","updatedAt":"{TIME}","available":"12.30","held":"0.00",'
            r'"number":"\d{12}"}',
            answer.text,
        )

    def test_a_new_wallet_is_empty(self, client: FlaskClient) -> None:
        assert balance(client, factories.actor()) == "0.00"

    def test_each_user_reads_their_own_wallet(self, client: FlaskClient) -> None:
        alice, bob = factories.buyer("1.00"), factories.buyer("2.00")

        assert (balance(client, alice), balance(client, bob)) == ("1.00", "2.00")

    def test_authentication_is_required(self, client: FlaskClient) -> None:
        assert refusal(client.get(WALLET)) == (401, "UNAUTHORIZED")

    def test_a_user_without_a_wallet_in_the_default_currency_is_refused(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        user = factories.actor()
        change_settings(default_currency="EUR")

        assert refusal(client.get(WALLET, headers=user.headers)) == (404, "WALLET_NOT_FOUND")
        assert refusal(deposit(client, user, "1.00")) == (404, "WALLET_NOT_FOUND")


class TestDepositing:
    def test_the_response_has_exactly_the_documented_body(self, client: FlaskClient) -> None:
        user = factories.buyer("0.50")

        answer = deposit(client, user, "17.50", description="Birthday money")

        assert answer.status_code == 200
        match = re.fullmatch(
            rf'{{"wallet":{{"id":"({UUID_TEXT})","balance":"18.00","currency":"USD",'
            rf'"isLocked":false,"createdAt":"{TIME}","updatedAt":"{TIME}",'
            r'"available":"18.00","held":"0.00","number":"\d{12}"},'
            rf'"transaction":{{"id":"{UUID_TEXT}","type":"DEPOSIT","status":"COMPLETED",'
            r'"amount":"17.50","balanceBefore":"0.50","balanceAfter":"18.00","currency":"USD",'
            r'"description":"Birthday money","referenceType":null,"referenceId":null,'
            rf'"metadata":null,"createdAt":"{TIME}","walletId":"({UUID_TEXT})","orderNumber":null}}}}',
            answer.text,
        )
        assert match is not None
        assert match[1] == match[2]

    def test_the_wallet_shows_the_deposit(self, client: FlaskClient) -> None:
        user = factories.actor()

        wallet = deposit(client, user, "17.50").json["wallet"]

        assert wallet_of(client, user) == wallet

    def test_a_deposit_is_debited_from_the_bank_account(self, client: FlaskClient) -> None:
        user = factories.actor()
        posting_id = UUID(deposit(client, user, "17.50").json["transaction"]["id"])

        with db.transaction() as session:
            entry_id = session.get_one(WalletTransaction, posting_id).journal_entry_id
            entry = session.get_one(JournalEntry, entry_id)
            amounts = session.scalars(
                select(WalletTransaction.amount).where(
                    WalletTransaction.journal_entry_id == entry_id
                )
            ).all()
        assert (entry.kind, entry.initiator_id) == ("DEPOSIT", user.id)
        assert sorted(amounts) == [-1750, 1750]

    def test_the_deposit_is_recorded_in_the_outbox(self, client: FlaskClient) -> None:
        user = factories.actor()
        answer = deposit(client, user, "17.50").json

        with db.transaction() as session:
            (event,) = session.scalars(
                select(OutboxEvent).where(OutboxEvent.aggregate_id == UUID(answer["wallet"]["id"]))
            )
        assert event.type == "balance-updated"
        assert event.data["transactionId"] == answer["transaction"]["id"]
        assert (event.data["amount"], event.data["balance"]) == (1750, 1750)

    @pytest.mark.parametrize(
        ("raw", "credited"),
        [
            ("100", "100.00"),
            ("17.5", "17.50"),
            ('"17.50"', "17.50"),
            ('"17.5"', "17.50"),
            ("0.01", "0.01"),
            ("1e2", "100.00"),
            ("1E+2", "100.00"),
            ("0.1e1", "1.00"),
            ('"007"', "7.00"),
            ("10000.00", "10000.00"),
            ("1.10", "1.10"),
            ("4.35", "4.35"),  # 434.99999999999994 cents in binary floating point
            ("1.005e1", "10.05"),
        ],
    )
    def test_numbers_and_decimal_strings_are_credited_exactly(
        self, client: FlaskClient, raw: str, credited: str
    ) -> None:
        user = factories.actor()

        answer = send_raw(client, user, "deposit", raw)

        assert answer.status_code == 200
        assert answer.json["transaction"]["amount"] == credited
        assert balance(client, user) == credited

    @pytest.mark.parametrize("call", ["deposit", "withdraw"])
    @pytest.mark.parametrize(
        "raw",
        [
            "0",
            "0.00",
            "-0.0",
            '"0"',
            "-1",
            "-0.01",
            '"-5.00"',
            "0.005",
            '"0.005"',
            "1.001",
            "1.000000000000000000000000000001",
            '"1.000000000000000000000000000001"',
            "1e-3",
            "1e400",
            "1e-400",
            "-1e400",
            "1e999999999",
            "1" * 31,
            '"' + "1" * 31 + '"',
            '"17,50"',
            '"1_000"',
            '"\uff11\uff12"',
            '"٣"',
            '" 1"',
            '"1 "',
            '"+1"',
            '"1."',
            '".5"',
            '"1e2"',
            '"0x10"',
            '"NaN"',
            '"Infinity"',
            '"1\\n"',
            '""',
            '"ten"',
            "true",
            "false",
            "null",
            "[]",
            "[1]",
            "{}",
            '{"amount":1}',
        ],
    )
    def test_invalid_amounts_are_refused(self, client: FlaskClient, raw: str, call: str) -> None:
        user = factories.buyer("50.00")

        answer = send_raw(client, user, call, raw)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["amount"]
        assert balance(client, user) == "50.00"

    @pytest.mark.parametrize(
        "raw",
        ["NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5", "1_000", "0x10", "\uff11\uff12"],
    )
    def test_numbers_that_are_not_json_are_malformed(self, client: FlaskClient, raw: str) -> None:
        answer = send_raw(client, factories.actor(), "deposit", raw)

        assert refusal(answer) == (400, "MALFORMED_JSON")

    def test_an_amount_above_the_maximum_is_refused(self, client: FlaskClient) -> None:
        user = factories.actor()

        assert deposit(client, user, "10000.00").status_code == 200
        answer = deposit(client, user, "10000.01")

        assert refusal(answer) == (400, "INVALID_DEPOSIT_AMOUNT")
        assert answer.json["message"] == "Deposit amount cannot exceed $10000.00 (maximum)"
        assert answer.json["details"] == {"maximum": "10000.00"}
        assert balance(client, user) == "10000.00"

    @pytest.mark.parametrize("amount", ["92233720368547758.07", "92233720368547758.08", "9" * 30])
    def test_huge_amounts_are_refused(self, client: FlaskClient, amount: str) -> None:
        answer = deposit(client, factories.actor(), amount)

        assert answer.status_code == 400
        assert refusal(answer)[1] in ("INVALID_DEPOSIT_AMOUNT", "VALIDATION_ERROR")

    def test_a_deposit_cannot_overflow_a_wallet(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        maximum = "92233720368547758.07"
        user = factories.actor(balance="1.00")
        for window in ("DAY", "MONTH"):
            set_limit(client, user, "DEPOSIT", window, maximum)
        change_settings(maximum_deposit=Decimal(maximum))

        answer = deposit(client, user, maximum)

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["message"] == "The balance would exceed the maximum balance of a wallet"
        assert balance(client, user) == "1.00"

    @pytest.mark.parametrize("description", ["", "   ", "x" * 201, 5, ["a"]])
    def test_an_invalid_description_is_refused(self, client: FlaskClient, description: Any) -> None:
        answer = deposit(client, factories.actor(), "1.00", description=description)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["description"]

    def test_a_description_is_stored_unchanged(self, client: FlaskClient) -> None:
        text = "Für Zoë 🎁 \\u0000 <b>'; DROP TABLE wallets; --"

        answer = deposit(client, factories.actor(), "1.00", description=text)

        assert answer.json["transaction"]["description"] == text

    def test_the_default_description_is_wallet_deposit(self, client: FlaskClient) -> None:
        answer = deposit(client, factories.actor(), "1.00")

        assert answer.json["transaction"]["description"] == "Wallet deposit"

    def test_a_locked_wallet_is_refused(self, client: FlaskClient) -> None:
        user = factories.actor()
        lock(client, user)

        assert refusal(deposit(client, user, "1.00")) == (403, "WALLET_LOCKED")
        assert balance(client, user) == "0.00"

    def test_deposits_are_refused_when_direct_deposits_are_disabled(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        user = factories.actor()
        change_settings(direct_deposits=False)

        assert refusal(deposit(client, user, "1.00")) == (403, "FORBIDDEN")
        assert balance(client, user) == "0.00"

    def test_deposits_are_refused_in_production_by_default(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(direct_deposits=None, **PRODUCTION)

        assert refusal(deposit(client, factories.actor(), "1.00")) == (403, "FORBIDDEN")


class TestWithdrawing:
    def test_the_response_has_exactly_the_documented_body(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")

        answer = withdraw(client, user, 7.5)

        assert answer.status_code == 200
        assert re.fullmatch(
            rf'{{"wallet":{{"id":"{UUID_TEXT}","balance":"12.50","currency":"USD",'
            rf'"isLocked":false,"createdAt":"{TIME}","updatedAt":"{TIME}",'
            r'"available":"12.50","held":"0.00","number":"\d{12}"},'
            rf'"transaction":{{"id":"{UUID_TEXT}","type":"WITHDRAWAL","status":"COMPLETED",'
            r'"amount":"7.50","balanceBefore":"20.00","balanceAfter":"12.50","currency":"USD",'
            r'"description":"Wallet withdrawal","referenceType":null,"referenceId":null,'
            rf'"metadata":null,"createdAt":"{TIME}","walletId":"{UUID_TEXT}","orderNumber":null}}}}',
            answer.text,
        )

    def test_the_whole_balance_can_be_withdrawn(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")

        assert withdraw(client, user, "20.00").status_code == 200
        assert balance(client, user) == "0.00"

    def test_an_amount_above_the_balance_is_refused(self, client: FlaskClient) -> None:
        user = factories.buyer("12.30")

        answer = withdraw(client, user, "12.31")

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert answer.json["message"] == "Insufficient funds. Required: $12.31, Available: $12.30"
        assert answer.json["details"] == {"required": "12.31", "available": "12.30"}
        assert balance(client, user) == "12.30"

    def test_a_held_amount_cannot_be_withdrawn(self, client: FlaskClient) -> None:
        user = factories.buyer("10.00")
        with db.transaction() as session:
            session.execute(
                db.Base.metadata.tables["wallets"]
                .update()
                .where(db.Base.metadata.tables["wallets"].c.user_id == user.id)
                .values(held=400)
            )

        answer = withdraw(client, user, "6.01")

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert answer.json["details"] == {"required": "6.01", "available": "6.00"}
        wallet = withdraw(client, user, "6.00").json["wallet"]
        assert (wallet["balance"], wallet["held"], wallet["available"]) == ("4.00", "4.00", "0.00")

    def test_an_amount_below_the_minimum_is_refused(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")

        answer = withdraw(client, user, "0.99")

        assert refusal(answer) == (400, "INVALID_WITHDRAWAL_AMOUNT")
        assert answer.json["message"] == "Withdrawal amount must be at least $1.00 (minimum)"
        assert answer.json["details"] == {"minimum": "1.00"}
        assert withdraw(client, user, "1.00").status_code == 200

    def test_a_locked_wallet_is_refused(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")
        lock(client, user)

        assert refusal(withdraw(client, user, "1.00")) == (403, "WALLET_LOCKED")
        assert balance(client, user) == "20.00"

    def test_a_refused_withdrawal_is_not_in_the_history(self, client: FlaskClient) -> None:
        user = factories.buyer("1.00")

        withdraw(client, user, "2.00")

        history = client.get(f"{WALLET}/transactions", headers=user.headers).json
        assert [row["type"] for row in history["data"]] == ["DEPOSIT"]
