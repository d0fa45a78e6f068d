"""Payouts: creating one, and recording what the bank reports about it.

PENDING → SUBMITTED → PAID or REFUSED. Locks are taken in one order: the payout, its hold, the
wallet.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.service import Caller
from app.auth.two_factor.service import SecondFactor
from app.banks import providers
from app.banks.types import BankPayout, BankPayoutStatus
from app.common import clock
from app.common.backoff import Backoff
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.common.polling import Polling
from app.events import service as events
from app.events.catalogue.banks import PayoutPaid, PayoutRefused, PayoutSubmitted
from app.inbox.errors import Quarantine, QuarantineReason
from app.payouts import repository
from app.payouts.bank_accounts import service as bank_accounts
from app.payouts.bank_accounts.models import BankAccount
from app.payouts.errors import PayoutNotFound
from app.payouts.models import Payout, PayoutStatus
from app.risk.attempt import Origin
from app.wallets import ledger, outflow
from app.wallets import service as wallets
from app.wallets.errors import InvalidWithdrawalAmount
from app.wallets.holds import lifecycle
from app.wallets.ledger import Account, Authorization, Entry, Posting
from app.wallets.models import HoldStatus, SystemCode, TransactionType
from app.wallets.movements import reviews
from app.wallets.movements.movement import Review
from app.wallets.outflow import HeldForReview, Outflow

#: By the first poll, the job that is enqueued with the request has ended or was lost. A payout is
#: flagged after about two hours without an outcome.
POLLING: Final = Polling(
    Backoff(first=timedelta(seconds=45), max_delay=timedelta(hours=1)), max_attempts=8
)


@dataclass(frozen=True, slots=True)
class PayoutDetails:
    """A payout with its bank account."""

    payout: Payout
    bank_account: BankAccount

    @property
    def currency(self) -> str:
        return self.payout.currency


def create_payout(
    session: Session,
    *,
    user: User | Caller,
    bank_account_id: UUID,
    currency: str,
    amount: Decimal,
    minimum: Decimal,
    second_factor: SecondFactor,
    description: str | None = None,
    idempotency_key: str | None = None,
    origin: Origin | None = None,
    reviewed: Authorization | None = None,
) -> PayoutDetails | Review:
    """Create a payout and hold its amount until the bank has paid or refused it.

    amount, minimum: in units of `currency`. The caller enqueues `tasks.advance` after the commit.
    origin: of the request; reviewed: what it was authorized with before its review.
    If the amount is held for a review, the payout is created when that releases it.
    Raises InvalidWithdrawalAmount, BankAccountNotFound, ProviderUnknown, InsufficientFunds,
    LimitExceeded, RiskDeclined, WalletLocked, WalletNotFound, TwoFactorRequired.
    """
    money = Money.of(amount, currency)
    if amount < minimum:
        raise InvalidWithdrawalAmount(minimum=Money.of(minimum, currency))
    bank_account = bank_accounts.require_bank_account(
        session, bank_account_id=bank_account_id, user_id=user.id
    )
    providers.require(bank_account.provider)
    account = wallets.require_account(session, user_id=user.id, currency=currency)
    wanted = Outflow(
        TransactionType.PAYOUT, money.minor, bank_account_saved_at=bank_account.created_at
    )
    try:
        authorization = outflow.authorize(
            session, account, wanted, second_factor=second_factor, origin=origin, reviewed=reviewed
        )
    except HeldForReview as held:
        stored = {"bankAccountId": str(bank_account_id), "description": description}
        return reviews.hold_alone(session, held, payment=stored, idempotency_key=idempotency_key)
    payout = _place(
        session,
        account,
        bank_account,
        authorization,
        description=description,
        idempotency_key=idempotency_key,
    )
    return PayoutDetails(payout, bank_account)


def _place(
    session: Session,
    account: Account,
    bank_account: BankAccount,
    authorization: Authorization,
    *,
    description: str | None,
    idempotency_key: str | None,
) -> Payout:
    """Hold what was authorized, for a new payout of which the bank has not been told."""
    payout_id = new_id()
    hold = lifecycle.place(
        session,
        account,
        authorization=authorization,
        initiator_id=account.owner_id,
        reference=("payout", payout_id),
        description=description,
        idempotency_key=idempotency_key,
    )
    payout = Payout(
        id=payout_id,
        user_id=account.owner_id,
        bank_account_id=bank_account.id,
        hold_id=hold.id,
        provider=bank_account.provider,
        status=PayoutStatus.PENDING.value,
        amount=authorization.amount,
        currency=account.currency,
        description=description,
        created_at=clock.now(),
        **authorization.risk,
    )
    POLLING.begin(payout)
    repository.insert_payout(session, payout)
    return payout


def list_payouts(session: Session, page: PageRequest, *, user_id: UUID) -> Page[PayoutDetails]:
    """The user's payouts, newest first."""
    found = repository.list_payouts(session, page, user_id=user_id)
    return found.with_data(PayoutDetails(*row) for row in found.data)


