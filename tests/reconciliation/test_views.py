"""Reconciliations over HTTP."""

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
from tests.clock import freeze_clock
from tests.fake_bank import FakeBank
from tests.onramp.helpers import created_onramp, deliver_event
from tests.payouts.helpers import bank_account_of, create_payout, deliver_and_handle
from tests.reconciliation.helpers import (
    booked_line,
    credit_line,
    debit_line,
    outcomes,
    post_statement,
    reconciled,
    statement,
    today,
    user_with_open_records,
)
from tests.responses import error_body, refusal

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
    "outsidePeriod": 0,
}


def days_ago(days: int) -> str:
    return (today() - timedelta(days=days)).isoformat()


class TestFindings:
    def test_equal_records_match(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        deliver_event(client, onramp, user)
        deliver_and_handle(client, "paid", payout_id)

        report = reconciled(client, credit_line(onramp), debit_line(payout_id))

        assert list(report) == ["provider", "from", "to", "counts", "rows", "timeZone"]
        assert (report["provider"], report["from"], report["to"]) == (
            "HDFC",
            days_ago(0),
            days_ago(-1),
        )
        assert report["counts"] == NOTHING | {"matched": 2}
        assert report["rows"] == []

    def test_an_unknown_reference_is_missing_here(self, client: FlaskClient) -> None:
        _, onramp, payout_id = user_with_open_records(client)
        report = reconciled(
            client,
            booked_line("CREDIT", "unknown-000001"),
            booked_line("DEBIT", uuid4()),
            booked_line("DEBIT", onramp["token"]),  # an on-ramp is a credit
            booked_line("CREDIT", payout_id),
            booked_line("DEBIT", str(payout_id).upper()),
        )
        assert report["counts"] == NOTHING | {"missingHere": 5}
        assert report["rows"][0] == {
            "outcome": "MISSING_HERE",
            "action": "NONE",
            "line": 2,
            "date": str(today()),
            "direction": "CREDIT",
            "reference": "unknown-000001",
            "bankReference": "UTR-000001",
            "amount": "25.00",
            "currency": "USD",
            "ourAmount": None,
            "ourCurrency": None,
            "ourStatus": None,
            "ourId": None,
        }

    def test_a_record_of_another_bank_is_missing_here(self, client: FlaskClient) -> None:
        onramp = created_onramp(client, factories.buyer(), provider="AXIS")
        assert reconciled(client, credit_line(onramp))["counts"]["missingHere"] == 1
        assert (
            reconciled(client, credit_line(onramp), provider="AXIS")["counts"]["statusDiffers"] == 1
        )

    def test_a_record_without_a_line_is_missing_there(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        deliver_event(client, onramp, user)
        deliver_and_handle(client, "paid", payout_id)

        report = reconciled(client, **{"from": days_ago(0), "to": days_ago(-1)})

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
    def test_a_different_amount_is_reported_with_ours(
        self, client: FlaskClient, change: dict[str, str]
    ) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        deliver_event(client, onramp, user)
        report = reconciled(client, credit_line(onramp) | change, debit_line(payout_id) | change)
        assert outcomes(report) == {("AMOUNT_DIFFERS", "NONE"): 2}
        row = report["rows"][0]
        expected = {"amount": "25.00", "currency": "USD"} | change
        assert {name: row[name] for name in expected} == expected
        assert (row["ourAmount"], row["ourCurrency"]) == ("25.00", "USD")

    def test_a_booked_but_open_record_can_be_closed(self, client: FlaskClient) -> None:
        _, onramp, payout_id = user_with_open_records(client)
        report = reconciled(client, credit_line(onramp), debit_line(payout_id))
        assert outcomes(report) == {("STATUS_DIFFERS", "CAN_CLOSE"): 2}
        assert report["counts"] == NOTHING | {"statusDiffers": 2, "canClose": 2}
        assert [row["ourStatus"] for row in report["rows"]] == ["PROCESSING", "PENDING"]

    def test_a_booked_but_failed_record_cannot_be_closed(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        deliver_event(client, onramp, user, "payment.failed")
        deliver_and_handle(client, "refused", payout_id)
        report = reconciled(client, credit_line(onramp), debit_line(payout_id))
        assert outcomes(report) == {("STATUS_DIFFERS", "NONE"): 2}
        assert [row["ourStatus"] for row in report["rows"]] == ["FAILURE", "REFUSED"]

    def test_a_duplicate_line_is_reported(self, client: FlaskClient) -> None:
        user, onramp, _ = user_with_open_records(client)
        deliver_event(client, onramp, user)
        report = reconciled(client, credit_line(onramp), credit_line(onramp, bankReference="UTR-2"))
        assert report["counts"] == NOTHING | {"matched": 1, "duplicate": 1}
        assert report["rows"][0]["line"] == 3


class TestPeriod:
    def test_the_default_is_the_period_of_the_statement(self, client: FlaskClient) -> None:
        lines = [booked_line("DEBIT", uuid4(), date=days_ago(days)) for days in (3, 5, 4)]
        report = reconciled(client, *lines)
        assert (report["from"], report["to"]) == (days_ago(5), days_ago(2))
        report = reconciled(client, *lines, **{"from": days_ago(4), "to": days_ago(1)})
        assert (report["from"], report["to"]) == (days_ago(4), days_ago(1))
        assert report["counts"] == NOTHING | {"missingHere": 2, "outsidePeriod": 1}

    def test_a_record_that_ended_outside_the_period_is_not_missing(
        self, client: FlaskClient
    ) -> None:
        payout_id = user_with_open_records(client)[2]
        deliver_and_handle(client, "paid", payout_id)
        for shift in (timedelta(days=2), timedelta(days=-2)):
            day = today() + shift
            period = {"from": str(day), "to": str(day + timedelta(days=1))}
            assert reconciled(client, **period)["counts"] == NOTHING

    def test_the_days_are_those_of_the_time_zone_of_the_bank(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        evening = clock.now().replace(hour=19, minute=0)
        with monkeypatch.context() as patch:
            freeze_clock(patch, evening)
            payout_id = user_with_open_records(client)[2]
            deliver_and_handle(client, "paid", payout_id)
        for zone, shift in (("UTC", 0), ("Asia/Kolkata", 1)):
            day = evening.date() + timedelta(days=shift)
            period = {"from": str(day), "to": str(day + timedelta(days=1)), "timeZone": zone}
            report = reconciled(client, **period)
            assert report["counts"] == NOTHING | {"missingThere": 1}
            assert report["timeZone"] == zone

    def test_a_record_created_before_the_period_is_not_missing(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.buyer()
        account_id = bank_account_of(client, user)
        with monkeypatch.context() as patch:
            freeze_clock(patch, clock.now() - timedelta(days=1))
            payout_id = UUID(create_payout(client, user, account_id).json["id"])
        deliver_and_handle(client, "paid", payout_id)
        both = {"from": days_ago(1), "to": days_ago(-1)}
        assert reconciled(client, **both)["counts"] == NOTHING | {"missingThere": 1}
        assert reconciled(client, **(both | {"from": days_ago(0)}))["counts"] == NOTHING

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ({}, {"statement": ["is empty; specify the period with from and to"]}),
            (
                {"from": "2026-11-02"},
                {"statement": ["is empty; specify the period with from and to"]},
            ),
        ],
    )
    def test_an_invalid_period_is_refused(
        self, client: FlaskClient, query: dict[str, str], problem: dict[str, list[str]]
    ) -> None:
        answer = post_statement(client, statement(), **query)
        assert refusal(answer) == (400, "STATEMENT_INVALID")
        assert error_body(answer)["details"] == problem


class TestRequests:
    def test_an_invalid_line_is_reported(self, client: FlaskClient) -> None:
        answer = post_statement(
            client, statement(booked_line("DEBIT", uuid4()) | {"amount": "much"})
        )
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
            {"timeZone": "India"},
        ],
        ids=str,
    )
    def test_invalid_parameters_are_refused(
        self, client: FlaskClient, query: dict[str, str]
    ) -> None:
        assert post_statement(client, statement(), **query).status_code == 400

    def test_another_media_type_is_refused(self, client: FlaskClient) -> None:
        answer = client.post(
            "/api/v1/admin/reconciliations?provider=HDFC",
            json={},
            headers=factories.admin().headers,
        )
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")

    def test_the_body_has_its_own_size_limit(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = [booked_line("DEBIT", uuid4()) for _ in range(1200)]
        raw = statement(*lines)
        assert len(raw) > http.MAX_BODY_BYTES
        assert post_statement(client, raw).json["counts"]["missingHere"] == 1200
        monkeypatch.setattr(views, "MAX_BYTES", len(raw) - 1)
        answer = post_statement(client, raw)
        assert refusal(answer) == (413, "BODY_TOO_LARGE")
        assert answer.json["message"] == f"The body is larger than {len(raw) // 1024} KiB"

    def test_json_has_at_most_a_thousand_rows_and_csv_all(self, client: FlaskClient) -> None:
        raw = statement(*[booked_line("DEBIT", uuid4()) for _ in range(1001)])
        assert len(post_statement(client, raw).json["rows"]) == 1000
        assert len(rows_of(post_statement(client, raw, format="csv").text)) == 1001

    def test_csv_includes_matches(self, client: FlaskClient) -> None:
        user, onramp, payout_id = user_with_open_records(client)
        deliver_event(client, onramp, user)
        answer = post_statement(
            client, statement(credit_line(onramp), debit_line(payout_id)), format="csv"
        )
        assert answer.content_type == "text/csv; charset=utf-8; header=present"
        matched, open_ = rows_of(answer.text)
        assert list(matched) == list(COLUMNS)
        assert (matched["outcome"], open_["outcome"]) == ("MATCHED", "STATUS_DIFFERS")
        assert (matched["ourStatus"], open_["ourStatus"]) == ("SUCCESS", "PENDING")


def rows_of(raw: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(raw.removeprefix("\ufeff"))))


def test_a_payout_paid_immediately_matches(client: FlaskClient, bank: FakeBank) -> None:
    payout_id = user_with_open_records(client)[2]
    bank.status = "PAID"
    tasks.advance(payout_id)
    assert reconciled(client, debit_line(payout_id))["counts"] == NOTHING | {"matched": 1}


def test_the_last_representable_day_is_refused(client: FlaskClient) -> None:
    line = {"date": "9999-12-31"}
    user, onramp, _ = user_with_open_records(client)
    deliver_event(client, onramp, user)

    assert refusal(post_statement(client, statement(credit_line(onramp) | line)))[0] == 400
    day = {"from": "9999-12-30", "to": "9999-12-31"}
    assert reconciled(client, **day)["counts"] == NOTHING


def test_a_period_of_more_than_a_year_is_refused(client: FlaskClient) -> None:
    period = {"from": "2024-01-01", "to": "2026-01-01"}

    assert refusal(post_statement(client, statement(), **period))[0] == 400
