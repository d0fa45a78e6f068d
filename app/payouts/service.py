"""Payouts: asking for one, and how they stand."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.service import Caller
from app.auth.two_factor import service as two_factor
from app.banks import providers
from app.banks.errors import ProviderUnknown
from app.common import clock
from app.common.db import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.payouts import accounts, pursuit, repository
from app.payouts.errors import PayoutNotFound
from app.payouts.models import BankAccount, Payout, PayoutStatus
from app.wallets import limits
from app.wallets import service as wallets
from app.wallets.errors import InvalidWithdrawalAmount, WalletNotFound
from app.wallets.holds import lifecycle
from app.wallets.models import TransactionType


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payout with the account that it goes to."""

    payout: Payout
    account: BankAccount

    @property
    def currency(self) -> str:
        return self.payout.currency


def request(
    session: Session,
    *,
    user: User | Caller,
    bank_account_id: UUID,
    currency: str,
    amount: Decimal,
    minimum: Decimal,
    code_above: Decimal,
    code: str | None = None,
    description: str | None = None,
    idempotency_key: str | None = None,
) -> Receipt:
    """Promise money to a bank account: it is held until the bank has paid it or refused to.

    amount, minimum, code_above: in units of `currency`; code: of the user's second factor, for
    more than `code_above`. Who commits this puts a job in line (tasks.advance).
    Raises InvalidWithdrawalAmount, BankAccountNotFound, ProviderUnknown, InsufficientFunds,
    LimitExceeded, WalletLocked, WalletNotFound, TwoFactorRequired.
    """
    money = Money.of(amount, currency)
    if amount < minimum:
        raise InvalidWithdrawalAmount(minimum=Money.of(minimum, currency))
    bank_account = accounts.require(session, account_id=bank_account_id, user_id=user.id)
    if providers.find(bank_account.provider) is None:
        raise ProviderUnknown(details={"provider": bank_account.provider})
    account = wallets.lock_accounts(session, user_ids=[user.id], currency=currency).get(user.id)
    if account is None:
        raise WalletNotFound
    account.require_can_pay(money.minor)
    kind = TransactionType.PAYOUT
    limits.require_within(session, account, user=user, kind=kind, money=money)
    two_factor.require_code(session, user_id=user.id, amount=money, above=code_above, code=code)
    payout_id = new_id()
    hold = lifecycle.place(
        session,
        account,
        kind=kind,
        money=money,
        initiator_id=user.id,
        reference=("payout", payout_id),
        description=description,
        idempotency_key=idempotency_key,
    )
    payout = Payout(
        id=payout_id,
        user_id=user.id,
        bank_account_id=bank_account.id,
        hold_id=hold.id,
        provider=bank_account.provider,
        status=PayoutStatus.PENDING.value,
        amount=money.minor,
        currency=currency,
        description=description,
        created_at=clock.now(),
    )
    pursuit.begin(payout)
    repository.insert_payout(session, payout)
    return Receipt(payout, bank_account)


def requested_by(session: Session, page: PageRequest, *, user_id: UUID) -> Page[Receipt]:
    """The user's payouts, newest first."""
    found = repository.list_payouts(session, page, user_id=user_id)
    return found.with_data(Receipt(*row) for row in found.data)


def find(session: Session, *, payout_id: UUID, user_id: UUID) -> Receipt:
    """A payout of the user. Raises PayoutNotFound."""
    row = repository.get_payout(session, payout_id)
    if row is None or row[0].user_id != user_id:
        raise PayoutNotFound
    return Receipt(*row)