def require_payout(session: Session, *, payout_id: UUID, user_id: UUID) -> PayoutDetails:
    """A payout of the user. Raises PayoutNotFound."""
    row = repository.get_payout(session, payout_id)
    if row is None or row[0].user_id != user_id:
        raise PayoutNotFound
    return PayoutDetails(*row)


def lock_payout(session: Session, payout_id: UUID) -> Payout:
    """Raises PayoutNotFound."""
    payout = repository.lock_payout(session, payout_id)
    if payout is None:
        raise PayoutNotFound
    return payout


def record_bank_payout(session: Session, *, payout_id: UUID, reported: BankPayout) -> None:
    """`update_payout` by id. Raises PayoutNotFound as well."""
    update_payout(session, lock_payout(session, payout_id), reported)


def update_payout(session: Session, payout: Payout, reported: BankPayout) -> None:
    """Record what the bank reports. PAID debits the wallet, REFUSED releases the hold.

    Idempotent. Needs a ledger transaction. payout: locked. A payout that the bank has paid is
    debited even if the wallet has been locked meanwhile.
    Raises Quarantine for a report that contradicts an earlier one.
    """
    if payout.is_open:
        _update(session, payout, reported)
    elif reported.status not in (BankPayoutStatus.ACCEPTED, payout.status):
        raise Quarantine(
            QuarantineReason.SETTLED_OTHERWISE,
            ours={"status": payout.status},
            theirs={"status": reported.status.value},
        )


def _update(session: Session, payout: Payout, reported: BankPayout) -> None:
    payout.bank_reference = reported.bank_reference or payout.bank_reference
    if reported.status is BankPayoutStatus.PAID:
        _debit(session, payout)
    elif reported.status is BankPayoutStatus.REFUSED:
        _release(session, payout, reported.reason or "refused by the bank")
    elif payout.status == PayoutStatus.PENDING:
        payout.status, payout.submitted_at = PayoutStatus.SUBMITTED.value, clock.now()
        POLLING.begin(payout)
        events.record(session, [PayoutSubmitted.of(payout, **payout.risk)])


def _debit(session: Session, payout: Payout) -> None:
    hold = lifecycle.require_active(session, payout.hold_id)
    account = _lock_account(session, payout)
    authorization = lifecycle.capture(hold, account, payout.amount)
    bank = ledger.system_account(SystemCode.BANK, payout.currency)
    description = payout.description or "Payout to a bank account"
    kind = TransactionType.PAYOUT
    entry = Entry(
        kind=kind.value,
        reference=("payout", payout.id),
        initiator_id=payout.user_id,
        postings=(
            Posting(account, -payout.amount, kind, description, authorization),
            Posting(bank, payout.amount, kind, description),
        ),
    )
    posted = ledger.post(session, entry)
    _close(payout, PayoutStatus.PAID)
    paid = PayoutPaid.of(payout, **payout.risk)
    events.record(session, [paid, *wallets.balance_events(posted)])


def _release(session: Session, payout: Payout, reason: str) -> None:
    hold = lifecycle.require_active(session, payout.hold_id)
    lifecycle.release(session, hold, _lock_account(session, payout), HoldStatus.VOIDED)
    payout.reason = reason
    _close(payout, PayoutStatus.REFUSED)
    events.record(session, [PayoutRefused.of(payout, reason=reason, **payout.risk)])


def _lock_account(session: Session, payout: Payout) -> Account:
    return wallets.require_account(session, user_id=payout.user_id, currency=payout.currency)


def _close(payout: Payout, status: PayoutStatus) -> None:
    payout.status, payout.settled_at = status.value, clock.now()
    payout.next_attempt_at = None
