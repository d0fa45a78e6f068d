"""The outflow policy: the one place that decides whether money may leave a user's wallet.

Withdrawals, payouts, transfers, purchases and holds ask `authorize` under the lock of the wallet.
It checks, in this order, the state of the wallet, its limits, risk and the second factor, and the
ledger refuses a debit or hold without the Authorization that it returns (docs/decisions/0015).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.errors import CodeReason
from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.common.errors import AppError
from app.events import service as events
from app.risk import rulesets
from app.risk.attempt import Attempt, Origin
from app.risk.models import PaymentKind
from app.risk.screening import Reviewed, Screening
from app.wallets import refusals, repository
from app.wallets.errors import DecideLater, ReviewedAmountChanged
from app.wallets.ledger import Account, Authorization
from app.wallets.models import (
    DIRECTIONS,
    LimitType,
    PayeeRow,
    TransactionType,
    WalletHold,
)
from app.wallets.usage import Usage, Usages, query_usages

#: The kinds of outflows.
KINDS: Final = DIRECTIONS[LimitType.OUTGOING]

#: What a merchant owes: the limits and the second factor of a wallet do not apply to it.
OBLIGATIONS: Final = (TransactionType.FEE, TransactionType.REFUND_OUT)


@dataclass(frozen=True, slots=True)
class Outflow:
    """Money that is to leave a wallet, or to be held for that.

    kind: of KINDS; amount: minor units of the wallet's currency; payee_id: the user who is paid;
    bank_account_saved_at: when the bank account that is paid was saved; payment: what it is for, by
    default what its kind usually is; product_kind, has_coupon: of a purchase.
    """

    kind: TransactionType
    amount: int
    payee_id: UUID | None = None
    bank_account_saved_at: datetime | None = None
    payment: PaymentKind | None = None
    product_kind: str | None = None
    has_coupon: bool = False

    def attempt(self, account: Account) -> Attempt:
        """The outflow as risk screening sees it."""
        return Attempt(
            self.payment or _PAYMENTS[self.kind],
            account.owner_id,
            self.amount,
            account.currency,
            account.available,
            self.payee_id,
            self.product_kind,
            self.has_coupon,
        )


#: What outflows are for, unless they say so.
_PAYMENTS: Final = {
    TransactionType.PAYMENT: PaymentKind.PURCHASE,
    TransactionType.TRANSFER_OUT: PaymentKind.TRANSFER,
    TransactionType.WITHDRAWAL: PaymentKind.WITHDRAWAL,
    TransactionType.PAYOUT: PaymentKind.PAYOUT,
}


class HeldForReview(Exception):
    """An outflow that is authorized and to be held until it is reviewed. It never reaches a client.

    account: locked; outflow: counted and screened, neither held nor posted.
    """

    def __init__(self, account: Account, outflow: Outflow, authorization: Authorization) -> None:
        super().__init__()
        self.account, self.outflow, self.authorization = account, outflow, authorization


@dataclass(frozen=True, slots=True)
class Outflows:
    """What the payers of a transaction, whose wallets it has locked, may still spend.

    Authorized outflows count at once, so that two outflows of one payer share a remainder exactly.
    pairs: payers and payees whose first payment may matter, which is read for all of them at once;
    freed: users of whom this transaction has ended holds, which exact sums do not know; screening:
    None where nothing is screened; reviewed: authorizations of payments that were released after a
    review, by payer.
    """

    usages: Usages
    pairs: Collection[tuple[UUID, UUID]] = ()
    freed: set[UUID] = field(default_factory=set)
    screening: Screening | None = None
    reviewed: dict[UUID, Authorization] = field(default_factory=dict)
    _first_payments: dict[tuple[UUID, UUID], datetime | None] = field(default_factory=dict)
    _paid: set[tuple[UUID, UUID]] = field(default_factory=set)

    def authorize(
        self,
        session: Session,
        account: Account,
        outflow: Outflow,
        *,
        second_factor: SecondFactor,
        require_payee: Callable[[], None] = lambda: None,
        origin: Origin | None = None,
    ) -> Authorization:
        """Authorize an outflow from a locked account, or refuse it.

        require_payee: raises unless the payee can receive it. It is called after the checks of the
        payer, who learns nothing about the payee otherwise, and before a code is used.
        origin: of the request, None without one.
        Raises WalletLocked, InsufficientFunds, LimitExceeded, RiskDeclined, TwoFactorRequired,
        DecideLater, and HeldForReview for what must be held and reviewed.
        """
        account.require_can_pay(outflow.amount)
        if account.owner_id in self.reviewed:
            return self._reviewed(account, outflow, require_payee)
        usage = self._usage_for(session, account, outflow, second_factor)
        usage.require_within(outflow.kind, outflow.amount)
        require_payee()
        # After what refuses for good, before a code is used.
        screened = None
        if self.screening is not None:
            screened = self.screening.screen(session, outflow.attempt(account), origin)
        payee_id = _payee_to_know(usage, outflow, second_factor)
        reason = self._reason_for_code(session, account, outflow, payee_id, second_factor)
        if reason is not None:
            second_factor.require(
                session,
                user_id=account.owner_id,
                is_enrolled=usage.is_enrolled,
                currency=account.currency,
                reason=reason,
            )
        usage.count(outflow.kind, outflow.amount, with_code=reason is not None)
        authorization = Authorization(
            account.id, outflow.amount, outflow.kind, reason is not None, screened
        )
        if screened is not None and self.screening is not None:
            self.screening.accept(screened)
            if screened.needs_review:
                raise HeldForReview(account, outflow, authorization)
        if payee_id is not None:
            self._paid.add((account.owner_id, payee_id))
        return authorization

    def _reviewed(
        self, account: Account, outflow: Outflow, require_payee: Callable[[], None]
    ) -> Authorization:
        """The authorization with which a payment was held until its review."""
        given = self.reviewed.pop(account.owner_id)
        if (given.kind, given.amount) != (outflow.kind, outflow.amount):
            raise ReviewedAmountChanged
        require_payee()
        # Whoever receives money is known from then on, unless purchases do not count.
        if outflow.payee_id is not None and outflow.kind is not TransactionType.PAYMENT:
            self._paid.add((account.owner_id, outflow.payee_id))
        return given

    def _usage_for(
        self, session: Session, account: Account, outflow: Outflow, second_factor: SecondFactor
    ) -> Usage:
        """The payer's usage: upper bounds where these decide as exact sums would."""
        usage, currency = self.usages.get(account, LimitType.OUTGOING), account.currency
        asks_above = second_factor.threshold(currency).minor
        if outflow.kind is TransactionType.PAYMENT:
            asks_above = min(asks_above, second_factor.new_merchant_threshold(currency).minor)
        if (
            usage.without_code + outflow.amount <= asks_above
            and usage.exceeded(outflow.kind, outflow.amount) is None
        ):
            return usage
        if account.owner_id in self.freed:
            raise DecideLater
        return self.usages.read_exactly(session, account, LimitType.OUTGOING)

    def _reason_for_code(
        self,
        session: Session,
        account: Account,
        outflow: Outflow,
        payee_id: UUID | None,
        second_factor: SecondFactor,
    ) -> CodeReason | None:
        """Why this outflow needs a two-factor code, None if it does not.

        The threshold applies to the sum of what left without a code (as in article 16 of the RTS on
        strong customer authentication, Regulation (EU) 2018/389). Anything but the amount is a
        reason only for users who can have a code: others could not make a first payment at all.
        """
        usage, now = self.usages.get(account, LimitType.OUTGOING), clock.now()
        if usage.without_code + outflow.amount > second_factor.threshold(account.currency).minor:
            return CodeReason.AMOUNT
        if not usage.is_enrolled:
            return None
        saved_at = outflow.bank_account_saved_at
        if saved_at is not None and saved_at > now - second_factor.new_bank_account_period:
            return CodeReason.NEW_BANK_ACCOUNT
        if payee_id is None:
            return None
        first_paid = self._first_payment(session, (account.owner_id, payee_id))
        if first_paid is None or first_paid > now - second_factor.new_payee_period:
            return CodeReason.NEW_PAYEE
        return None

    def _first_payment(self, session: Session, pair: tuple[UUID, UUID]) -> datetime | None:
        """When the payer first paid the payee; None if the payee is new."""
        if pair not in self._first_payments:
            wanted = {pair, *self.pairs} - self._first_payments.keys()
            known = repository.query_first_payments(session, wanted)
            self._first_payments.update({each: known.get(each) for each in wanted})
        return self._first_payments[pair]

    def free(self, account: Account) -> None:
        """Note that a hold on this account has ended. Its upper bounds are computed again, because
        what is captured counts from when it is posted."""
        self.freed.add(account.owner_id)
        self.usages.forget(account, LimitType.OUTGOING)

    def record_payees(self, session: Session) -> None:
        """Record whom the payers have paid. Call it once all outflows are authorized."""
        if not self._paid:
            return
        now = clock.now()
        repository.insert_payees(
            session,
            [
                PayeeRow(payer_id=payer_id, payee_id=payee_id, first_paid_at=now)
                for payer_id, payee_id in sorted(self._paid)
            ],
        )


