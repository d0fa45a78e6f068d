"""Past balances and histories of periods, over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common import clock, db
from app.common.clock import format_timestamp
from app.wallets import service as wallets
from tests import factories
from tests.factories import Actor
from tests.responses import refusal
from tests.wallets.helpers import WALLET, Clock, deposit, wallet_of, withdraw
from tests.wallets.histories import add_history

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def balance_at(client: FlaskClient, user: Actor, moment: Any) -> str:
    at = moment if isinstance(moment, str) else format_timestamp(moment)
    answer = client.get(WALLET, query_string={"at": at}, headers=user.headers)
    assert answer.status_code == 200, answer.text
    balance: str = answer.json["balance"]
    return balance


@pytest.fixture
def on(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that calls another one at a time, as the ledger's clock shows it."""

    def call(moment: datetime, operation: Callable[..., Any], *args: Any) -> Any:
        with monkeypatch.context() as then:
            then.setattr("app.wallets.ledger.clock", Clock(moment, clock))
            return operation(client, *args)

    return call


@pytest.fixture
def user(client: FlaskClient, on: Callable[..., Any]) -> Actor:
    """A user who deposited 10.00 and 5.00 on March 1 and 2, and withdrew 2.00 on March 3."""
    user = factories.actor()
    on(NOON, deposit, user, "10.00")
    on(NOON + timedelta(days=1), deposit, user, "5.00")
    on(NOON + timedelta(days=2), withdraw, user, "2.00")
    return user


class TestPastBalance:
    def test_the_past_balance_is_the_sum_of_earlier_postings(
        self, client: FlaskClient, user: Actor
    ) -> None:
        assert balance_at(client, user, "2026-03-01") == "0.00"
        assert balance_at(client, user, "2026-03-02") == "10.00"
        assert balance_at(client, user, "2026-03-02T13:59:59+02:00") == "10.00"
        assert balance_at(client, user, "2026-03-02T14:00:00+02:00") == "15.00"
        assert balance_at(client, user, "2026-03-03T12:00:00Z") == "13.00"
        assert balance_at(client, user, clock.now()) == "13.00"

    def test_the_body_is_the_wallet_with_the_requested_time(
        self, client: FlaskClient, user: Actor
    ) -> None:
        now = wallet_of(client, user)

        answer = client.get(f"{WALLET}?at=2026-03-02", headers=user.headers)

        assert list(answer.json) == [*now, "at"]
        assert answer.json == now | {
            "balance": "10.00",
            "updatedAt": "2026-03-01T12:00:00.000Z",
            "available": None,
            "held": None,
            "at": "2026-03-02T00:00:00.000Z",
        }

    def test_the_balance_before_the_first_posting_is_zero(
        self, client: FlaskClient, user: Actor
    ) -> None:
        assert balance_at(client, user, "0001-01-01T00:00:00Z") == "0.00"
        assert balance_at(client, factories.actor(), "2026-03-02") == "0.00"

    def test_a_posting_counts_at_its_displayed_time(
        self, client: FlaskClient, on: Callable[..., Any]
    ) -> None:
        """Times are displayed in milliseconds and stored in microseconds."""
        user = factories.actor()
        shown = on(NOON + timedelta(microseconds=123_900), deposit, user, "1.00").json
        at = shown["transaction"]["createdAt"]

        assert at == "2026-03-01T12:00:00.123Z"
        assert balance_at(client, user, at) == "1.00"
        assert balance_at(client, user, "2026-03-01T12:00:00.122999Z") == "0.00"

    def test_postings_of_the_same_time_all_count(
        self, client: FlaskClient, on: Callable[..., Any]
    ) -> None:
        user = factories.actor()
        for _ in range(5):
            on(NOON, deposit, user, "1.00")

        assert balance_at(client, user, NOON) == "5.00"
        assert balance_at(client, user, NOON - timedelta(milliseconds=1)) == "0.00"

    def test_each_balance_of_a_long_history_is_found(self, client: FlaskClient) -> None:
        user = factories.actor()
        add_history(user.id, count=37, first=NOON, apart=timedelta(minutes=1))
        rows = client.get(f"{WALLET}/transactions?limit=100", headers=user.headers).json["data"]

        for row in rows:
            posted = datetime.fromisoformat(row["createdAt"])
            assert balance_at(client, user, posted) == row["balanceAfter"]
            assert balance_at(client, user, posted - timedelta(seconds=1)) == row["balanceBefore"]

    @pytest.mark.parametrize("at", ["yesterday", "2026-02-30", "", "1740000000", "tomorrow"])
    def test_an_invalid_or_future_time_is_refused(self, client: FlaskClient, at: str) -> None:
        if at == "tomorrow":
            at = (clock.now() + timedelta(days=1)).isoformat()

        answer = client.get(WALLET, query_string={"at": at}, headers=factories.actor().headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["at"]

    def test_a_misspelt_time_does_not_show_the_current_balance(
        self, client: FlaskClient, user: Actor
    ) -> None:
        answer = client.get(f"{WALLET}?At=2026-01-01", headers=user.headers)

        assert (answer.status_code, list(answer.json["details"])) == (400, ["At"])


class TestHistoryOfAPeriod:
    def test_pages_contain_only_the_period(self, client: FlaskClient) -> None:
        user = factories.actor()
        add_history(user.id, count=100, first=NOON, apart=timedelta(minutes=1))
        between = {
            "from": format_timestamp(NOON + timedelta(minutes=10)),
            "to": "2026-03-01T12:50:00Z",
        }

        def read(**query: Any) -> Any:
            return client.get(
                f"{WALLET}/transactions", query_string=between | query, headers=user.headers
            ).json

        page = read(limit=15, page=2)
        assert (page["meta"]["total"], page["meta"]["totalPages"]) == (40, 3)
        numbers = [row["description"] for row in page["data"]]
        assert numbers == [f"Movement {n}" for n in range(35, 20, -1)]
        last = read(limit=15, cursor=page["meta"]["nextCursor"])
        assert [row["description"] for row in last["data"]] == [
            f"Movement {n}" for n in range(20, 10, -1)
        ]
        assert last["meta"]["nextCursor"] is None
        assert read(limit=15, page=4)["data"] == []

    def test_a_period_can_be_filtered_by_type(self, client: FlaskClient) -> None:
        user = factories.actor()
        add_history(user.id, count=30, first=NOON, apart=timedelta(minutes=1))

        page = client.get(
            f"{WALLET}/transactions?type=WITHDRAWAL&from=2026-03-01T12:10:00Z&limit=4",
            headers=user.headers,
        ).json

        assert page["meta"]["total"] == 7
        assert [row["description"] for row in page["data"]] == [
            f"Movement {n}" for n in (30, 27, 24, 21)
        ]


def test_a_past_balance_is_found_by_reading_few_postings(client: FlaskClient) -> None:
    user = factories.actor()
    add_history(user.id, count=5000, first=NOON, apart=timedelta(minutes=1))
    with db.transaction() as session:
        wallet = wallets.require_wallet(session, user_id=user.id, currency="USD")
        read = text("""
            SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables
            WHERE relname = 'wallet_transactions'
        """)
        before = session.execute(read).one()
        for minutes in range(0, 5000, 100):
            moment = NOON + timedelta(minutes=minutes, seconds=30)
            found = wallets.period(session, wallet, since=None, until=moment)
            assert found.last == minutes + 1
        after = session.execute(read).one()

    assert after.seq_scan == before.seq_scan
    assert after.idx_tup_fetch - before.idx_tup_fetch <= 50 * 13  # 2 ** 13 > 5000
