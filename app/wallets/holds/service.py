"""Holds for a merchant on a buyer's wallet: captured or voided by the merchant, or expired."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.errors import UserNotFound
from app.auth.models import Role, User
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.auth.service import Caller
from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.events.catalogue.wallets import HoldCaptured, HoldPlaced, HoldReleased
from app.wallets import ledger, outflow
from app.wallets import service as wallets
from app.wallets.errors import HoldNotFound, WalletLocked
from app.wallets.holds import lifecycle, repository
from app.wallets.holds.errors import (
    CannotPayYourself,
    CaptureExceedsHold,
    ExpiryInvalid,
    NotThePayee,
    PayeeNotFound,
)
from app.wallets.ledger import Account, Entry, Posting
from app.wallets.models import HoldStatus, TransactionType, WalletHold
from app.wallets.outflow import Outflow

DEFAULT_TTL: Final = timedelta(days=7)
MAX_TTL: Final = timedelta(days=30)


def create_hold(
    session: Session,
    *,
    payer: User | Caller,
    payee_id: UUID,
    amount: Decimal,
    currency: str,
    second_factor: SecondFactor,
    expires_in: int | None = None,
    expires_at: datetime | None = None,
    description: str | None = None,
    idempotency_key: str | None = None,
) -> WalletHold:
    """Reserve money for a merchant: it is no longer available to the payer.

    amount: in units of `currency`; second_factor: the payer's; expires_in: seconds; expires_at: a
    time; 7 days by default.
    Raises CannotPayYourself, PayeeNotFound, ExpiryInvalid, WalletLocked (of either party),
    InsufficientFunds, LimitExceeded, WalletNotFound, TwoFactorRequired, QuotaExceeded.
    """
    money = Money.of(amount, currency)
    if payee_id == payer.id:
        raise CannotPayYourself
    _require_merchant(session, payee_id)
    expires_at = _expiry(expires_in=expires_in, expires_at=expires_at)
    quotas.require_room(session, user_id=payer.id, quota=Quota.HOLDS)
    account = wallets.require_account(session, user_id=payer.id, currency=currency)
    authorization = outflow.authorize(
        session,
        account,
        Outflow(TransactionType.PAYMENT, money.minor, payee_id=payee_id),
        second_factor=second_factor,
        require_payee=partial(_require_not_locked, session, payee_id, currency=currency),
    )
    hold = lifecycle.place(
        session,
        account,
        authorization=authorization,
        initiator_id=payer.id,
        payee_id=payee_id,
        description=description,
        idempotency_key=idempotency_key,
        expires_at=expires_at,
    )
    events.record(session, [HoldPlaced.of(hold, payer_id=hold.initiator_id)])
    return hold


def count_active_holds(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The number of active holds that the user has created. limit: as of `quotas.Count`."""
    return repository.count_active_holds(session, payer_id=user_id, limit=limit)


def capture_hold(
    session: Session,
    *,
    payee: Caller,
    hold_id: UUID,
    amount: Decimal | None = None,
    idempotency_key: str | None = None,
) -> WalletHold:
    """Capture a hold, or a part of it; the rest is released.

    amount: in units of the hold's currency, None for all of it.
    Raises HoldNotFound, NotThePayee, HoldClosed, CaptureExceedsHold, WalletLocked,
    BalanceTooLarge.
    """
    hold = _require_to_end(session, hold_id, payee_id=payee.id)
    held = hold.money
    money = Money.of(amount, hold.currency) if amount is not None else held
    if money.minor > held.minor:
        raise CaptureExceedsHold(held=held, requested=money)
    accounts = wallets.require_accounts(
        session, hold.initiator_id, payee.id, currency=hold.currency
    )
    payer, earner = accounts[hold.initiator_id], accounts[payee.id]
    if payer.is_locked:
        raise WalletLocked
    earner.require_can_receive(money.minor)
    authorization = lifecycle.capture(hold, payer, money.minor)
    description = hold.description or "Captured hold"
    entry = Entry(
        kind="CAPTURE",
        reference=("hold", hold.id),
        initiator_id=payee.id,
        idempotency_key=idempotency_key,
        postings=(
            Posting(payer, -money.minor, TransactionType.PAYMENT, description, authorization),
            Posting(earner, money.minor, TransactionType.EARNING, description),
        ),
    )
    posted = ledger.post(session, entry)
    captured = HoldCaptured.of(
        hold,
        payer_id=hold.initiator_id,
        amount=money.minor,
        released=held.minor - money.minor,
    )
    events.record(session, [captured, *wallets.balance_events(posted)])
    return hold