def _payee_to_know(usage: Usage, outflow: Outflow, second_factor: SecondFactor) -> UUID | None:
    """The payee, if it matters whether the payer has paid them before.

    It does not while purchases and holds are small together: customers buy from shops that they do
    not know. These do not make a shop known either, or else one of a cent would allow large ones an
    hour later.
    """
    if outflow.kind is TransactionType.PAYMENT:
        total = usage.without_code + outflow.amount
        if total <= second_factor.new_merchant_threshold(usage.currency).minor:
            return None
    return outflow.payee_id


def authorize(
    session: Session,
    account: Account,
    outflow: Outflow,
    *,
    second_factor: SecondFactor,
    origin: Origin | None = None,
    reviewed: Authorization | None = None,
) -> Authorization:
    """Authorize one outflow from a locked account, or refuse it: `Outflows.authorize`.

    reviewed: the authorization that it was given before its review.
    """
    owner = [account.owner_id]
    screening = Screening.prepare(rulesets.query_in_force(session)(), account.currency)
    usages = query_usages(
        session, user_ids=owner, currency=account.currency, lookback=screening.lookback
    )()
    screening.payers = usages.declared
    outflows = Outflows(usages, screening=screening)
    if reviewed is not None:
        outflows.reviewed[account.owner_id] = reviewed
    try:
        authorization = outflows.authorize(
            session, account, outflow, second_factor=second_factor, origin=origin
        )
    except AppError as error:
        error.record_refusal = _recorder(screening, outflow.attempt(account), error, origin)
        raise
    except HeldForReview:
        screening.write(session)
        raise
    outflows.record_payees(session)
    screening.write(session)
    return authorization


def _recorder(
    screening: Screening, attempt: Attempt, error: AppError, origin: Origin | None
) -> Callable[[Session], None]:
    def record(session: Session) -> None:
        screening.refuse(attempt, error.code)
        screening.write(session)
        events.record(session, refusals.events_of(attempt, error, origin))

    return record


def of_hold(hold: WalletHold, reviewed: Reviewed | None = None) -> Authorization:
    """The authorization that was given when this hold was placed, for its capture.

    reviewed: the review that has released it, if it was one.
    """
    return Authorization(
        hold.wallet_id, hold.amount, TransactionType(hold.type), hold.with_code, reviewed
    )


def obligation(account: Account, amount: int, kind: TransactionType) -> Authorization:
    """The authorization of a debit that the owner of the account owes. kind: of OBLIGATIONS."""
    if kind not in OBLIGATIONS:
        raise ValueError(f"{kind.value} is not an obligation")
    return Authorization(account.id, amount, kind)
