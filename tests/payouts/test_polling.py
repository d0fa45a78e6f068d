"""Seeing payouts through when banks are silent, slow or odd, and jobs are lost."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue

from app.banks import providers
from app.common import cache, circuit, clock, encryption, http, queue
from app.payouts import service, tasks
from app.payouts.polling import FIRST_PAUSE, FLAG_AFTER_ATTEMPTS, MAX_PAUSE
from tests import factories
from tests.fake_bank import FakeBank
from tests.payouts.helpers import (
    account_of,
    events_of,
    last_event,
    make_due,
    money,
    pay_out,
    pending,
    row,
    status,
)


def sweep(app: Flask) -> list[UUID]:
    """The payouts that a sweep sends somebody to the bank for."""
    cache.client().flushdb()
    count = tasks.sweep()
    jobs = Queue(queue.OUTBOUND, connection=cache.client()).jobs
    assert len(jobs) == count
    return [job.args[0] for job in jobs]


class TestWhenNobodyKnows:
    @pytest.mark.parametrize("trouble", ["LOST", "SLOW", 500, 503, 429])
    def test_it_stays_as_it_is_and_is_paid_once_the_bank_answers(
        self, client: FlaskClient, bank: FakeBank, trouble: Any
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.failing.extend([trouble] * 3)

        tasks.advance(payout_id)
        assert status(client, user, payout_id) == "PENDING"
        assert money(client, user) == ("100.00", "25.00")
        assert events_of(payout_id) == []

        bank.failing.clear()
        tasks.advance(payout_id)
        assert status(client, user, payout_id) == "SUBMITTED"
        assert list(bank.payouts) == [str(payout_id)]

    def test_a_bank_that_has_paid_before_it_fell_silent_has_paid_once(
        self, client: FlaskClient, bank: FakeBank
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.verdict = "PAID"
        bank.failing.extend(["LOST"] * 3)
        tasks.advance(payout_id)
        assert money(client, user) == ("100.00", "25.00")

        tasks.advance(payout_id)
        assert money(client, user) == ("75.00", "0.00")
        assert len(bank.payouts) == 1

    def test_a_bank_that_is_left_alone_is_asked_by_a_later_attempt(
        self, client: FlaskClient, bank: FakeBank, app: Flask
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.failing.extend([501] * circuit.FAILURES)
        for _ in range(circuit.FAILURES + 1):
            tasks.advance(payout_id)
        assert len(bank.asked) == circuit.FAILURES
        assert status(client, user, payout_id) == "PENDING"

        cache.client().flushdb()  # some time later
        tasks.advance(payout_id)
        assert status(client, user, payout_id) == "SUBMITTED"


class TestForPeople:
    @pytest.mark.parametrize("trouble", [400, 401, 404, (200, b"<html>"), (202, b"")])
    def test_what_is_odd_is_flagged_once_and_tried_again(
        self, client: FlaskClient, bank: FakeBank, trouble: Any
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.failing.extend([trouble] * 2)

        tasks.advance(payout_id)
        tasks.advance(payout_id)

        assert status(client, user, payout_id) == "PENDING"
        assert money(client, user) == ("100.00", "25.00")
        assert events_of(payout_id) == ["payout-flagged"]
        assert last_event(payout_id)["reason"].startswith("HTTP ")
        tasks.advance(payout_id)
        assert status(client, user, payout_id) == "SUBMITTED"

    def test_a_bank_that_has_forgotten_what_it_accepted(
        self, client: FlaskClient, bank: FakeBank
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        tasks.advance(payout_id)
        bank.payouts.clear()

        tasks.advance(payout_id)

        assert status(client, user, payout_id) == "SUBMITTED"
        assert money(client, user) == ("100.00", "25.00")
        assert events_of(payout_id) == ["payout-submitted", "payout-flagged"]

    def test_a_bank_that_we_no_longer_work_with(self, client: FlaskClient, bank: FakeBank) -> None:
        payout_id = pending(client, factories.buyer())
        providers.configure([])
        tasks.advance(payout_id)
        assert last_event(payout_id)["reason"].startswith("Unknown bank")
        assert bank.asked == []

    def test_a_number_that_can_no_longer_be_read(
        self, client: FlaskClient, bank: FakeBank, app: Flask
    ) -> None:
        payout_id = pending(client, factories.buyer())
        encryption.configure(["another secret, of 32 characters or more"])
        try:
            tasks.advance(payout_id)
        finally:
            encryption.configure(http.settings().encryption_secrets)
        assert "ENCRYPTION_KEYS" in last_event(payout_id)["reason"]
        assert bank.asked == []

    def test_a_payout_that_never_ends(
        self, client: FlaskClient, bank: FakeBank, app: Flask
    ) -> None:
        payout_id = pending(client, factories.buyer())
        make_due(payout_id, attempts=FLAG_AFTER_ATTEMPTS - 2)
        sweep(app)
        assert events_of(payout_id) == []

        make_due(payout_id, attempts=FLAG_AFTER_ATTEMPTS - 1)
        assert sweep(app) == [payout_id]
        make_due(payout_id, attempts=FLAG_AFTER_ATTEMPTS)
        sweep(app)
        assert events_of(payout_id) == ["payout-flagged"]


class TestSweeping:
    def test_a_lost_job_is_found_when_its_time_has_passed(
        self, client: FlaskClient, app: Flask
    ) -> None:
        payout_id = pending(client, factories.buyer())
        assert sweep(app) == []  # the job of the request is surely on its way

        make_due(payout_id)
        assert sweep(app) == [payout_id]
        assert sweep(app) == []

    def test_one_that_the_bank_has_accepted_and_never_speaks_of_again(
        self, client: FlaskClient, bank: FakeBank, app: Flask
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        tasks.advance(payout_id)
        bank.decide(str(payout_id), "PAID")
        assert sweep(app) == []

        make_due(payout_id)
        for found in sweep(app):
            tasks.advance(found)
        assert status(client, user, payout_id) == "PAID"

    def test_what_is_settled_is_left_alone(
        self, client: FlaskClient, bank: FakeBank, app: Flask
    ) -> None:
        for verdict in ("PAID", "REFUSED"):
            bank.verdict = verdict
            payout_id = pending(client, factories.buyer())
            tasks.advance(payout_id)
            assert row(payout_id).next_attempt_at is None
        assert sweep(app) == []

    def test_each_attempt_waits_longer_and_none_too_long(
        self, client: FlaskClient, app: Flask
    ) -> None:
        payout_id = pending(client, factories.buyer())
        pauses = []
        for attempts in (0, 1, 2, 10, 60):
            make_due(payout_id, attempts=attempts)
            sweep(app)
            due = row(payout_id).next_attempt_at
            assert due is not None
            pauses.append(due - clock.now())
        assert FIRST_PAUSE - timedelta(seconds=5) < pauses[0] <= 2 * FIRST_PAUSE
        for pause in pauses[-2:]:
            assert MAX_PAUSE / 2 - timedelta(seconds=5) < pause <= MAX_PAUSE

    def test_many_that_are_due_are_all_found(self, client: FlaskClient, app: Flask) -> None:
        user = factories.buyer("1000.00")
        account_id = account_of(client, user)
        ids = {UUID(pay_out(client, user, account_id, "1.00").json["id"]) for _ in range(120)}
        for payout_id in ids:
            make_due(payout_id)
        assert set(sweep(app)) == ids


class TestDeath:
    def test_a_job_that_dies_after_the_bank_has_accepted(
        self, client: FlaskClient, bank: FakeBank, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.verdict = "PAID"
        with monkeypatch.context() as patch:
            patch.setattr(service, "record_bank_payout", _die)
            with pytest.raises(SystemExit):
                tasks.advance(payout_id)
        assert (status(client, user, payout_id), len(bank.payouts)) == ("PENDING", 1)

        make_due(payout_id)
        for found in sweep(app):
            tasks.advance(found)

        assert status(client, user, payout_id) == "PAID"
        assert money(client, user) == ("75.00", "0.00")
        assert len(bank.payouts) == 1


def _die(*args: object, **kwargs: object) -> None:
    raise SystemExit
