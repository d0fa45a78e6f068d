"""Everybody at once, with real commits: jobs, webhooks and sweeps over the same payouts."""

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
from tests.crowd import all_at_once, broken, outcomes
from tests.fake_bank import FakeBank
from tests.payouts.helpers import (
    ACCOUNT,
    account_of,
    events_of,
    make_due,
    money,
    pay_out,
    pending,
    quarantined,
    save,
    status,
    tell,
)


def everybody(
    app: Flask, payout_ids: list[UUID], kind: str, *, amount: str
) -> list[Callable[[], Any]]:
    """A job, a repeated webhook and a sweep for each payout, and whoever works off the inbox."""

    def tell_and_settle(payout_id: UUID) -> None:
        tell(app.test_client(), kind, payout_id, amount=amount, event_id=f"evt_{payout_id}")
        inbox.sweep()

    acts: list[Callable[[], Any]] = []
    for payout_id in payout_ids:
        acts += [partial(tasks.advance, payout_id)] * 2
        acts += [partial(tell_and_settle, payout_id)] * 2
        acts += [tasks.sweep]
    return acts


def postings(kind: str = "PAYOUT") -> int:
    query = text("SELECT count(*) FROM wallet_transactions WHERE type = :kind AND amount < 0")
    with transaction() as session:
        return int(session.scalar(query, {"kind": kind}) or 0)


@pytest.mark.parametrize(
    ("verdict", "left", "posted"), [("PAID", "60.00", 4), ("REFUSED", "100.00", 0)]
)
def test_jobs_webhooks_and_sweeps_together_end_each_payout_once(
    committing: Flask, bank: FakeBank, verdict: str, left: str, posted: int
) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    account_id = account_of(client, user)
    ids = [UUID(pay_out(client, user, account_id, "10.00").json["id"]) for _ in range(4)]
    for payout_id in ids:
        make_due(payout_id)
    bank.verdict = verdict

    all_at_once(lambda act: act(), everybody(committing, ids, verdict.lower(), amount="10.00"))

    assert quarantined() == []
    assert [status(client, user, payout_id) for payout_id in ids] == [verdict] * 4
    assert money(client, user) == (left, "0.00")
    assert postings() == posted
    assert broken() == []


def test_a_webhook_and_an_answer_that_contradict_each_other_end_it_once(
    committing: Flask, bank: FakeBank
) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    payout_id = pending(client, user)
    bank.verdict = "REFUSED"

    all_at_once(lambda act: act(), everybody(committing, [payout_id], "paid", amount="25.00"))

    ended = status(client, user, payout_id)
    assert money(client, user) == ({"PAID": "75.00", "REFUSED": "100.00"}[ended], "0.00")
    told = Counter(events_of(payout_id))
    assert told[f"payout-{ended.lower()}"] == 1
    assert bool(quarantined()) or told["payout-flagged"] == 1
    assert broken() == []


def test_only_one_of_16_payouts_of_everything_is_taken_on(committing: Flask) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    account_id = account_of(client, user)

    answers = all_at_once(
        lambda _: pay_out(committing.test_client(), user, account_id, "100.00"), range(16)
    )

    assert outcomes(answers) == {(201, None): 1, (400, "INSUFFICIENT_FUNDS"): 15}
    assert money(client, user) == ("100.00", "100.00")
    assert broken() == []


def test_one_key_at_the_same_moment_holds_once(committing: Flask) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    account_id = account_of(client, user)

    answers = all_at_once(
        lambda _: pay_out(committing.test_client(), user, account_id, key="payout-1"), range(12)
    )

    assert set(outcomes(answers)) <= {(201, None), (409, "IDEMPOTENCY_IN_PROGRESS")}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert money(client, user) == ("100.00", "25.00")
    assert broken() == []


def test_nobody_saves_an_eleventh_account_by_being_quick(committing: Flask) -> None:
    user = factories.buyer()
    answers = all_at_once(
        lambda number: save(committing.test_client(), user, number=f"10000000{number:02}"),
        range(16),
    )
    assert outcomes(answers) == {(201, None): 10, (409, "TOO_MANY_BANK_ACCOUNTS"): 6}


def test_the_same_account_at_the_same_moment_is_saved_once(committing: Flask) -> None:
    user = factories.buyer()
    answers = all_at_once(lambda _: save(committing.test_client(), user, **ACCOUNT), range(8))
    assert outcomes(answers) == {(201, None): 1, (409, "BANK_ACCOUNT_TAKEN"): 7}
