"""Statements and histories in the time zone of a shop."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.factories import Actor
from tests.shops.helpers import with_shop
from tests.statements.helpers import HOUR, NOON, STATEMENT, get_statement, rows_of
from tests.statements.test_pdf import open_pdf, texts
from tests.wallets.histories import add_history

HISTORY = "/api/v1/wallet/transactions"
#: The second of March in Kolkata, from 18:30 UTC on.
MARCH_2 = {"since": "2026-03-02", "until": "2026-03-03"}


@pytest.fixture
def merchant(client: FlaskClient) -> Actor:
    """A merchant in Kolkata with a posting per hour from 17:30 on the first of March there."""
    merchant = with_shop(
        client, factories.merchant(), name="Corner Bakery", timeZone="Asia/Kolkata"
    )
    add_history(merchant.id, count=40, first=NOON, apart=HOUR)
    return merchant


def test_a_statement_has_the_days_of_the_shop(client: FlaskClient, merchant: Actor) -> None:
    statement = get_statement(client, merchant, **MARCH_2).json

    assert (statement["from"], statement["to"]) == (
        "2026-03-01T18:30:00.000Z",
        "2026-03-02T18:30:00.000Z",
    )
    assert (statement["timeZone"], statement["count"]) == ("Asia/Kolkata", 24)
    assert statement["transactions"][0]["createdAt"] == "2026-03-01T19:00:00.000Z"
    assert statement["holder"]["shopName"] == "Corner Bakery"


def test_csv_has_local_times_with_their_offset(client: FlaskClient, merchant: Actor) -> None:
    answer = get_statement(client, merchant, "csv", **MARCH_2)

    rows = rows_of(answer)
    assert [rows[n]["date"] for n in (0, 1, -1)] == [
        "2026-03-02T00:00:00.000+05:30",
        "2026-03-02T00:30:00.000+05:30",
        "2026-03-03T00:00:00.000+05:30",
    ]
    assert {row["timeZone"] for row in rows} == {"Asia/Kolkata"}
    assert "-20260302-20260303.csv" in answer.headers["Content-Disposition"]


def test_a_pdf_names_the_zone_and_has_local_times(client: FlaskClient, merchant: Actor) -> None:
    text = " ".join(texts(open_pdf(get_statement(client, merchant, "pdf", **MARCH_2))))

    assert "Times Asia/Kolkata" in text
    assert "Account holder Corner Bakery" in text
    assert "from 2026-03-02 00:00:00 +05:30 to 2026-03-03 00:00:00 +05:30 (exclusive)" in text
    assert "2026-03-02 00:30:00 +05:30 Deposit" in text
    assert "UTC" not in text


@pytest.mark.parametrize(("path", "more"), [(STATEMENT, {}), (HISTORY, {"limit": 100})])
def test_another_zone_can_be_named(
    client: FlaskClient, merchant: Actor, path: str, more: dict[str, int]
) -> None:
    query = {"from": "2026-03-02", "to": "2026-03-03", **more}

    def get(zone: str) -> TestResponse:
        return client.get(path, query_string=query | {"timeZone": zone}, headers=merchant.headers)

    found = get("UTC").json
    rows = found.get("transactions") or found["data"][::-1]
    assert rows[0]["createdAt"] == "2026-03-02T00:00:00.000Z"
    refused = get("Asia/Calcutta!")
    assert (refused.status_code, list(refused.json["details"])) == (400, ["timeZone"])


def test_the_history_has_the_days_of_the_shop(client: FlaskClient, merchant: Actor) -> None:
    query = {"from": "2026-03-02", "to": "2026-03-03", "limit": 100}
    rows = client.get(HISTORY, query_string=query, headers=merchant.headers).json["data"]

    assert (rows[-1]["createdAt"], len(rows)) == ("2026-03-01T19:00:00.000Z", 24)


def test_users_without_a_shop_have_days_in_utc(client: FlaskClient) -> None:
    statement = get_statement(client, factories.buyer(), **MARCH_2).json
    assert (statement["from"], statement["timeZone"]) == ("2026-03-02T00:00:00.000Z", "UTC")
