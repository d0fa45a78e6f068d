"""Limits under concurrency, and for wallets with a long history."""

from collections import Counter

from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.common import db
from app.common.errors import AppError
from app.common.money import Money
from app.ledger_lock.service import ledger_transaction
from app.wallets import outflow
from app.wallets import service as wallets
from app.wallets.holds import lifecycle
from app.wallets.models import TransactionType
from app.wallets.outflow import Outflow
from app.wallets.usage import list_effective
from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.factories import Actor
from tests.wallets.helpers import deposit, set_limit, withdraw
from tests.wallets.histories import add_history

ONE = Money(100, "USD")


def hold(user: Actor, money: Money) -> str:
    """Hold money for a payout. Returns `held`, or the code of the error."""

    def attempt(session: Session) -> None:
        account = wallets.require_account(session, user_id=user.id, currency="USD")
        payout = Outflow(TransactionType.PAYOUT, money.minor)
        authorization = outflow.authorize(session, account, payout, second_factor=factories.NO_CODE)
        lifecycle.place(session, account, authorization=authorization, initiator_id=user.id)

    try:
        ledger_transaction(attempt)
    except AppError as refusal:
        return refusal.code
    return "held"


class TestConcurrency:
    def test_20_concurrent_deposits_cannot_exceed_a_limit(self, committing: Flask) -> None:
        user = factories.actor()
        set_limit(committing.test_client(), user, "DEPOSIT", "DAY", "5.00")

        answers = all_at_once(lambda _: deposit(committing.test_client(), user, "1.00"), range(20))

        assert outcomes(answers) == {(200, None): 5, (400, "LIMIT_EXCEEDED"): 15}
        assert broken_invariants() == []

    def test_20_concurrent_holds_cannot_exceed_a_limit(self, committing: Flask) -> None:
        user = factories.buyer("100.00")
        set_limit(committing.test_client(), user, "PAYOUT", "DAY", "5.00")

        made = all_at_once(lambda _: hold(user, ONE), range(20))

        assert Counter(made) == {"held": 5, "LIMIT_EXCEEDED": 15}
        assert broken_invariants() == []

    def test_holds_and_withdrawals_share_the_limit_of_all_debits(self, committing: Flask) -> None:
        user = factories.buyer("100.00")
        set_limit(committing.test_client(), user, "OUTGOING", "DAY", "7.00")

        def spend(number: int) -> bool:
            if number % 2:
                return hold(user, ONE) == "held"
            return withdraw(committing.test_client(), user, "1.00").status_code == 200

        assert sum(all_at_once(spend, range(24))) == 7
        assert broken_invariants() == []

    def test_a_limit_of_the_role_applies_from_the_moment_it_is_set(self, committing: Flask) -> None:
        user, admin = factories.actor(), factories.admin()

        def act(number: int) -> int:
            client = committing.test_client()
            if number != 10:
                return deposit(client, user, "1.00").status_code
            limit = {"type": "INCOMING", "window": "DAY", "amount": "3.00"}
            path = "/api/v1/admin/roles/USER/limits"
            return client.put(path, json=limit, headers=admin.headers).status_code

        statuses = all_at_once(act, range(40))

        assert set(statuses) <= {200, 400}
        assert statuses[10] == 200
        assert deposit(committing.test_client(), user, "3.00").status_code == 400
        assert broken_invariants() == []


def reads(session: Session) -> tuple[int, int]:
    """Scans of the whole table of postings so far, and rows of it found by index."""
    scans, rows = session.execute(
        text("""
            SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables
            WHERE relname = 'wallet_transactions'
        """)
    ).one()
    return scans, rows


def test_only_rows_of_the_window_are_read_in_a_long_history(committing: Flask) -> None:
    """20,000 old movements and 3 of today, read until PostgreSQL uses a generic plan."""
    user = factories.actor()
    add_history(user.id, count=20_000)
    for _ in range(3):
        deposit(committing.test_client(), user, "1.00")

    with db.transaction() as session:
        account = wallets.require_wallet(session, user_id=user.id, currency="USD")
        scans_before, rows_before = reads(session)
        for _ in range(15):
            found = list_effective(session, account)
        scans, rows = reads(session)

    # One scan for all windows reads three postings, and the planner a few rows.
    assert scans == scans_before
    assert 15 * 3 <= rows - rows_before < 15 * 6
    assert {(limit.window, limit.used) for limit in found if limit.used} == {
        ("DAY", 300),
        ("MONTH", 300),
    }
