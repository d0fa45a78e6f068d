"""Upper bounds of what a wallet has moved, which decide without a query where they can."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth import repository as auth
from app.auth.errors import TwoFactorRequired
from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.common.db import transaction
from app.ledger_lock.service import ledger_transaction
from app.wallets import ledger, repository, usage
from app.wallets.deposits import Withdrawal
from app.wallets.errors import LimitExceeded
from app.wallets.ledger import Account, Authorization, Entry, Posting, system_account
from app.wallets.models import (
    TOTALS_MODULUS,
    LimitType,
    SystemCode,
    TransactionType,
    WalletKind,
)
from tests import factories
from tests.authenticator import ManualClock, enable_two_factor
from tests.clock import freeze_clock
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.wallets.helpers import set_limit

WITHDRAWAL = TransactionType.WITHDRAWAL


def withdraw(user: Actor, cents: int, rules: SecondFactor = factories.NO_CODE) -> bool:
    """Returns whether it was within the limits. At any time: it needs no access token."""
    try:
        ledger_transaction(
            lambda session: factories.execute(
                session,
                Withdrawal(Decimal(cents) / 100, "USD", minimum=Decimal(0), second_factor=rules),
                user.id,
            )
        )
    except LimitExceeded:
        return False
    return True


@pytest.mark.parametrize("seed", range(3))
def test_decisions_are_those_of_exact_sums(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Withdrawals at random times against limits per day and month, compared with their list."""
    random, exact_reads = Random(seed), 0
    now, moved = clock.now() - timedelta(days=90), list[tuple[datetime, int]]()
    freeze_clock(monkeypatch, now)
    user = factories.buyer("1000.00")
    set_limit(client, user, "WITHDRAWAL", "DAY", "10.00")
    set_limit(client, user, "OUTGOING", "MONTH", "60.00")
    query_movements = repository.query_movements

    def counted(*args: Any, **values: Any) -> list[list[Any]]:
        nonlocal exact_reads
        exact_reads += 1
        return query_movements(*args, **values)

    monkeypatch.setattr(repository, "query_movements", counted)
    for _ in range(80):
        now += timedelta(minutes=random.randrange(1, 24 * 60))
        freeze_clock(monkeypatch, now)
        cents = random.randrange(1, 600)
        within = [
            sum(amount for time, amount in moved if time > now - length) + cents <= most
            for length, most in ((timedelta(days=1), 1000), (timedelta(days=30), 6000))
        ]

        assert withdraw(user, cents) == all(within)

        if all(within):
            moved.append((now, cents))
    assert len(moved) > 20
    assert exact_reads < 80
    assert broken_invariants() == []


def test_without_limits_in_sight_nothing_is_summed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = factories.buyer("1000.00")
    monkeypatch.delattr(repository, "query_movements")

    assert [withdraw(user, 10_00) for _ in range(5)] == [True] * 5


def test_disabling_two_factor_authentication_forgets_no_payment(
    client: FlaskClient, totp_clock: ManualClock
) -> None:
    """A stored total counts for the whole day, not since the last code."""
    user = factories.buyer("2000.00")
    totp_clock.moment = clock.now()
    app = enable_two_factor(client, user, totp_clock)
    rules = SecondFactor(above=Decimal(500))
    totp_clock.advance(60)

    assert withdraw(user, 450_00, rules)
    totp_clock.advance(60)
    assert withdraw(user, 100_00, replace(rules, code=app.code()))
    totp_clock.advance(60)
    assert withdraw(user, 10_00, rules)
    assert withdraw(user, 60_00, rules)
    with transaction() as session:
        auth.delete_two_factor(session, user.id)

    with pytest.raises(TwoFactorRequired):
        withdraw(user, 400_00, rules)


def test_totals_that_start_again_exceed_every_limit_until_they_are_read() -> None:
    account = Account(uuid4(), WalletKind.USER, "USD", user_id=uuid4(), balance=100)
    account.totals = {WITHDRAWAL.value: [TOTALS_MODULUS - 5, 0]}
    bank = system_account(SystemCode.BANK, "USD")
    authorization = Authorization(account.id, 10, WITHDRAWAL)

    ledger.apply(
        Entry(
            "TEST",
            (
                Posting(account, -10, WITHDRAWAL, authorization=authorization),
                Posting(bank, 10, WITHDRAWAL),
            ),
        )
    )

    assert list(account.totals[WITHDRAWAL.value][:2]) == [5, 10]
    row = SimpleNamespace(
        role="USER", is_enrolled=False, of_roles='[["USER", "WITHDRAWAL", "DAY", 100]]', own=None
    )
    bounds = usage._bounds(row, account, LimitType.OUTGOING, {})
    found = bounds.exceeded(WITHDRAWAL, 1)
    assert found is not None
    assert found.type is LimitType.WITHDRAWAL
