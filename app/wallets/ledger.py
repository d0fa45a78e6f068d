"""The ledger: the only code that changes a balance or inserts a posting.

Double entry: a movement of money is a journal entry whose postings sum to zero. Callers lock the
accounts (`service.lock_accounts`), decide, and post. A batch applies its entries in memory first
and then writes all of them with one statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import new_id
from app.common.money import MAX_MINOR, Money
from app.ledger_lock.service import require_ledger_lock
from app.risk.screening import Reviewed, Screened
from app.wallets import repository
from app.wallets.errors import BalanceTooLarge, InsufficientFunds, WalletLocked
from app.wallets.models import (
    LIMITED_TYPES,
    TOTALS_MODULUS,
    WINDOWS,
    JournalEntry,
    JournalEntryRow,
    SystemCode,
    TransactionType,
    WalletKind,
    WalletTransaction,
    WalletTransactionRow,
)

#: Baselines after a total has started again, until `Usage.read_exactly` reads new ones.
_UNKNOWN_BASELINES: Final = [None] * (len(WINDOWS) + 1)

_SYSTEM_NAMESPACE: Final = uuid5(NAMESPACE_URL, "payment-flow:system-wallet")


@dataclass(slots=True)
class Account:
    """A wallet as this transaction has changed it so far. Callers that change it have locked it.

    balance, held: minor units of `currency`; sequence: number of its last posting; totals: as in
    the model of the wallet.
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
    totals: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def available(self) -> int:
        return self.balance - self.held

    @property
    def owner_id(self) -> UUID:
        """The user whose account it is. Must not be asked of a platform account."""
        if self.user_id is None:
            raise TypeError(f"{self.id} is a platform account")
        return self.user_id

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
        self.require_room(amount)

    def require_room(self, amount: int) -> None:
        """As `require_can_receive` for money that was paid for a sale: a lock does not refuse it.

        Raises BalanceTooLarge.
        """
        if self.balance + amount > MAX_MINOR:
            raise BalanceTooLarge


@dataclass(frozen=True, slots=True)
class Authorization:
    """Permission to take money out of an account; only app.wallets.outflow creates it.

    amount: maximum, in minor units; with_code: whether it was given with a two-factor code;
    screened: what risk screening or a review says about it, None for what was authorized before.
    """

    account_id: UUID
    amount: int
    kind: TransactionType
    with_code: bool = False
    screened: Screened | Reviewed | None = None

    @property
    def risk(self) -> dict[str, Any]:
        """What events say about the screening; nothing if there was none."""
        if self.screened is None:
            return {}
        return {"risk_score": self.screened.score, "latency_ms": self.screened.latency_ms}


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry. amount: signed minor units, positive into the account.

    authorization: required for a debit of a user's account.
    """

    account: Account
    amount: int
    type: TransactionType
    description: str | None = None
    authorization: Authorization | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry to be posted. reference: what it is for, such as ("order", id)."""

    kind: str
    postings: tuple[Posting, ...]
    reference: tuple[str, UUID] | tuple[None, None] = (None, None)
    initiator_id: UUID | None = None
    idempotency_key: str | None = None
    metadata: dict[str, Any] | None = None
    id: UUID = field(default_factory=new_id)


class EntryUnbalanced(AssertionError):
    """A bug in the caller: an entry must sum to zero in every currency."""


class OutflowNotAuthorized(AssertionError):
    """A bug in the caller: a user's money moves only with an Authorization for it."""


def system_account(code: SystemCode, currency: str) -> Account:
    """A platform account. Its id is derived from code and currency, so no lookup is needed."""
    return Account(
        id=uuid5(_SYSTEM_NAMESPACE, f"{code}/{currency}"), kind=WalletKind.SYSTEM, currency=currency
    )


@dataclass(frozen=True, slots=True)
class AppliedEntry:
    """An entry that has changed its accounts in memory, with its postings."""

    entry: Entry
    postings: list[WalletTransaction]


def apply(entry: Entry) -> AppliedEntry:
    """Change the accounts of `entry` in memory, so that the next decisions see it.

    The accounts must be locked by the transaction that will write the entry.
    Raises EntryUnbalanced, OutflowNotAuthorized.
    """
    sums: dict[str, int] = {}
    for posting in entry.postings:
        if posting.amount < 0 and posting.account.kind == WalletKind.USER:
            _require_authorized(
                posting.account, -posting.amount, posting.type, posting.authorization
            )
        currency = posting.account.currency
        sums[currency] = sums.get(currency, 0) + posting.amount
    if any(sums.values()) or len(entry.postings) < 2:
        raise EntryUnbalanced(f"{entry.kind}: {sums}")
    now = _posting_time(posting.account for posting in entry.postings)
    return AppliedEntry(entry, [_apply(entry, posting, now) for posting in entry.postings])


