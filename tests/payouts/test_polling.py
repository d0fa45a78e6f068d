"""Polling when banks are unavailable, slow or send invalid responses, and jobs are lost."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.banks import providers
from app.common import cache, circuit, clock, encryption, http, queue
from app.payouts import service, tasks
from app.payouts.service import POLLING
from tests import factories
from tests.factories import Actor
from tests.fake_bank import FakeBank
from tests.payouts.helpers import (
    balance_and_held,
    bank_account_of,
    create_payout,
    events_of,
    last_event_data,
    make_due,
    payout_row,
    pending_payout,
    status_of,
)


def sweep(app: Flask) -> list[UUID]:
    """The payouts for which a sweep enqueues a job."""
    cache.client().flushdb()
    count = tasks.sweep()
    jobs = queue.open_queue(queue.OUTBOUND, cache.client()).jobs
    assert len(jobs) == count
    return [job.args[0] for job in jobs]


class TestUnknownOutcome:
    @pytest.mark.parametrize("trouble", ["LOST", "SLOW", 500, 503, 429])
    def test_the_payout_stays_pending_until_the_bank_responds(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank, trouble: Any
    ) -> None:
        bank.failures.extend([trouble] * 3)

        tasks.advance(payout_id)
        assert status_of(client, user, payout_id) == "PENDING"
        assert balance_and_held(client, user) == ("100.00", "25.00")
        assert events_of(payout_id) == []

        bank.failures.clear()
        tasks.advance(payout_id)
        assert status_of(client, user, payout_id) == "SUBMITTED"
        assert list(bank.payouts) == [str(payout_id)]

    def test_a_bank_that_paid_before_its_response_was_lost_has_paid_once(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank
    ) -> None:
        bank.status = "PAID"
        bank.failures.extend(["LOST"] * 3)
        tasks.advance(payout_id)
        assert balance_and_held(client, user) == ("100.00", "25.00")

        tasks.advance(payout_id)
        assert balance_and_held(client, user) == ("75.00", "0.00")
        assert len(bank.payouts) == 1

    def test_a_later_attempt_calls_a_bank_whose_circuit_was_open(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank, app: Flask
    ) -> None:
        bank.failures.extend([501] * circuit.MAX_FAILURES)
        for _ in range(circuit.MAX_FAILURES + 1):
            tasks.advance(payout_id)
        assert len(bank.requests) == circuit.MAX_FAILURES
        assert status_of(client, user, payout_id) == "PENDING"

        cache.client().flushdb()  # some time later
        tasks.advance(payout_id)
        assert status_of(client, user, payout_id) == "SUBMITTED"


class TestFlagging:
    @pytest.mark.parametrize("trouble", [400, 401, 404, (200, b"<html>"), (202, b"")])
    def test_an_invalid_response_flags_the_payout_once_and_is_retried(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank, trouble: Any
    ) -> None:
        bank.failures.extend([trouble] * 2)

        tasks.advance(payout_id)
        tasks.advance(payout_id)

        assert status_of(client, user, payout_id) == "PENDING"
        assert balance_and_held(client, user) == ("100.00", "25.00")
        assert events_of(payout_id) == ["payout-flagged"]
        assert last_event_data(payout_id)["reason"].startswith("HTTP ")
        tasks.advance(payout_id)
        assert status_of(client, user, payout_id) == "SUBMITTED"

    def test_a_payout_unknown_to_its_bank_stays_submitted_and_is_flagged(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank
    ) -> None:
        tasks.advance(payout_id)
        bank.payouts.clear()

        tasks.advance(payout_id)

        assert status_of(client, user, payout_id) == "SUBMITTED"
        assert balance_and_held(client, user) == ("100.00", "25.00")
        assert events_of(payout_id) == ["payout-submitted", "payout-flagged"]

    def test_a_payout_of_a_removed_bank_is_flagged(
        self, client: FlaskClient, bank: FakeBank
    ) -> None:
        payout_id = pending_payout(client, factories.buyer())
        providers.configure([])
        tasks.advance(payout_id)
        assert last_event_data(payout_id)["reason"].startswith("Unknown bank")
        assert bank.requests == []

    def test_a_payout_whose_account_number_cannot_be_decrypted_is_flagged(
        self, client: FlaskClient, bank: FakeBank, app: Flask
    ) -> None:
        payout_id = pending_payout(client, factories.buyer())
        encryption.configure(["another secret, of 32 characters or more"])
        try:
            tasks.advance(payout_id)
        finally:
            encryption.configure(http.settings().encryption_secrets)
        assert "ENCRYPTION_KEYS" in last_event_data(payout_id)["reason"]
        assert bank.requests == []

    def test_a_payout_without_an_outcome_is_flagged(
        self, client: FlaskClient, bank: FakeBank, app: Flask
    ) -> None:
        payout_id = pending_payout(client, factories.buyer())
        make_due(payout_id, attempts=POLLING.max_attempts - 2)
        sweep(app)
        assert events_of(payout_id) == []

        make_due(payout_id, attempts=POLLING.max_attempts - 1)
        assert sweep(app) == [payout_id]
        make_due(payout_id, attempts=POLLING.max_attempts)
        sweep(app)
        assert events_of(payout_id) == ["payout-flagged"]


class TestSweeping:
    def test_a_payout_whose_job_was_lost_becomes_due(self, client: FlaskClient, app: Flask) -> None:
        payout_id = pending_payout(client, factories.buyer())
        assert sweep(app) == []  # the job that the request enqueued may still run

        make_due(payout_id)
        assert sweep(app) == [payout_id]
        assert sweep(app) == []

    def test_a_submitted_payout_without_an_event_is_polled(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank, app: Flask
    ) -> None:
        tasks.advance(payout_id)
        bank.set_status(str(payout_id), "PAID")
        assert sweep(app) == []

        make_due(payout_id)
        for found in sweep(app):
            tasks.advance(found)
        assert status_of(client, user, payout_id) == "PAID"

    def test_an_ended_payout_is_not_polled(
        self, client: FlaskClient, bank: FakeBank, app: Flask
    ) -> None:
        for outcome in ("PAID", "REFUSED"):
            bank.status = outcome
            payout_id = pending_payout(client, factories.buyer())
            tasks.advance(payout_id)
            assert payout_row(payout_id).next_attempt_at is None
        assert sweep(app) == []

    def test_pauses_grow_up_to_a_maximum(self, client: FlaskClient, app: Flask) -> None:
        payout_id = pending_payout(client, factories.buyer())
        pauses = []
        for attempts in (0, 1, 2, 10, 60):
            make_due(payout_id, attempts=attempts)
            sweep(app)
            due = payout_row(payout_id).next_attempt_at
            assert due is not None
            pauses.append(due - clock.now())
        first, longest = POLLING.backoff.first, POLLING.backoff.max_delay
        assert first - timedelta(seconds=5) < pauses[0] <= 2 * first
        for pause in pauses[-2:]:
            assert longest / 2 - timedelta(seconds=5) < pause <= longest

    def test_all_due_payouts_are_found(self, client: FlaskClient, app: Flask) -> None:
        user = factories.buyer("1000.00")
        account_id = bank_account_of(client, user)
        ids = {UUID(create_payout(client, user, account_id, "1.00").json["id"]) for _ in range(120)}
        for payout_id in ids:
            make_due(payout_id)
        assert set(sweep(app)) == ids


class TestCrash:
    def test_a_job_that_crashes_after_the_request_is_repeated_and_pays_once(
        self,
        client: FlaskClient,
        user: Actor,
        payout_id: UUID,
        bank: FakeBank,
        app: Flask,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        bank.status = "PAID"
        with monkeypatch.context() as patch:
            patch.setattr(service, "record_bank_payout", _exit_process)
            with pytest.raises(SystemExit):
                tasks.advance(payout_id)
        assert (status_of(client, user, payout_id), len(bank.payouts)) == ("PENDING", 1)

        make_due(payout_id)
        for found in sweep(app):
            tasks.advance(found)

        assert status_of(client, user, payout_id) == "PAID"
        assert balance_and_held(client, user) == ("75.00", "0.00")
        assert len(bank.payouts) == 1


def _exit_process(*args: object, **kwargs: object) -> None:
    raise SystemExit
