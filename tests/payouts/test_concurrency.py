"""Concurrent jobs, webhooks and sweeps for the same payouts, with real commits."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from app.common.db import transaction
from app.inbox import tasks as inbox
from app.payouts import tasks
from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.fake_bank import FakeBank
from tests.payouts.helpers import (
    ACCOUNT,
    balance_and_held,
    bank_account_of,
    create_bank_account,
    create_payout,
    deliver_event,
    events_of,
    make_due,
    pending_payout,
    quarantine_reasons,
    status_of,
)


def everything(
    app: Flask, payout_ids: list[UUID], kind: str, *, amount: str
) -> list[Callable[[], Any]]:
    """A job, a repeated webhook and a sweep for each payout, and sweeps of the inbox."""

    def deliver_and_sweep(payout_id: UUID) -> None:
        deliver_event(
            app.test_client(), kind, payout_id, amount=amount, event_id=f"evt_{payout_id}"
        )
        inbox.sweep()

    calls: list[Callable[[], Any]] = []
    for payout_id in payout_ids:
        calls += [partial(tasks.advance, payout_id)] * 2
        calls += [partial(deliver_and_sweep, payout_id)] * 2
        calls += [tasks.sweep]
    return calls


def postings(kind: str = "PAYOUT") -> int:
    query = text("SELECT count(*) FROM wallet_transactions WHERE type = :kind AND amount < 0")
    with transaction() as session:
        return int(session.scalar(query, {"kind": kind}) or 0)


@pytest.mark.parametrize(
    ("outcome", "left", "posted"), [("PAID", "60.00", 4), ("REFUSED", "100.00", 0)]
)
def test_concurrent_jobs_webhooks_and_sweeps_end_each_payout_once(
    committing: Flask, bank: FakeBank, outcome: str, left: str, posted: int
) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    account_id = bank_account_of(client, user)
    ids = [UUID(create_payout(client, user, account_id, "10.00").json["id"]) for _ in range(4)]
    for payout_id in ids:
        make_due(payout_id)
    bank.status = outcome

    all_at_once(lambda call: call(), everything(committing, ids, outcome.lower(), amount="10.00"))

    assert quarantine_reasons() == []
    assert [status_of(client, user, payout_id) for payout_id in ids] == [outcome] * 4
    assert balance_and_held(client, user) == (left, "0.00")
    assert postings() == posted
    assert broken_invariants() == []


def test_a_webhook_and_a_contradicting_response_end_a_payout_once(
    committing: Flask, bank: FakeBank
) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    payout_id = pending_payout(client, user)
    bank.status = "REFUSED"

    all_at_once(lambda call: call(), everything(committing, [payout_id], "paid", amount="25.00"))

    ended = status_of(client, user, payout_id)
    assert balance_and_held(client, user) == ({"PAID": "75.00", "REFUSED": "100.00"}[ended], "0.00")
    types = Counter(events_of(payout_id))
    assert types[f"payout-{ended.lower()}"] == 1
    assert bool(quarantine_reasons()) or types["payout-flagged"] == 1
    assert broken_invariants() == []


def test_one_of_16_concurrent_payouts_of_the_whole_balance_is_created(committing: Flask) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    account_id = bank_account_of(client, user)

    answers = all_at_once(
        lambda _: create_payout(committing.test_client(), user, account_id, "100.00"), range(16)
    )

    assert outcomes(answers) == {(201, None): 1, (400, "INSUFFICIENT_FUNDS"): 15}
    assert balance_and_held(client, user) == ("100.00", "100.00")
    assert broken_invariants() == []


def test_concurrent_requests_with_one_key_hold_once(committing: Flask) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    account_id = bank_account_of(client, user)

    answers = all_at_once(
        lambda _: create_payout(committing.test_client(), user, account_id, key="payout-1"),
        range(12),
    )

    assert set(outcomes(answers)) <= {(201, None), (409, "IDEMPOTENCY_IN_PROGRESS")}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert balance_and_held(client, user) == ("100.00", "25.00")
    assert broken_invariants() == []


def test_concurrent_requests_never_save_an_eleventh_bank_account(committing: Flask) -> None:
    user = factories.buyer()
    answers = all_at_once(
        lambda number: create_bank_account(
            committing.test_client(), user, number=f"10000000{number:02}"
        ),
        range(16),
    )
    assert outcomes(answers) == {(201, None): 10, (409, "TOO_MANY_BANK_ACCOUNTS"): 6}


def test_concurrent_requests_save_the_same_bank_account_once(committing: Flask) -> None:
    user = factories.buyer()
    answers = all_at_once(
        lambda _: create_bank_account(committing.test_client(), user, **ACCOUNT), range(8)
    )
    assert outcomes(answers) == {(201, None): 1, (409, "BANK_ACCOUNT_TAKEN"): 7}
