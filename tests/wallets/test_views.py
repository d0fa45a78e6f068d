"""Money of the caller, over HTTP."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.auth.models import Role
from app.common import clock, db
from app.events.models import OutboxEvent
from app.wallets.ledger import system_account
from app.wallets.models import JournalEntry, SystemCode, WalletTransaction
from tests import factories
from tests.answers import error_body, refusal
from tests.factories import Actor

WALLET = "/api/v1/wallet"
UUID_TEXT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def deposit(client: FlaskClient, user: Actor, amount: Any, **fields: Any) -> TestResponse:
    body = {"amount": amount} | fields
    return client.post(f"{WALLET}/deposit", json=body, headers=user.headers)


def withdraw(client: FlaskClient, user: Actor, amount: Any, **fields: Any) -> TestResponse:
    body = {"amount": amount} | fields
    return client.post(f"{WALLET}/withdraw", json=body, headers=user.headers)


def send_raw(client: FlaskClient, user: Actor, call: str, amount: str) -> TestResponse:
    """amount: as it stands in the JSON text."""
    return client.post(
        f"{WALLET}/{call}",
        data=f'{{"amount":{amount}}}'.encode(),
        content_type="application/json",
        headers=user.headers,
    )


def wallet_of(client: FlaskClient, user: Actor) -> dict[str, Any]:
    wallet: dict[str, Any] = client.get(WALLET, headers=user.headers).json
    return wallet


def balance(client: FlaskClient, user: Actor) -> str:
    amount: str = wallet_of(client, user)["balance"]
    return amount


def set_limit(
    client: FlaskClient, user: Actor, kind: str, window: str, amount: str
) -> TestResponse:
    return client.put(
        f"/api/v1/admin/users/{user.id}/limits",
        json={"type": kind, "window": window, "amount": amount},
        headers=factories.admin().headers,
    )


def lock(client: FlaskClient, user: Actor) -> TestResponse:
    return client.post(
        f"/api/v1/admin/wallets/{wallet_of(client, user)['id']}/lock",
        json={"reason": "Under review"},
        headers=factories.admin().headers,
    )


class TestLookingAtMyWallet:
    def test_the_answer_is_the_contract_s_to_the_byte(self, client: FlaskClient) -> None:
        answer = client.get(WALLET, headers=factories.buyer("12.30").headers)

        assert re.fullmatch(
            rf'{{"id":"{UUID_TEXT}","balance":"12.30","currency":"USD","isLocked":false,'
            rf'"createdAt":"{TIME}","updatedAt":"{TIME}","available":"12.30","held":"0.00"}}',
            answer.text,
        )

    def test_a_new_one_is_empty(self, client: FlaskClient) -> None:
        assert balance(client, factories.actor()) == "0.00"

    def test_everybody_sees_their_own(self, client: FlaskClient) -> None:
        alice, bob = factories.buyer("1.00"), factories.buyer("2.00")

        assert (balance(client, alice), balance(client, bob)) == ("1.00", "2.00")

    def test_strangers_see_none(self, client: FlaskClient) -> None:
        assert refusal(client.get(WALLET)) == (401, "UNAUTHORIZED")

    def test_a_user_without_one_in_the_shop_s_currency_is_told(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        user = factories.actor()
        change_settings(default_currency="EUR")

        assert refusal(client.get(WALLET, headers=user.headers)) == (404, "WALLET_NOT_FOUND")
        assert refusal(deposit(client, user, "1.00")) == (404, "WALLET_NOT_FOUND")


class TestDepositing:
    def test_the_answer_is_the_contract_s_to_the_byte(self, client: FlaskClient) -> None:
        user = factories.buyer("0.50")

        answer = deposit(client, user, "17.50", description="Birthday money")

        assert answer.status_code == 200
        match = re.fullmatch(
            rf'{{"wallet":{{"id":"({UUID_TEXT})","balance":"18.00","currency":"USD",'
            rf'"isLocked":false,"createdAt":"{TIME}","updatedAt":"{TIME}",'
            r'"available":"18.00","held":"0.00"},'
            rf'"transaction":{{"id":"{UUID_TEXT}","type":"DEPOSIT","status":"COMPLETED",'
            r'"amount":"17.50","balanceBefore":"0.50","balanceAfter":"18.00","currency":"USD",'
            r'"description":"Birthday money","referenceType":null,"referenceId":null,'
            rf'"metadata":null,"createdAt":"{TIME}","walletId":"({UUID_TEXT})"}}}}',
            answer.text,
        )
        assert match is not None
        assert match[1] == match[2]

    def test_the_wallet_shows_it(self, client: FlaskClient) -> None:
        user = factories.actor()

        wallet = deposit(client, user, "17.50").json["wallet"]

        assert wallet_of(client, user) == wallet

    def test_it_comes_from_the_bank_account(self, client: FlaskClient) -> None:
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

    def test_it_is_told_in_the_outbox(self, client: FlaskClient) -> None:
        user = factories.actor()
        answer = deposit(client, user, "17.50").json

        with db.transaction() as session:
            (event,) = session.scalars(
                select(OutboxEvent).where(OutboxEvent.aggregate_id == UUID(answer["wallet"]["id"]))
            )
        assert event.type == "balance-updated"
        assert event.data["transactionId"] == answer["transaction"]["id"]
        assert (event.data["amount"], event.data["balance"]) == (1750, 1750)
        assert event.delivered_at is None

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
    def test_numbers_and_decimal_strings_are_taken_exactly(
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
    def test_everything_else_is_refused_and_moves_nothing(
        self, client: FlaskClient, raw: str, call: str
    ) -> None:
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

    def test_the_maximum_is_allowed_and_a_cent_more_is_not(self, client: FlaskClient) -> None:
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

    def test_a_wallet_never_overflows(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        maximum = "92233720368547758.07"
        user = factories.actor(balance="1.00")
        for window in ("DAY", "MONTH"):
            set_limit(client, user, "DEPOSIT", window, maximum)
        change_settings(maximum_deposit=Decimal(maximum))

        answer = deposit(client, user, maximum)

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["message"] == "The wallet cannot hold that much"
        assert balance(client, user) == "1.00"

    @pytest.mark.parametrize("description", ["", "   ", "x" * 201, 5, ["a"]])
    def test_a_description_is_text_of_1_to_200_characters(
        self, client: FlaskClient, description: Any
    ) -> None:
        answer = deposit(client, factories.actor(), "1.00", description=description)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["description"]

    def test_a_description_is_kept_as_written(self, client: FlaskClient) -> None:
        text = "Für Zoë 🎁 \\u0000 <b>'; DROP TABLE wallets; --"

        answer = deposit(client, factories.actor(), "1.00", description=text)

        assert answer.json["transaction"]["description"] == text

    def test_without_a_description_it_says_what_it_is(self, client: FlaskClient) -> None:
        answer = deposit(client, factories.actor(), "1.00")

        assert answer.json["transaction"]["description"] == "Wallet deposit"

    def test_a_locked_wallet_is_refused(self, client: FlaskClient) -> None:
        user = factories.actor()
        lock(client, user)

        assert refusal(deposit(client, user, "1.00")) == (403, "WALLET_LOCKED")
        assert balance(client, user) == "0.00"

    def test_it_is_refused_where_money_comes_in_through_the_bank(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        user = factories.actor()
        change_settings(direct_deposits=False)

        assert refusal(deposit(client, user, "1.00")) == (403, "FORBIDDEN")
        assert balance(client, user) == "0.00"

    def test_production_refuses_it_without_being_told(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(
            app_env="production",
            direct_deposits=None,
            jwt_access_secret="a" * 32,
            jwt_refresh_secret="b" * 32,
        )

        assert refusal(deposit(client, factories.actor(), "1.00")) == (403, "FORBIDDEN")


class TestWithdrawing:
    def test_the_answer_is_the_contract_s_to_the_byte(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")

        answer = withdraw(client, user, 7.5)

        assert answer.status_code == 200
        assert re.fullmatch(
            rf'{{"wallet":{{"id":"{UUID_TEXT}","balance":"12.50","currency":"USD",'
            rf'"isLocked":false,"createdAt":"{TIME}","updatedAt":"{TIME}",'
            r'"available":"12.50","held":"0.00"},'
            rf'"transaction":{{"id":"{UUID_TEXT}","type":"WITHDRAWAL","status":"COMPLETED",'
            r'"amount":"7.50","balanceBefore":"20.00","balanceAfter":"12.50","currency":"USD",'
            r'"description":"Wallet withdrawal","referenceType":null,"referenceId":null,'
            rf'"metadata":null,"createdAt":"{TIME}","walletId":"{UUID_TEXT}"}}}}',
            answer.text,
        )

    def test_everything_can_be_taken_out(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")

        assert withdraw(client, user, "20.00").status_code == 200
        assert balance(client, user) == "0.00"

    def test_a_cent_more_than_there_is_is_refused(self, client: FlaskClient) -> None:
        user = factories.buyer("12.30")

        answer = withdraw(client, user, "12.31")

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert answer.json["message"] == "Insufficient funds. Required: $12.31, Available: $12.30"
        assert answer.json["details"] == {"required": "12.31", "available": "12.30"}
        assert balance(client, user) == "12.30"

    def test_money_that_is_held_cannot_be_taken_out(self, client: FlaskClient) -> None:
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

    def test_the_minimum_is_allowed_and_a_cent_less_is_not(self, client: FlaskClient) -> None:
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

    def test_a_refusal_leaves_no_row(self, client: FlaskClient) -> None:
        user = factories.buyer("1.00")

        withdraw(client, user, "2.00")

        history = client.get(f"{WALLET}/transactions", headers=user.headers).json
        assert [row["type"] for row in history["data"]] == ["DEPOSIT"]


class TestLimits:
    @pytest.mark.parametrize(
        ("window", "name"), [("DAY", "day"), ("MONTH", "month"), ("TRANSACTION", "transaction")]
    )
    def test_a_user_s_own_limit_binds(self, client: FlaskClient, window: str, name: str) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", window, "100.00")

        answer = deposit(client, user, "100.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["message"] == (
            f"This would exceed your limit of $100.00 per {name}; $100.00 is left"
        )
        assert answer.json["details"] == {
            "type": "DEPOSIT",
            "window": window,
            "limit": "100.00",
            "used": "0.00",
            "remaining": "100.00",
        }
        assert deposit(client, user, "100.00").status_code == 200

    @pytest.mark.parametrize("window", ["DAY", "MONTH"])
    def test_what_moved_in_the_window_counts(self, client: FlaskClient, window: str) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", window, "100.00")
        deposit(client, user, "60.00")

        answer = deposit(client, user, "40.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert (answer.json["details"]["used"], answer.json["details"]["remaining"]) == (
            "60.00",
            "40.00",
        )
        assert deposit(client, user, "40.00").status_code == 200
        assert refusal(deposit(client, user, "0.01")) == (400, "LIMIT_EXCEEDED")

    def test_a_limit_per_transaction_does_not_add_up(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "TRANSACTION", "100.00")

        assert [deposit(client, user, "100.00").status_code for _ in range(3)] == [200] * 3

    def test_what_moved_before_the_window_does_not_count(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "100.00")
        now = clock.now()
        with monkeypatch.context() as past:
            past.setattr(clock, "now", lambda: now - timedelta(hours=24, seconds=1))
            assert deposit(client, user, "100.00").status_code == 200

        assert deposit(client, user, "100.00").status_code == 200
        assert refusal(deposit(client, user, "0.01")) == (400, "LIMIT_EXCEEDED")

    def test_directions_are_limited_apart(self, client: FlaskClient) -> None:
        user = factories.buyer("50.00")
        set_limit(client, user, "WITHDRAWAL", "DAY", "10.00")

        assert deposit(client, user, "100.00").status_code == 200
        assert withdraw(client, user, "10.00").status_code == 200
        answer = withdraw(client, user, "1.00")
        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["details"]["type"] == "WITHDRAWAL"

    def test_a_refused_movement_uses_nothing_up(self, client: FlaskClient) -> None:
        user = factories.buyer("5.00")
        set_limit(client, user, "WITHDRAWAL", "DAY", "5.00")

        withdraw(client, user, "6.00")

        assert withdraw(client, user, "5.00").status_code == 200

    def test_everybody_has_the_limits_of_their_role(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(maximum_deposit=Decimal("2000000.00"))
        user = factories.actor()

        answer = deposit(client, user, "1000000.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["details"]["limit"] == "1000000.00"
        set_limit(client, user, "DEPOSIT", "DAY", "2000000.00")
        assert deposit(client, user, "1000000.01").status_code == 200

    def test_a_limit_of_zero_stops_everything(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "0")

        assert refusal(deposit(client, user, "0.01")) == (400, "LIMIT_EXCEEDED")

    def test_one_user_s_limit_is_nobody_else_s(self, client: FlaskClient) -> None:
        user, other = factories.actor(), factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "0")

        assert deposit(client, other, "1.00").status_code == 200

    def test_setting_one_answers_with_it_and_is_audited(self, client: FlaskClient) -> None:
        user = factories.actor()

        answers = [set_limit(client, user, "DEPOSIT", "DAY", amount) for amount in ("5", "7.50")]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[1].text == (
            '{"type":"DEPOSIT","window":"DAY","amount":"7.50","currency":"USD"}'
        )
        with db.transaction() as session:
            records = session.scalars(
                select(AuditRecord).where(AuditRecord.target_id == user.id).order_by(AuditRecord.id)
            ).all()
        assert [record.action for record in records] == ["limit.set"] * 2
        assert records[1].details["amount"] == "7.50"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("type", "PAYMENT"),
            ("type", None),
            ("window", "WEEK"),
            ("window", "day"),
            ("amount", "-1"),
            ("amount", "0.001"),
            ("amount", True),
        ],
    )
    def test_what_is_no_limit_is_refused(self, client: FlaskClient, field: str, value: Any) -> None:
        body = {"type": "DEPOSIT", "window": "DAY", "amount": "1.00"} | {field: value}

        answer = client.put(
            f"/api/v1/admin/users/{factories.actor().id}/limits",
            json=body,
            headers=factories.admin().headers,
        )

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_an_unknown_user_is_404(self, client: FlaskClient) -> None:
        answer = client.put(
            "/api/v1/admin/users/01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11/limits",
            json={"type": "DEPOSIT", "window": "DAY", "amount": "1.00"},
            headers=factories.admin().headers,
        )

        assert refusal(answer) == (404, "USER_NOT_FOUND")


class TestHistory:
    def read(self, client: FlaskClient, user: Actor, **query: Any) -> TestResponse:
        return client.get(f"{WALLET}/transactions", query_string=query, headers=user.headers)

    def amounts(self, client: FlaskClient, user: Actor, **query: Any) -> list[str]:
        return [row["amount"] for row in self.read(client, user, **query).json["data"]]

    def test_newest_comes_first_in_the_contract_s_shape(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")
        made = withdraw(client, user, "7.50").json["transaction"]

        answer = self.read(client, user)

        assert list(answer.json) == ["data", "meta"]
        assert answer.json["data"][0] == made
        assert [row["type"] for row in answer.json["data"]] == ["WITHDRAWAL", "DEPOSIT"]
        assert answer.text.endswith(
            '"meta":{"total":2,"page":1,"limit":20,"totalPages":1,"nextCursor":null}}'
        )

    def test_a_new_wallet_has_none(self, client: FlaskClient) -> None:
        assert self.read(client, factories.actor()).text == (
            '{"data":[],"meta":{"total":0,"page":1,"limit":20,"totalPages":0,"nextCursor":null}}'
        )

    def test_nobody_sees_somebody_else_s(self, client: FlaskClient) -> None:
        factories.buyer("20.00")

        assert self.amounts(client, factories.buyer("1.00")) == ["1.00"]

    def test_pages_by_number(self, client: FlaskClient) -> None:
        user = factories.actor()
        for cents in range(1, 6):
            deposit(client, user, f"0.0{cents}")

        assert self.amounts(client, user, page=1, limit=2) == ["0.05", "0.04"]
        assert self.amounts(client, user, page=3, limit=2) == ["0.01"]
        assert self.amounts(client, user, page=4, limit=2) == []
        meta = self.read(client, user, page=2, limit=2).json["meta"]
        assert (meta["total"], meta["page"], meta["totalPages"]) == (5, 2, 3)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
    def test_a_walk_by_cursor_sees_every_row_once_while_rows_are_added(
        self, client: FlaskClient, limit: int
    ) -> None:
        user = factories.actor()
        for cents in range(10, 17):
            deposit(client, user, f"0.{cents}")
        seen: list[str] = []
        query: dict[str, Any] = {"limit": limit}

        for _ in range(10):
            page = self.read(client, user, **query).json
            seen += [row["amount"] for row in page["data"]]
            deposit(client, user, "5.00")
            if page["meta"]["nextCursor"] is None:
                break
            query["cursor"] = page["meta"]["nextCursor"]

        assert seen == [f"0.{cents}" for cents in range(16, 9, -1)]

    def test_a_cursor_carries_page_and_total_along(self, client: FlaskClient) -> None:
        user = factories.actor()
        for _ in range(5):
            deposit(client, user, "1.00")
        cursor = self.read(client, user, limit=2).json["meta"]["nextCursor"]

        meta = self.read(client, user, limit=2, cursor=cursor).json["meta"]

        assert (meta["total"], meta["page"], meta["totalPages"]) == (5, 2, 3)

    def test_filters_by_type(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")
        withdraw(client, user, "3.00")
        deposit(client, user, "2.00")

        assert self.amounts(client, user, type="WITHDRAWAL") == ["3.00"]
        assert self.amounts(client, user, type="DEPOSIT") == ["2.00", "20.00"]
        assert self.read(client, user, type="DEPOSIT").json["meta"]["total"] == 2
        assert self.amounts(client, user, type="EARNING") == []

    def test_filters_by_time_the_end_left_out(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.actor()
        for day in (1, 2, 3):
            moment = datetime(2026, 3, day, 12, tzinfo=UTC)
            with monkeypatch.context() as that_day:
                that_day.setattr("app.wallets.ledger.clock", _Clock(moment, clock))
                deposit(client, user, f"{day}.00")

        def between(**query: str) -> list[str]:
            return self.amounts(client, user, **query)

        assert between(**{"from": "2026-03-02"}) == ["3.00", "2.00"]
        assert between(to="2026-03-03") == ["2.00", "1.00"]
        assert between(**{"from": "2026-03-02T12:00:00Z", "to": "2026-03-03T12:00:00Z"}) == ["2.00"]
        assert between(**{"from": "2026-03-03T13:00:00+02:00"}) == ["3.00"]
        assert between(**{"from": "2026-03-03", "to": "2026-03-02"}) == []

    @pytest.mark.parametrize(
        "query",
        [
            {"page": "0"},
            {"page": "-1"},
            {"page": "abc"},
            {"page": "1.5"},
            {"page": ""},
            {"page": "1e3"},
            {"page": "\uff11"},
            {"page": "99999999999999999999"},
            {"page": "1000000"},
            {"limit": "0"},
            {"limit": "101"},
            {"limit": "-5"},
            {"limit": "abc"},
            {"limit": "1.5"},
            {"limit": " 5"},
            {"limit": "1_0"},
            {"cursor": ""},
            {"cursor": "garbage"},
            {"cursor": "é"},
            {"cursor": "AAAA"},
            {"cursor": "=" * 4},
            {"cursor": "[" * 2000},
            {"type": "GIFT"},
            {"type": "deposit"},
            {"from": "yesterday"},
            {"from": "2026-02-30"},
            {"from": "2026-03-01T12:00:00"},
            {"from": "2026-03-01T25:00:00Z"},
            {"to": "0001-01-01T00:00:00+14:00"},
            {"to": "1740000000"},
        ],
        ids=str,
    )
    def test_what_makes_no_sense_is_400(self, client: FlaskClient, query: dict[str, str]) -> None:
        answer = self.read(client, factories.actor(), **query)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == list(query)

    @pytest.mark.parametrize(
        "content",
        [
            [],
            {},
            None,
            5,
            [1, 2],
            [1, 2, "3"],
            [1, 2, 3, 4],
            [-1, 2, 3],
            [1, 0, 3],
            [1, 2, True],
            [1, 2, 1.5],
            [1, 2, 2**63],
            ["1", 2, 3],
            [1, 2, None],
        ],
        ids=str,
    )
    def test_a_forged_cursor_is_400(self, client: FlaskClient, content: Any) -> None:
        cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

        answer = self.read(client, factories.actor(), cursor=cursor)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["cursor"]


class _Clock:
    """The clock of one module, stopped."""

    def __init__(self, moment: Any, real: Any) -> None:
        self.now = lambda: moment
        self.to_wire = real.to_wire


class TestLocking:
    def test_a_lock_shows_and_an_unlock_lets_go(self, client: FlaskClient) -> None:
        user = factories.buyer("5.00")

        locked = lock(client, user)
        assert (locked.status_code, locked.json["isLocked"]) == (200, True)
        assert wallet_of(client, user)["isLocked"] is True
        assert refusal(withdraw(client, user, "1.00")) == (403, "WALLET_LOCKED")
        unlocked = client.post(
            f"/api/v1/admin/wallets/{locked.json['id']}/unlock",
            json={"reason": "Cleared"},
            headers=factories.admin().headers,
        )

        assert (unlocked.status_code, unlocked.json["isLocked"]) == (200, False)
        assert withdraw(client, user, "1.00").status_code == 200

    def test_both_are_audited_with_their_reasons(self, client: FlaskClient) -> None:
        admin, user = factories.admin(), factories.actor()
        wallet_id = wallet_of(client, user)["id"]
        for action, reason in (("lock", "Under review"), ("unlock", "Cleared")):
            client.post(
                f"/api/v1/admin/wallets/{wallet_id}/{action}",
                json={"reason": reason},
                headers=admin.headers,
            )

        with db.transaction() as session:
            records = session.scalars(
                select(AuditRecord)
                .where(AuditRecord.target_id == UUID(wallet_id))
                .order_by(AuditRecord.id)
            ).all()
        assert [(r.actor_id, r.action, r.reason) for r in records] == [
            (admin.id, "wallet.lock", "Under review"),
            (admin.id, "wallet.unlock", "Cleared"),
        ]

    @pytest.mark.parametrize("role", [Role.USER, Role.MERCHANT])
    def test_only_an_administrator_may(self, client: FlaskClient, role: Role) -> None:
        user = factories.actor(role)

        answer = client.post(
            f"/api/v1/admin/wallets/{wallet_of(client, user)['id']}/lock",
            json={"reason": "Mischief"},
            headers=user.headers,
        )

        assert refusal(answer) == (403, "FORBIDDEN")
        assert error_body(answer)["message"] == "Access denied. Required roles: ADMIN"

    def test_an_unknown_wallet_and_a_house_account_are_404(self, client: FlaskClient) -> None:
        bank = system_account(SystemCode.BANK, "USD").id
        for wallet_id in ("01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11", bank):
            answer = client.post(
                f"/api/v1/admin/wallets/{wallet_id}/lock",
                json={"reason": "x"},
                headers=factories.admin().headers,
            )
            assert refusal(answer) == (404, "WALLET_NOT_FOUND")
