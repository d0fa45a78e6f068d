"""Statements as JSON and CSV, over HTTP."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import clock
from app.common.clock import format_timestamp
from tests import factories
from tests.factories import Actor
from tests.responses import refusal
from tests.statements.helpers import HOUR, NOON, STATEMENT, get_statement, rows_of
from tests.wallets.helpers import deposit, wallet_of, withdraw
from tests.wallets.histories import add_history

MARCH = {"since": "2026-03-01", "until": "2026-04-01"}


@pytest.fixture
def user(client: FlaskClient) -> Actor:
    """A user with 30 postings of a cent, one per hour from NOON on: two in, one out, and so on."""
    user = factories.actor()
    add_history(user.id, count=30, first=NOON, apart=HOUR)
    return user


class TestJson:
    def test_the_statement_has_the_documented_fields(
        self, client: FlaskClient, user: Actor
    ) -> None:
        wallet = wallet_of(client, user)
        answer = get_statement(
            client, user, since="2026-03-01T13:00:00Z", until="2026-03-01T15:00:00Z"
        )

        assert answer.status_code == 200
        assert answer.content_type == "application/json"
        statement = answer.json
        rows = statement.pop("transactions")
        assert statement | {"issuedAt": ""} == {
            "walletId": wallet["id"],
            "number": wallet["number"],
            "currency": "USD",
            "holder": {
                "id": str(user.id),
                "email": user.email,
                "phone": None,
                "firstName": None,
                "lastName": None,
                "shopName": None,
            },
            "from": "2026-03-01T13:00:00.000Z",
            "to": "2026-03-01T15:00:00.000Z",
            "issuedAt": "",
            "openingBalance": "0.01",
            "closingBalance": "0.01",
            "count": 2,
            "totals": [
                {"type": "DEPOSIT", "count": 1, "amountIn": "0.01", "amountOut": "0.00"},
                {"type": "WITHDRAWAL", "count": 1, "amountIn": "0.00", "amountOut": "0.01"},
            ],
            "timeZone": "UTC",
        }
        history = client.get("/api/v1/wallet/transactions?limit=100", headers=user.headers).json
        assert rows == [row for row in history["data"][::-1] if row["description"][-1] in "23"][:2]

    def test_the_period_includes_its_start_and_excludes_its_end(
        self, client: FlaskClient, user: Actor
    ) -> None:
        def moved(since: str, until: str) -> list[str]:
            answer = get_statement(client, user, since=since, until=until)
            return [row["description"] for row in answer.json["transactions"]]

        assert moved("2026-03-01T12:00:00Z", "2026-03-01T14:00:00Z") == ["Movement 1", "Movement 2"]
        assert moved("2026-03-01T12:00:01Z", "2026-03-01T14:00:01Z") == ["Movement 2", "Movement 3"]
        assert moved("2026-03-01T15:00:00+02:00", "2026-03-01T16:00:00+02:00") == ["Movement 2"]

    @pytest.mark.parametrize("hours", [(0, 1), (0, 30), (5, 6), (7, 22), (29, 48), (100, 200)])
    def test_opening_balance_and_postings_add_up_to_the_closing_balance(
        self, client: FlaskClient, user: Actor, hours: tuple[int, int]
    ) -> None:
        since, until = (format_timestamp(NOON + n * HOUR) or "" for n in hours)

        statement = get_statement(client, user, since=since, until=until).json

        rows = statement["transactions"]
        steps = [row["balanceAfter"] for row in rows]
        assert [row["balanceBefore"] for row in rows] == [statement["openingBalance"], *steps][
            : len(rows)
        ]
        assert [statement["openingBalance"], *steps][-1] == statement["closingBalance"]
        assert statement["count"] == len(rows) == sum(t["count"] for t in statement["totals"])

    def test_consecutive_periods_have_matching_balances(
        self, client: FlaskClient, user: Actor
    ) -> None:
        days = [f"2026-03-0{day}" for day in range(1, 5)]
        statements = [
            get_statement(client, user, since=since, until=until).json
            for since, until in pairwise(days)
        ]

        assert [s["count"] for s in statements] == [12, 18, 0]
        for earlier, later in pairwise(statements):
            assert earlier["closingBalance"] == later["openingBalance"]

    def test_the_default_period_is_the_last_30_days(self, client: FlaskClient) -> None:
        user = factories.actor()
        now = clock.now()
        add_history(user.id, count=2, first=now - timedelta(days=31), apart=timedelta(days=2))
        deposit(client, user, "5.00")

        statement = get_statement(client, user).json

        assert statement["openingBalance"] == "0.01"
        assert [row["amount"] for row in statement["transactions"]] == ["0.01", "5.00"]
        assert statement["to"] == statement["issuedAt"]

    def test_a_period_ends_now_at_the_latest(self, client: FlaskClient, user: Actor) -> None:
        statement = get_statement(client, user, since="2026-03-01", until="2999-01-01").json

        assert statement["to"] == statement["issuedAt"]
        assert statement["count"] == 30

    def test_a_wallet_without_transactions_has_a_statement(self, client: FlaskClient) -> None:
        statement = get_statement(client, factories.actor()).json

        assert (statement["openingBalance"], statement["closingBalance"]) == ("0.00", "0.00")
        assert (statement["totals"], statement["transactions"]) == ([], [])

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
            ({"from": "2026-03-01", "to": "2026-03-01"}, "from"),
            ({"from": "2999-01-01"}, "from"),
            ({"from": "yesterday"}, "from"),
            ({"to": "0001-01-01"}, "from"),
            ({"to": "2026-02-30"}, "to"),
            ({"format": "xml"}, "format"),
            ({"format": ""}, "format"),
        ],
        ids=str,
    )
    def test_an_invalid_period_or_format_is_refused(
        self, client: FlaskClient, user: Actor, query: dict[str, str], field: str
    ) -> None:
        answer = client.get(STATEMENT, query_string=query, headers=user.headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    @pytest.mark.parametrize("form", ["json", "csv", "pdf"])
    def test_too_many_transactions_are_refused(
        self, client: FlaskClient, user: Actor, monkeypatch: pytest.MonkeyPatch, form: str
    ) -> None:
        monkeypatch.setattr("app.statements.views.MAX_TRANSACTIONS", {form: 29})

        answer = get_statement(client, user, form, **MARCH)

        assert refusal(answer) == (400, "STATEMENT_TOO_LONG")
        assert answer.json["details"] == {"count": 30, "most": 29}
        assert get_statement(client, user, form, since="2026-03-01T13:00:00Z").status_code == 200


class TestCsv:
    def test_postings_are_listed_between_the_balances(
        self, client: FlaskClient, user: Actor
    ) -> None:
        answer = get_statement(
            client, user, "csv", since="2026-03-01", until="2026-03-01T14:30:00Z"
        )

        assert answer.status_code == 200
        assert answer.content_type == "text/csv; charset=utf-8; header=present"
        number = wallet_of(client, user)["number"]
        assert answer.headers["Content-Disposition"] == (
            f'attachment; filename="statement-{number}-20260301-20260301.csv"'
        )
        lines = answer.data.decode("utf-8-sig").split("\r\n")
        assert lines[:2] == [
            "date,type,description,referenceType,referenceId,amount,balance,currency,transactionId,"
            "orderNumber,timeZone",
            "2026-03-01T00:00:00.000Z,OPENING_BALANCE,,,,,0.00,USD,,,UTC",
        ]
        assert lines[2].startswith("2026-03-01T12:00:00.000Z,DEPOSIT,Movement 1,,,0.01,0.01,USD,")
        assert lines[4].startswith(
            "2026-03-01T14:00:00.000Z,WITHDRAWAL,Movement 3,,,-0.01,0.01,USD,"
        )
        assert lines[5:] == ["2026-03-01T14:30:00.000Z,CLOSING_BALANCE,,,,,0.01,USD,,,UTC", ""]

    def test_csv_and_json_have_the_same_content(self, client: FlaskClient, user: Actor) -> None:
        rows = rows_of(get_statement(client, user, "csv", **MARCH))
        statement = get_statement(client, user, **MARCH).json

        assert [row["transactionId"] for row in rows[1:-1]] == [
            row["id"] for row in statement["transactions"]
        ]
        assert rows[0]["balance"] == statement["openingBalance"]
        assert rows[-1]["balance"] == statement["closingBalance"]

    @pytest.mark.parametrize(
        "text",
        ['Paid "in full", thanks', "two\nlines", "naïve – 你好 😀", "'quoted'", "a=b", "5 - 3"],
    )
    def test_descriptions_are_unchanged(self, client: FlaskClient, text: str) -> None:
        user = factories.actor()
        deposit(client, user, "1.00", description=text)

        (_, row, _) = rows_of(get_statement(client, user, "csv"))

        assert row["description"] == text

    @pytest.mark.parametrize(
        "text",
        ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "\uff1d1", "-cmd|' /C calc'!A0"],
    )
    def test_descriptions_that_look_like_formulas_are_escaped(
        self, client: FlaskClient, text: str
    ) -> None:
        user = factories.buyer("9.00")
        withdraw(client, user, "2.00", description=text)

        row = rows_of(get_statement(client, user, "csv"))[2]

        assert row["description"] == f"'{text}"
        assert row["amount"] == "-2.00"

    def test_a_wallet_without_transactions_has_a_statement(self, client: FlaskClient) -> None:
        rows = rows_of(get_statement(client, factories.actor(), "csv"))

        assert [(row["type"], row["balance"]) for row in rows] == [
            ("OPENING_BALANCE", "0.00"),
            ("CLOSING_BALANCE", "0.00"),
        ]


class TestErrors:
    @pytest.mark.parametrize("form", ["json", "csv", "pdf"])
    def test_a_lost_database_connection_is_an_error(
        self, client: FlaskClient, user: Actor, monkeypatch: pytest.MonkeyPatch, form: str
    ) -> None:
        def lose_connection(*_: Any, **__: Any) -> Any:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr("app.statements.repository.postings", lose_connection)

        assert refusal(get_statement(client, user, form, **MARCH)) == (503, "BUSY")

    def test_inconsistent_balances_are_an_error(
        self, client: FlaskClient, user: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong = {"balances_after": lambda *_, sequences, **__: dict.fromkeys(sequences, 7)}
        monkeypatch.setattr("app.statements.repository.balances_after", wrong["balances_after"])

        assert refusal(get_statement(client, user, **MARCH)) == (500, "INTERNAL_ERROR")

    def test_statements_are_rate_limited(self, rate_limited: Flask, user: Actor) -> None:
        client = rate_limited.test_client()
        answers = [get_statement(client, user, **MARCH) for _ in range(21)]

        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        assert get_statement(client, factories.actor()).status_code == 200
