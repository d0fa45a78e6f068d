"""The transaction history, over HTTP."""

import base64
import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.common import clock
from tests import factories
from tests.factories import Actor
from tests.lists import pages_of
from tests.orders.helpers import UNKNOWN, buy
from tests.responses import refusal
from tests.wallets.helpers import WALLET, Clock, deposit, latest_transaction, withdraw


class TestHistory:
    def read(self, client: FlaskClient, user: Actor, **query: Any) -> TestResponse:
        return client.get(f"{WALLET}/transactions", query_string=query, headers=user.headers)

    def amounts(self, client: FlaskClient, user: Actor, **query: Any) -> list[str]:
        return [row["amount"] for row in self.read(client, user, **query).json["data"]]

    def test_the_history_is_newest_first_and_has_the_documented_body(
        self, client: FlaskClient
    ) -> None:
        user = factories.buyer("20.00")
        made = withdraw(client, user, "7.50").json["transaction"]

        answer = self.read(client, user)

        assert list(answer.json) == ["data", "meta"]
        assert answer.json["data"][0] == made
        assert [row["type"] for row in answer.json["data"]] == ["WITHDRAWAL", "DEPOSIT"]
        assert answer.text.endswith(
            '"meta":{"total":2,"page":1,"limit":20,"totalPages":1,"nextCursor":null,'
            '"totalIsCapped":false}}'
        )

    def test_the_history_of_a_new_wallet_is_empty(self, client: FlaskClient) -> None:
        assert self.read(client, factories.actor()).text == (
            '{"data":[],"meta":{"total":0,"page":1,"limit":20,"totalPages":0,"nextCursor":null,'
            '"totalIsCapped":false}}'
        )

    def test_transactions_of_other_users_are_not_listed(self, client: FlaskClient) -> None:
        factories.buyer("20.00")

        assert self.amounts(client, factories.buyer("1.00")) == ["1.00"]

    def test_pages_are_selected_by_number(self, client: FlaskClient) -> None:
        user = factories.actor()
        for cents in range(1, 6):
            deposit(client, user, f"0.0{cents}")

        assert self.amounts(client, user, page=1, limit=2) == ["0.05", "0.04"]
        assert self.amounts(client, user, page=3, limit=2) == ["0.01"]
        assert self.amounts(client, user, page=4, limit=2) == []
        meta = self.read(client, user, page=2, limit=2).json["meta"]
        assert (meta["total"], meta["page"], meta["totalPages"]) == (5, 2, 3)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
    def test_cursor_pages_contain_each_row_once_while_rows_are_added(
        self, client: FlaskClient, limit: int
    ) -> None:
        user = factories.actor()
        for cents in range(10, 17):
            deposit(client, user, f"0.{cents}")
        seen: list[str] = []

        for page in pages_of(client, user, f"{WALLET}/transactions", limit=limit):
            seen += [row["amount"] for row in page["data"]]
            deposit(client, user, "5.00")

        assert seen == [f"0.{cents}" for cents in range(16, 9, -1)]

    def test_a_cursor_page_states_page_and_total(self, client: FlaskClient) -> None:
        user = factories.actor()
        for _ in range(5):
            deposit(client, user, "1.00")
        cursor = self.read(client, user, limit=2).json["meta"]["nextCursor"]

        meta = self.read(client, user, limit=2, cursor=cursor).json["meta"]

        assert (meta["total"], meta["page"], meta["totalPages"]) == (5, 2, 3)

    def test_the_export_has_what_the_filters_leave_and_nothing_of_others(
        self, client: FlaskClient
    ) -> None:
        user = factories.buyer("20.00")
        withdraw(client, user, "7.50")
        withdraw(client, user, "2.50")
        factories.buyer("99.00")

        def export(**query: Any) -> list[dict[str, str]]:
            answer = client.get(
                f"{WALLET}/transactions/export", query_string=query, headers=user.headers
            )
            assert answer.headers["Content-Type"].startswith("text/csv")
            return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))

        listed = self.read(client, user).json["data"]
        assert [row["transactionId"] for row in export()] == [row["id"] for row in listed]
        assert [row["amount"] for row in export()] == ["-2.50", "-7.50", "20.00"]
        assert [row["amount"] for row in export(type="DEPOSIT")] == ["20.00"]
        assert export(to="2000-01-01") == []

    def test_the_history_can_be_filtered_by_type(self, client: FlaskClient) -> None:
        user = factories.buyer("20.00")
        withdraw(client, user, "3.00")
        deposit(client, user, "2.00")

        assert self.amounts(client, user, type="WITHDRAWAL") == ["3.00"]
        assert self.amounts(client, user, type="DEPOSIT") == ["2.00", "20.00"]
        assert self.read(client, user, type="DEPOSIT").json["meta"]["total"] == 2
        assert self.amounts(client, user, type="EARNING") == []

    def test_the_history_can_be_filtered_by_time_with_an_exclusive_end(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.actor()
        for day in (1, 2, 3):
            moment = datetime(2026, 3, day, 12, tzinfo=UTC)
            with monkeypatch.context() as that_day:
                that_day.setattr("app.wallets.ledger.clock", Clock(moment, clock))
                deposit(client, user, f"{day}.00")

        def between(**query: str) -> list[str]:
            return self.amounts(client, user, **query)

        assert between(**{"from": "2026-03-02"}) == ["3.00", "2.00"]
        assert between(to="2026-03-03") == ["2.00", "1.00"]
        assert between(**{"from": "2026-03-02T12:00:00Z", "to": "2026-03-03T12:00:00Z"}) == ["2.00"]
        assert between(**{"from": "2026-03-03T13:00:00+02:00"}) == ["3.00"]

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
    def test_invalid_arguments_are_refused(
        self, client: FlaskClient, query: dict[str, str]
    ) -> None:
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
    def test_a_forged_cursor_is_refused(self, client: FlaskClient, content: Any) -> None:
        cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

        answer = self.read(client, factories.actor(), cursor=cursor)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["cursor"]


class TestOneTransaction:
    def read(self, client: FlaskClient, user: Actor, transaction_id: str) -> TestResponse:
        return client.get(f"{WALLET}/transactions/{transaction_id}", headers=user.headers)

    def test_it_is_as_the_list_has_it(self, client: FlaskClient) -> None:
        buyer, seller = factories.buyer("20.00"), factories.merchant()
        buy(client, buyer, factories.product(seller, price="10.00"))
        for user in (buyer, seller):
            row = latest_transaction(client, user)
            assert row["orderNumber"] is not None
            assert self.read(client, user, row["id"]).json == row

    def test_others_do_not_see_it(self, client: FlaskClient) -> None:
        row = latest_transaction(client, factories.buyer("20.00"))
        for other in (factories.buyer("1.00"), factories.admin()):
            answer = self.read(client, other, row["id"])
            assert refusal(answer) == (404, "TRANSACTION_NOT_FOUND")

    def test_an_unknown_one_is_not_found(self, client: FlaskClient) -> None:
        answer = self.read(client, factories.actor(), UNKNOWN)
        assert refusal(answer) == (404, "TRANSACTION_NOT_FOUND")
