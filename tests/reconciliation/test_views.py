"""What the bank has booked beside what we have, as an operator sees it."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from app.common import clock, http
from app.payouts import tasks
from app.reconciliation import views
from app.reconciliation.report import COLUMNS
from tests import factories
from tests.answers import error_body, refusal
from tests.banks.speaking import clock_at
from tests.fake_bank import FakeBank
from tests.onramp.helpers import asked, say
from tests.payouts.helpers import account_of, hear, pay_out
from tests.reconciliation.helpers import (
    booked,
    compared,
    credit,
    debit,
    found,
    statement,
    submit,
    today,
    user_with,
)

pytestmark = pytest.mark.usefixtures("bank")

NOTHING = {
    "matched": 0,
    "missingHere": 0,
    "missingThere": 0,
    "amountDiffers": 0,
    "statusDiffers": 0,
    "duplicate": 0,
    "canClose": 0,
    "closed": 0,
    "notClosed": 0,
}


def days_ago(days: int) -> str:
    return (today() - timedelta(days=days)).isoformat()


class TestFinding:
    def test_what_both_sides_have_matches(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with(client)
        say(client, onramp, user)
        hear(client, "paid", payout_id)

        report = compared(client, credit(onramp), debit(payout_id))

        assert list(report) == ["provider", "from", "to", "counts", "rows"]
        assert (report["provider"], report["from"], report["to"]) == (
            "HDFC",
            str(today()),
            str(today()),
        )
        assert report["counts"] == NOTHING | {"matched": 2}
        assert report["rows"] == []

    def test_what_only_the_bank_has_is_missing_here(self, client: FlaskClient) -> None:
        _, onramp, payout_id = user_with(client)
        report = compared(
            client,
            booked("CREDIT", "a-token-of-nobody"),
            booked("DEBIT", uuid4()),
            booked("DEBIT", onramp["token"]),  # money that left is no on-ramp
            booked("CREDIT", payout_id),
            booked("DEBIT", str(payout_id).upper()),
        )
        assert report["counts"] == NOTHING | {"missingHere": 5}
        assert report["rows"][0] == {
            "outcome": "MISSING_HERE",
            "action": "NONE",
            "line": 2,
            "date": str(today()),
            "direction": "CREDIT",
            "reference": "a-token-of-nobody",
            "bankReference": "UTR-nobody",
            "amount": "25.00",
            "currency": "USD",
            "ourAmount": None,
            "ourCurrency": None,
            "ourStatus": None,
            "ourId": None,
        }

    def test_what_another_bank_was_asked_is_missing_here(self, client: FlaskClient) -> None:
        onramp = asked(client, factories.buyer(), provider="AXIS")
        assert compared(client, credit(onramp))["counts"]["missingHere"] == 1
        assert compared(client, credit(onramp), provider="AXIS")["counts"]["statusDiffers"] == 1

    def test_what_only_we_have_is_missing_there(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with(client)
        say(client, onramp, user)
        hear(client, "paid", payout_id)

        report = compared(client, **{"from": str(today()), "to": str(today())})

        assert report["counts"] == NOTHING | {"missingThere": 2}
        first, second = report["rows"]
        assert (first["direction"], first["reference"], first["line"]) == (
            "CREDIT",
            onramp["token"],
            None,
        )
        assert (second["direction"], second["reference"]) == ("DEBIT", str(payout_id))
        assert (second["ourAmount"], second["ourStatus"], second["ourId"]) == (
            "25.00",
            "PAID",
            str(payout_id),
        )

    @pytest.mark.parametrize("change", [{"amount": "25.01"}, {"currency": "EUR"}], ids=str)
    def test_another_amount_is_named_with_ours(
        self, client: FlaskClient, change: dict[str, str]
    ) -> None:
        user, onramp, payout_id = user_with(client)
        say(client, onramp, user)
        report = compared(client, credit(onramp) | change, debit(payout_id) | change)
        assert found(report) == {("AMOUNT_DIFFERS", "NONE"): 2}
        row = report["rows"][0]
        theirs = {"amount": "25.00", "currency": "USD"} | change
        assert {name: row[name] for name in theirs} == theirs
        assert (row["ourAmount"], row["ourCurrency"]) == ("25.00", "USD")

    def test_what_we_have_not_heard_of_yet_can_be_closed(self, client: FlaskClient) -> None:
        _, onramp, payout_id = user_with(client)
        report = compared(client, credit(onramp), debit(payout_id))
        assert found(report) == {("STATUS_DIFFERS", "CAN_CLOSE"): 2}
        assert report["counts"] == NOTHING | {"statusDiffers": 2, "canClose": 2}
        assert [row["ourStatus"] for row in report["rows"]] == ["PROCESSING", "PENDING"]

    def test_what_has_failed_with_us_is_for_people(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with(client)
        say(client, onramp, user, "payment.failed")
        hear(client, "refused", payout_id)
        report = compared(client, credit(onramp), debit(payout_id))
        assert found(report) == {("STATUS_DIFFERS", "NONE"): 2}
        assert [row["ourStatus"] for row in report["rows"]] == ["FAILURE", "REFUSED"]

    def test_what_is_booked_twice_is_told(self, client: FlaskClient) -> None:
        user, onramp, _ = user_with(client)
        say(client, onramp, user)
        report = compared(client, credit(onramp), credit(onramp, bankReference="UTR-2"))
        assert report["counts"] == NOTHING | {"matched": 1, "duplicate": 1}
        assert report["rows"][0]["line"] == 3


class TestPeriod:
    def test_it_is_that_of_the_statement_unless_it_is_named(self, client: FlaskClient) -> None:
        lines = [booked("DEBIT", uuid4(), date=days_ago(days)) for days in (3, 5, 4)]
        report = compared(client, *lines)
        assert (report["from"], report["to"]) == (days_ago(5), days_ago(3))
        report = compared(client, *lines, **{"from": days_ago(4), "to": days_ago(1)})
        assert (report["from"], report["to"]) == (days_ago(4), days_ago(1))
        assert report["counts"] == NOTHING | {"missingHere": 2}

    def test_what_ended_outside_of_it_is_not_missed(self, client: FlaskClient) -> None:
        payout_id = user_with(client)[2]
        hear(client, "paid", payout_id)
        for shift in (timedelta(days=2), timedelta(days=-2)):
            day = (today() + shift).isoformat()
            assert compared(client, **{"from": day, "to": day})["counts"] == NOTHING

    def test_what_began_before_it_may_be_in_the_statement_before(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.buyer()
        account_id = account_of(client, user)
        with monkeypatch.context() as patch:
            clock_at(patch, clock.now() - timedelta(days=1))
            payout_id = UUID(pay_out(client, user, account_id).json["id"])
        hear(client, "paid", payout_id)
        both = {"from": days_ago(1), "to": days_ago(0)}
        assert compared(client, **both)["counts"] == NOTHING | {"missingThere": 1}
        assert compared(client, **(both | {"from": days_ago(0)}))["counts"] == NOTHING

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ({}, {"statement": ["is empty; specify the period with from and to"]}),
            (
                {"from": "2026-11-02"},
                {"statement": ["is empty; specify the period with from and to"]},
            ),
            (
                {"from": "2026-11-02", "to": "2026-11-01"},
                {"from": ["must not be after the end of the period"]},
            ),
        ],
    )
    def test_one_that_is_none_is_refused(
        self, client: FlaskClient, query: dict[str, str], problem: dict[str, list[str]]
    ) -> None:
        answer = submit(client, statement(), **query)
        assert refusal(answer) == (400, "STATEMENT_INVALID")
        assert error_body(answer)["details"] == problem


class TestAsking:
    def test_a_bad_line_is_named(self, client: FlaskClient) -> None:
        answer = submit(client, statement(booked("DEBIT", uuid4()) | {"amount": "much"}))
        assert refusal(answer) == (400, "STATEMENT_INVALID")
        assert error_body(answer)["details"] == {
            "line 2": ["amount: must be an amount of USD such as 12.50"]
        }

    @pytest.mark.parametrize(
        "query",
        [
            {"provider": ""},
            {"provider": "SBI"},
            {"from": "20261121"},
            {"from": "2026-11-31"},
            {"apply": "yes"},
            {"format": "pdf"},
        ],
        ids=str,
    )
    def test_a_bad_question_is_refused(self, client: FlaskClient, query: dict[str, str]) -> None:
        assert submit(client, statement(), **query).status_code == 400

    def test_it_must_be_csv(self, client: FlaskClient) -> None:
        answer = client.post(
            "/api/v1/admin/reconciliations?provider=HDFC",
            json={},
            headers=factories.admin().headers,
        )
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")

    def test_it_may_be_larger_than_other_bodies_but_not_endless(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = [booked("DEBIT", uuid4()) for _ in range(1200)]
        raw = statement(*lines)
        assert len(raw) > http.MAX_BODY_BYTES
        assert submit(client, raw).json["counts"]["missingHere"] == 1200
        monkeypatch.setattr(views, "MAX_BYTES", len(raw) - 1)
        answer = submit(client, raw)
        assert refusal(answer) == (413, "BODY_TOO_LARGE")
        assert answer.json["message"] == f"The body is larger than {len(raw) // 1024} KiB"

    def test_json_has_a_thousand_rows_and_csv_all(self, client: FlaskClient) -> None:
        raw = statement(*[booked("DEBIT", uuid4()) for _ in range(1001)])
        assert len(submit(client, raw).json["rows"]) == 1000
        assert len(rows_of(submit(client, raw, format="csv").text)) == 1001

    def test_csv_has_what_matches_as_well(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with(client)
        say(client, onramp, user)
        answer = submit(client, statement(credit(onramp), debit(payout_id)), format="csv")
        assert answer.content_type == "text/csv; charset=utf-8"
        matched, open_ = rows_of(answer.text)
        assert list(matched) == list(COLUMNS)
        assert (matched["outcome"], open_["outcome"]) == ("MATCHED", "STATUS_DIFFERS")
        assert (matched["ourStatus"], open_["ourStatus"]) == ("SUCCESS", "PENDING")


def rows_of(raw: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(raw)))


def test_what_a_payout_s_bank_says_at_once_matches_as_well(
    client: FlaskClient, bank: FakeBank
) -> None:
    payout_id = user_with(client)[2]
    bank.verdict = "PAID"
    tasks.advance(payout_id)
    assert compared(client, debit(payout_id))["counts"] == NOTHING | {"matched": 1}


def test_a_day_at_the_end_of_time_is_refused(client: FlaskClient) -> None:
    line = {"date": "9999-12-31"}
    user, onramp, _ = user_with(client)
    say(client, onramp, user)

    assert refusal(submit(client, statement(credit(onramp) | line)))[0] == 400
    day = {"from": "9999-12-31", "to": "9999-12-31"}
    assert refusal(submit(client, statement(), **day))[0] == 400


def test_a_period_of_more_than_a_year_is_refused(client: FlaskClient) -> None:
    period = {"from": "2024-01-01", "to": "2026-01-01"}

    assert refusal(submit(client, statement(), **period))[0] == 400
