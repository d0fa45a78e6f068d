"""The ledger: the only code that changes a balance or inserts a posting.

Double entry: a movement is a journal entry whose postings sum to zero. Callers lock the accounts
(`service.lock_accounts`), decide, and post; a whole batch of entries is written in one go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import new_id
from app.common.money import MAX_MINOR, Money
from app.ledger_lock.service import require_ledger_lock
from app.wallets import repository
from app.wallets.errors import BalanceTooLarge, InsufficientFunds, WalletLocked
from app.wallets.models import (
    JournalEntry,
    JournalEntryRow,
    SystemCode,
    TransactionType,
    WalletKind,
    WalletTransaction,
    WalletTransactionRow,
)

_SYSTEM_NAMESPACE: Final = uuid5(NAMESPACE_URL, "payment-flow:system-wallet")


@dataclass(slots=True)
class Account:
    """A wallet that this transaction holds, as it stands after everything posted so far.

    balance, held: minor units of `currency`; sequence: number of its last posting.
    """

    id: UUID
    kind: str
    currency: str
    user_id: UUID | None = None
    balance: int = 0
    held: int = 0
    sequence: int = 0
    is_locked: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    number: str | None = None

    @property
    def available(self) -> int:
        return self.balance - self.held

    def require_can_pay(self, amount: int) -> None:
        """Raises WalletLocked, InsufficientFunds. amount: minor units."""
        if self.is_locked:
            raise WalletLocked
        if amount > self.available:
            raise InsufficientFunds(
                required=Money(amount, self.currency),
                available=Money(self.available, self.currency),
            )

    def require_can_receive(self, amount: int) -> None:
        """Raises WalletLocked, BalanceTooLarge. amount: minor units."""
        if self.is_locked:
            raise WalletLocked
        if self.balance + amount > MAX_MINOR:
            raise BalanceTooLarge


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry. amount: signed minor units, positive into the account."""

    account: Account
    amount: int
    type: TransactionType
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of money, to be posted. reference: what it is for, such as ("order", id)."""

    kind: str
    postings: tuple[Posting, ...]
    reference: tuple[str, UUID] | tuple[None, None] = (None, None)
    initiator_id: UUID | None = None
    idempotency_key: str | None = None
    metadata: dict[str, Any] | None = None
    id: UUID = field(default_factory=new_id)


class EntryUnbalanced(AssertionError):
    """A bug in the caller: an entry must sum to zero in every currency."""


def system_account(code: SystemCode, currency: str) -> Account:
    """A house account. Its id is a function of code and currency, so that nobody looks it up."""
    return Account(
        id=uuid5(_SYSTEM_NAMESPACE, f"{code}/{currency}"), kind=WalletKind.SYSTEM, currency=currency
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has moved its accounts in memory and is yet to be written."""

    entry: Entry
    postings: list[WalletTransaction]


def draft(entry: Entry) -> Draft:
    """Move the accounts of `entry`, so that what is decided next sees it. Raises EntryUnbalanced.

    The accounts must be locked by the transaction that will write it.
    """
    sums: dict[str, int] = {}
    for posting in entry.postings:
        currency = posting.account.currency
        sums[currency] = sums.get(currency, 0) + posting.amount
    if any(sums.values()) or len(entry.postings) < 2:
        raise EntryUnbalanced(f"{entry.kind}: {sums}")
    now = _moment(posting.account for posting in entry.postings)
    return Draft(entry, [_apply(entry, posting, now) for posting in entry.postings])


def _moment(accounts: Iterable[Account]) -> datetime:
    """Now, but not before anything that happened to these accounts.

    Postings of a wallet are in the order of their moments even if the clocks of several machines
    differ, so that what was the last at some moment can be found by halving.
    """
    happened = [account.updated_at for account in accounts if account.sequence]
    return max([clock.now(), *(moment for moment in happened if moment is not None)])


def write(session: Session, drafts: Sequence[Draft]) -> None:
    """Write `drafts` and the balances they lead to, in the order in which they were drafted.

    Raises LedgerLockNotHeld outside of a ledger transaction.
    """
    require_ledger_lock(session)
    touched = {
        posting.account.id: posting.account
        for draft in drafts
        for posting in draft.entry.postings
        if posting.account.kind == WalletKind.USER
    }
    repository.insert_entries(session, [_journal_entry(draft) for draft in drafts])
    repository.insert_postings(session, [line for draft in drafts for line in draft.postings])
    repository.update_balances(session, touched.values())


def post(session: Session, entry: Entry) -> Draft:
    """Draft and write `entries`; the postings of each, as written. Raises EntryUnbalanced."""
    drafted = draft(entry)
    write(session, [drafted])
    return drafted


def hold(account: Account, amount: int) -> None:
    """Set `amount` minor units of a locked account aside, in memory: no longer `available`."""
    account.held += amount


def release(account: Account, amount: int) -> None:
    """Make `amount` minor units that were held `available` again, in memory."""
    account.held -= amount


def save(session: Session, account: Account) -> None:
    """Write what `hold` or `release` did to an account; posting to it does so, too.

    Raises LedgerLockNotHeld outside of a ledger transaction.
    """
    require_ledger_lock(session)
    account.updated_at = _moment([account])
    repository.update_balances(session, [account])


def _journal_entry(drafted: Draft) -> JournalEntry:
    entry = drafted.entry
    return JournalEntryRow(
        id=entry.id,
        kind=entry.kind,
        reference_type=entry.reference[0],
        reference_id=entry.reference[1],
        initiator_id=entry.initiator_id,
        idempotency_key=entry.idempotency_key,
        meta=entry.metadata,
        created_at=drafted.postings[0].created_at,
    )


def _apply(entry: Entry, posting: Posting, now: datetime) -> WalletTransaction:
    account = posting.account
    before: int | None = None
    after: int | None = None
    sequence: int | None = None
    if account.kind == WalletKind.USER:
        before = account.balance
        after = account.balance = before + posting.amount
        sequence = account.sequence = account.sequence + 1
        account.updated_at = now
    return WalletTransactionRow(
        id=new_id(),
        journal_entry_id=entry.id,
        wallet_id=account.id,
        sequence=sequence,
        type=posting.type.value,
        status="COMPLETED",
        amount=posting.amount,
        balance_before=before,
        balance_after=after,
        currency=account.currency,
        description=posting.description,
        reference_type=entry.reference[0],
        reference_id=entry.reference[1],
        meta=entry.metadata,
        created_at=now,
    )
