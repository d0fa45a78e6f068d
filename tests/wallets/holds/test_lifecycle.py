"""The lifecycle of holds, as other modules use it."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import clock
from app.common.db import transaction
from app.common.money import Money
from app.events import service as events
from app.wallets import ledger, outflow, repository
from app.wallets import service as wallets
from app.wallets.errors import HoldClosed, HoldNotFound, InsufficientFunds, LimitExceeded
from app.wallets.holds import lifecycle
from app.wallets.models import HoldStatus, SystemCode, TransactionType, WalletHold
from app.wallets.outflow import Outflow
from tests import factories
from tests.concurrency import broken_invariants
from tests.wallets.helpers import set_limit

TEN = Money(1000, "USD")


def place(
    actor: factories.Actor, money: Money = TEN, expires_at: datetime | None = None
) -> WalletHold:
    with factories.ledger_session() as session:
        account = wallets.require_account(session, user_id=actor.id, currency="USD")
        return lifecycle.place(
            session,
            account,
            authorization=outflow.authorize(
                session,
                account,
                Outflow(TransactionType.PAYOUT, money.minor),
                second_factor=factories.NO_CODE,
            ),
            initiator_id=actor.id,
            reference=("hold", uuid4()),
            expires_at=expires_at,
        )


def amounts(client: FlaskClient, actor: factories.Actor) -> tuple[str, str, str]:
    wallet = client.get("/api/v1/wallet", headers=actor.headers).json
    return wallet["balance"], wallet["held"], wallet["available"]


def test_a_held_amount_is_not_available(client: FlaskClient) -> None:
    user = factories.buyer("25.00")

    place(user)

    assert amounts(client, user) == ("25.00", "10.00", "15.00")
    with pytest.raises(InsufficientFunds):
        place(user, Money(1501, "USD"))
    assert broken_invariants() == []


def test_a_partial_capture_releases_the_rest(client: FlaskClient) -> None:
    user = factories.buyer("25.00")
    placed = place(user)

    with factories.ledger_session() as session:
        hold = lifecycle.require_active(session, placed.id)
        account = wallets.require_account(session, user_id=user.id, currency="USD")
        authorization = lifecycle.capture(hold, account, 600)
        bank = ledger.system_account(SystemCode.BANK, "USD")
        entry = ledger.Entry(
            kind="PAYOUT",
            reference=(str(hold.reference_type), hold.reference_id or uuid4()),
            postings=(
                ledger.Posting(account, -600, TransactionType.PAYOUT, authorization=authorization),
                ledger.Posting(bank, 600, TransactionType.PAYOUT),
            ),
        )
        posted = ledger.post(session, entry)
        events.record(session, wallets.balance_events(posted))

    assert amounts(client, user) == ("19.00", "0.00", "19.00")
    with transaction() as session, pytest.raises(HoldClosed):
        lifecycle.require_active(session, placed.id)


@pytest.mark.parametrize("status", [HoldStatus.VOIDED, HoldStatus.EXPIRED])
def test_a_released_hold_moves_no_money(client: FlaskClient, status: HoldStatus) -> None:
    user = factories.buyer("25.00")
    placed = place(user, expires_at=clock.now() if status is HoldStatus.EXPIRED else None)

    with factories.ledger_session() as session:
        hold = repository.get_hold_for_update(session, placed.id)
        assert hold is not None
        account = wallets.require_account(session, user_id=user.id, currency="USD")
        lifecycle.release(session, hold, account, status)

    assert amounts(client, user) == ("25.00", "0.00", "25.00")
    assert broken_invariants() == []


def test_an_unknown_hold_is_not_found(app: Flask) -> None:
    with transaction() as session, pytest.raises(HoldNotFound):
        lifecycle.require_active(session, uuid4())


@pytest.mark.parametrize("kind", ["PAYOUT", "OUTGOING"])
def test_a_held_amount_counts_towards_limits_regardless_of_its_age(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    user = factories.buyer("100.00")
    with monkeypatch.context() as past:
        moment = clock.now() - timedelta(days=40)
        past.setattr(clock, "now", lambda: moment)
        place(user)
    set_limit(client, user, kind, "DAY", "12.00")

    def require_within_limits(cents: int) -> None:
        with transaction() as session:
            account = wallets.require_account(session, user_id=user.id, currency="USD")
            payout = Outflow(TransactionType.PAYOUT, cents)
            outflow.authorize(session, account, payout, second_factor=factories.NO_CODE)

    require_within_limits(200)
    with pytest.raises(LimitExceeded):
        require_within_limits(201)