def void_hold(session: Session, *, payee_id: UUID, hold_id: UUID) -> WalletHold:
    """Void a hold. Only the payee can: the payer is bound until it expires.

    Raises HoldNotFound, NotThePayee, HoldClosed.
    """
    hold = _require_to_end(session, hold_id, payee_id=payee_id)
    account = wallets.require_account(session, user_id=hold.initiator_id, currency=hold.currency)
    _release(session, hold, account, HoldStatus.VOIDED)
    return hold


def expire_due(session: Session, *, limit: int) -> int:
    """Release up to `limit` expired holds, the longest overdue first. Returns their number.

    It does not wait for holds that are being captured or voided: those requests are refused.
    """
    expired = repository.lock_expired(session, now=clock.now(), limit=limit)
    for currency in sorted({hold.currency for hold in expired}):
        due = [hold for hold in expired if hold.currency == currency]
        accounts = wallets.require_accounts(
            session, *{hold.initiator_id for hold in due}, currency=currency
        )
        for hold in due:
            _release(session, hold, accounts[hold.initiator_id], HoldStatus.EXPIRED)
    return len(expired)


def require_hold(session: Session, *, hold_id: UUID, user_id: UUID) -> WalletHold:
    """A hold, for its payer or its payee. Raises HoldNotFound for anyone else."""
    hold = repository.get_hold(session, hold_id)
    if hold is None or user_id not in (hold.initiator_id, hold.payee_id):
        raise HoldNotFound
    return hold


def list_holds(
    session: Session,
    page: PageRequest,
    *,
    user_id: UUID,
    currency: str,
    role: str | None = None,
    status: str | None = None,
) -> Page[WalletHold]:
    """The user's holds, newest first. role: payer or payee, None for both."""
    wallet = wallets.require_wallet(session, user_id=user_id, currency=currency)
    return repository.list_holds(
        session,
        page,
        wallet_id=wallet.id if role != "payee" else None,
        payee_id=user_id if role != "payer" else None,
        status=status,
    )


def _require_merchant(session: Session, user_id: UUID) -> None:
    try:
        user = auth.require_user(session, user_id)
    except UserNotFound as error:
        raise PayeeNotFound from error
    if user.role != Role.MERCHANT or not user.is_active:
        raise PayeeNotFound


def _require_not_locked(session: Session, payee_id: UUID, *, currency: str) -> None:
    """A merchant whose wallet is locked sells nothing. Raises WalletNotFound, WalletLocked."""
    if wallets.require_wallet(session, user_id=payee_id, currency=currency).is_locked:
        raise WalletLocked


def _expiry(*, expires_in: int | None, expires_at: datetime | None) -> datetime:
    now = clock.now()
    if expires_at is None:
        return now + (timedelta(seconds=expires_in) if expires_in is not None else DEFAULT_TTL)
    if expires_at <= now:
        raise ExpiryInvalid("Must be in the future.")
    if expires_at > now + MAX_TTL:
        raise ExpiryInvalid(f"Must be at most {MAX_TTL.days} days from now.")
    return expires_at


def _require_to_end(session: Session, hold_id: UUID, *, payee_id: UUID) -> WalletHold:
    """The hold, locked, if this user can end it. Raises HoldNotFound, NotThePayee, HoldClosed."""
    hold = lifecycle.require_for_update(session, hold_id)
    if payee_id != hold.payee_id:
        raise NotThePayee if payee_id == hold.initiator_id else HoldNotFound
    lifecycle.require_open(hold)
    return hold


def _release(session: Session, hold: WalletHold, account: Account, status: HoldStatus) -> None:
    lifecycle.release(session, hold, account, status)
    events.record(session, [HoldReleased.of(hold, payer_id=hold.initiator_id)])
