"""Deposits and withdrawals: movements between a wallet and the outside world."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from app.auth.two_factor.service import SecondFactor
from app.common.money import Money, format_minor
from app.risk.attempt import Attempt
from app.risk.models import PaymentKind, RiskCase
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.errors import InvalidDepositAmount, InvalidWithdrawalAmount
from app.wallets.ledger import Account, Authorization, Entry, Posting
from app.wallets.models import SystemCode, TransactionType, WalletTransaction
from app.wallets.movements.locked_wallets import NeededWallets
from app.wallets.movements.movement import Decision, Movement, Turn
from app.wallets.movements.reviewed import NO_SECOND_FACTOR
from app.wallets.outflow import Outflow

#: The account as it is after the movement, and its posting.
Moved = tuple[Account, WalletTransaction]


@dataclass(frozen=True, slots=True)
class Deposit(Movement[None, Moved]):
    """A credit to the caller's wallet from the BANK account.

    amount, maximum: in units of `currency`.
    """

    amount: Decimal
    currency: str
    maximum: Decimal
    description: str | None = None

    def wallets_needed(self, user_id: UUID, rows: None) -> NeededWallets:
        return NeededWallets(self.currency, receiving=(user_id,))

    def decide(self, turn: Turn, rows: None) -> Decision[Moved]:
        """Raises InvalidDepositAmount, LimitExceeded, BalanceTooLarge, WalletLocked,
        WalletNotFound."""
        money = Money.of(self.amount, self.currency)
        if self.amount > self.maximum:
            raise InvalidDepositAmount(maximum=Money.of(self.maximum, self.currency))
        account = turn.wallets.require(turn.caller.id, self.currency)
        account.require_can_receive(money.minor)
        turn.wallets.require_within(
            turn.session, account, kind=TransactionType.DEPOSIT, amount=money.minor
        )
        return _move(
            turn,
            account,
            money.minor,
            kind=TransactionType.DEPOSIT,
            description=self.description or "Wallet deposit",
        )


@dataclass(frozen=True, slots=True)
class Withdrawal(Movement[None, Moved]):
    """A debit of the caller's wallet to the BANK account.

    amount, minimum: in units of `currency`.
    """

    amount: Decimal
    currency: str
    minimum: Decimal
    second_factor: SecondFactor
    description: str | None = None

    def wallets_needed(self, user_id: UUID, rows: None) -> NeededWallets:
        return NeededWallets(self.currency, paying=(user_id,))

    def decide(self, turn: Turn, rows: None) -> Decision[Moved]:
        """Raises InvalidWithdrawalAmount, InsufficientFunds, LimitExceeded, WalletLocked,
        WalletNotFound, TwoFactorRequired."""
        money = Money.of(self.amount, self.currency)
        if self.amount < self.minimum:
            raise InvalidWithdrawalAmount(minimum=Money.of(self.minimum, self.currency))
        account = turn.wallets.require(turn.caller.id, self.currency)
        authorization = turn.wallets.authorize(
            turn.session,
            account,
            Outflow(TransactionType.WITHDRAWAL, money.minor),
            second_factor=self.second_factor,
            origin=turn.origin,
        )
        return _move(
            turn,
            account,
            -money.minor,
            kind=TransactionType.WITHDRAWAL,
            authorization=authorization,
            description=self.description or "Wallet withdrawal",
        )

    def attempt(self, turn: Turn, rows: None) -> Attempt:
        money = Money.of(self.amount, self.currency)
        return Attempt(PaymentKind.WITHDRAWAL, turn.caller.id, money.minor, money.currency)

    def stored(self) -> dict[str, Any]:
        return {"description": self.description}

    @classmethod
    def restore(cls, case: RiskCase) -> Self:
        """The withdrawal that a case has held."""
        return cls(
            Decimal(format_minor(case.amount, case.currency)),
            case.currency,
            Decimal(0),
            NO_SECOND_FACTOR,
            (case.payment or {}).get("description"),
        )


def _move(
    turn: Turn,
    account: Account,
    amount: int,
    *,
    kind: TransactionType,
    description: str,
    authorization: Authorization | None = None,
) -> Decision[Moved]:
    bank = ledger.system_account(SystemCode.BANK, account.currency)
    entry = Entry(
        id=turn.attempt_id,
        kind=kind.value,
        initiator_id=account.user_id,
        idempotency_key=turn.idempotency_key,
        postings=(
            Posting(account, amount, kind, description, authorization),
            Posting(bank, -amount, kind, description),
        ),
    )
    posted = turn.wallets.post(entry)
    risk = {} if authorization is None else authorization.risk
    return Decision(
        (replace(account), posted.postings[0]),
        entry=posted,
        events=wallets.balance_events(posted, **risk),
    )