def _require_authorized(
    account: Account, amount: int, kind: TransactionType, authorization: Authorization | None
) -> None:
    if (
        authorization is None
        or authorization.account_id != account.id
        or authorization.kind is not kind
        or amount > authorization.amount
    ):
        raise OutflowNotAuthorized(f"{kind.value} of {amount} from {account.id}: {authorization}")


def _posting_time(accounts: Iterable[Account]) -> datetime:
    """Now, or the last change of these accounts if that is later.

    The postings of a wallet are in the order of `created_at` even if the clocks of several machines
    differ, so the last posting before a given time is found by binary search.
    """
    changes = [account.updated_at for account in accounts if account.sequence]
    return max([clock.now(), *(change for change in changes if change is not None)])


def write_entries(
    session: Session, entries: Sequence[AppliedEntry], *, held: Iterable[Account] = ()
) -> None:
    """Write `entries`, in the order in which they were applied, and the resulting balances.

    held: accounts that `hold` or `release` has changed, whether or not an entry did as well.
    Raises LedgerLockNotHeld outside of a ledger transaction.
    """
    require_ledger_lock(session)
    changed = {account.id: account for account in held} | {
        posting.account.id: posting.account
        for applied in entries
        for posting in applied.entry.postings
        if posting.account.kind == WalletKind.USER
    }
    repository.write_ledger(
        session,
        [_journal_entry(applied) for applied in entries],
        [posting for applied in entries for posting in applied.postings],
        changed.values(),
    )


def post(session: Session, entry: Entry) -> AppliedEntry:
    """Apply and write one entry.

    Raises EntryUnbalanced, OutflowNotAuthorized, LedgerLockNotHeld.
    """
    applied = apply(entry)
    write_entries(session, [applied])
    return applied


def hold(account: Account, authorization: Authorization) -> None:
    """Hold the authorized amount of a locked account, in memory: it is no longer `available`.

    Raises OutflowNotAuthorized.
    """
    _require_authorized(account, authorization.amount, authorization.kind, authorization)
    account.held += authorization.amount
    account.updated_at = _posting_time([account])


def release(account: Account, amount: int) -> None:
    """Make `amount` held minor units `available` again, in memory."""
    account.held -= amount
    account.updated_at = _posting_time([account])


def save(session: Session, account: Account) -> None:
    """Write the effect of `hold` or `release` on an account; posting to it does so as well.

    Raises LedgerLockNotHeld outside of a ledger transaction.
    """
    require_ledger_lock(session)
    repository.update_balances(session, [account])


def _journal_entry(applied: AppliedEntry) -> JournalEntry:
    entry = applied.entry
    return JournalEntryRow(
        id=entry.id,
        kind=entry.kind,
        reference_type=entry.reference[0],
        reference_id=entry.reference[1],
        initiator_id=entry.initiator_id,
        idempotency_key=entry.idempotency_key,
        meta=entry.metadata,
        created_at=applied.postings[0].created_at,
    )


def _apply(entry: Entry, posting: Posting, now: datetime) -> WalletTransaction:
    account = posting.account
    with_code = posting.authorization is not None and posting.authorization.with_code
    before: int | None = None
    after: int | None = None
    sequence: int | None = None
    totals: tuple[int | None, int | None] = (None, None)
    if account.kind == WalletKind.USER:
        before = account.balance
        after = account.balance = before + posting.amount
        sequence = account.sequence = account.sequence + 1
        account.updated_at = now
        if posting.type in LIMITED_TYPES:
            totals = _add_to_totals(account, posting, with_code)
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
        with_code=with_code,
        type_total=totals[0],
        uncoded_total=totals[1],
        created_at=now,
    )


def _add_to_totals(account: Account, posting: Posting, with_code: bool) -> tuple[int, int]:
    """Add a posting to the totals of its type. Returns them: all, and without a code."""
    total, uncoded, *baselines = account.totals.get(posting.type, (0, 0))
    amount = abs(posting.amount)
    new_total, new_uncoded = total + amount, uncoded + (0 if with_code else amount)
    if max(new_total, new_uncoded) >= TOTALS_MODULUS:
        baselines = _UNKNOWN_BASELINES
    added = new_total % TOTALS_MODULUS, new_uncoded % TOTALS_MODULUS
    account.totals = {**account.totals, posting.type.value: (*added, *baselines)}
    return added
