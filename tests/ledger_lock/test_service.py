"""Ledger transactions: the only transactions that may change balances."""

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.common.db import reading, retry_transaction
from app.common.driver import send
from app.ledger_lock.service import (
    LedgerLockNotHeld,
    acquire_ledger_lock,
    ledger_transaction,
    require_ledger_lock,
)
from app.wallets import ledger, limits
from app.wallets import service as wallets
from app.wallets.holds import lifecycle
from app.wallets.ledger import Authorization, Entry, Posting, system_account
from app.wallets.models import SystemCode, TransactionType
from tests import factories

_LOCKS = """
    SELECT mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE relname = 'money_gate' AND pid = pg_backend_pid()
"""


def post(session: Session, user: factories.Actor) -> None:
    account = wallets.lock_accounts(session, user_ids=[user.id], currency="USD")[user.id]
    bank = system_account(SystemCode.BANK, "USD")
    postings = (
        Posting(account, 100, TransactionType.DEPOSIT),
        Posting(bank, -100, TransactionType.DEPOSIT),
    )
    ledger.post(session, Entry(kind="TEST", postings=postings))


def hold(session: Session, user: factories.Actor) -> None:
    account = wallets.lock_accounts(session, user_ids=[user.id], currency="USD")[user.id]
    authorization = Authorization(account.id, 100, TransactionType.PAYOUT)
    lifecycle.place(session, account, authorization=authorization, initiator_id=user.id)


def release(session: Session, user: factories.Actor) -> None:
    account = wallets.lock_accounts(session, user_ids=[user.id], currency="USD")[user.id]
    ledger.release(account, 0)
    ledger.save(session, account)


def set_limit(session: Session, user: factories.Actor) -> None:
    limits.set_for_user(
        session,
        actor_id=None,
        user_id=user.id,
        kind="DEPOSIT",
        window="DAY",
        amount=Decimal("5.00"),
        currency="USD",
    )


@pytest.mark.parametrize("change", [post, hold, release, set_limit])
def test_a_change_outside_of_a_ledger_transaction_is_refused(
    app: Flask, change: Callable[[Session, factories.Actor], None]
) -> None:
    user = factories.buyer("5.00")

    with pytest.raises(LedgerLockNotHeld):
        retry_transaction(lambda session: change(session, user))

    with reading() as session:
        found = factories.wallet(session, user.id)
    assert (found.balance, found.held, found.sequence) == (500, 0, 1)


@pytest.mark.parametrize("pipelined", [False, True])
def test_it_is_serializable_and_excludes_others(committing: Flask, pipelined: bool) -> None:
    def read_state(session: Session) -> tuple[str, list[str]]:
        require_ledger_lock(session)
        shown = send(session, "SELECT current_setting('transaction_isolation') AS isolation")
        locks = send(session, _LOCKS)
        return shown.fetchall()[0].isolation, [row.mode for row in locks]

    found = ledger_transaction(read_state, pipelined=pipelined)

    # The mode conflicts with itself.
    assert found == ("serializable", ["ShareUpdateExclusiveLock"])


def test_a_transaction_that_waited_for_the_lock_sees_the_commits_before_it(
    committing: Flask,
) -> None:
    user = factories.buyer("5.00")
    tries: list[int] = []
    found: list[int] = []

    def read(session: Session) -> None:
        tries.append(1)
        account = wallets.lock_accounts(session, user_ids=[user.id], currency="USD")[user.id]
        found.append(account.balance)

    reader = threading.Thread(target=lambda: ledger_transaction(read))
    with factories.ledger_session() as session:
        post(session, user)
        reader.start()
        _wait_for_a_lock_waiter()
        assert tries == []
    reader.join(10)

    assert (tries, found) == ([1], [600])


def _wait_for_a_lock_waiter() -> None:
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'money_gate'::regclass"
    )
    for _ in range(1000):
        with reading() as session:
            if session.scalar(text(waiting)):
                return
        threading.Event().wait(0.005)
    raise AssertionError("no transaction waits for the lock")


def test_the_lock_can_be_acquired_within_a_transaction(app: Flask) -> None:
    user = factories.buyer("5.00")

    def work(session: Session) -> None:
        with pytest.raises(LedgerLockNotHeld):
            require_ledger_lock(session)
        acquire_ledger_lock(session)
        post(session, user)

    retry_transaction(work)
