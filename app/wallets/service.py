"""Wallets: balances, transactions, and locking by administrators."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.models import User
from app.common import clock
from app.common.csv_export import CsvBatch
from app.common.errors import Unauthorized
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.common.process_state import Hook, Slot
from app.common.time_range import TimeRange
from app.events.catalogue.wallets import BalanceUpdated
from app.wallets import ledger, repository
from app.wallets.errors import (
    TimeInFuture,
    TransactionNotFound,
    WalletNotFound,
)
from app.wallets.ledger import Account
from app.wallets.models import Wallet, WalletKind, WalletTransaction

#: The cells of a row of the export.
EXPORTED_TRANSACTIONS: Final = repository.EXPORTED_TRANSACTIONS

#: Called in the transaction that locks or unlocks a wallet.
on_lock_change: Final[Hook[Session]] = Hook("locking of a wallet")

#: The numbers of the orders that postings refer to, by `reference_id`, of an order or a refund.
order_numbers: Final[Slot[Callable[[Session, Collection[UUID]], Mapping[UUID, str]]]] = Slot(
    "numbers of orders"
)
#: Values of `reference_type` for which there is such a number.
_OF_ORDERS: Final = ("order", "refund")

#: A posting, and the number of the order that it belongs to, None without one.
NumberedPosting = tuple[WalletTransaction, str | None]


def create_wallet(session: Session, user: User, *, currency: str) -> None:
    """Create the empty wallet of a new user."""
    now = clock.now()
    repository.insert_wallet(
        session,
        id=new_id(),
        kind=WalletKind.USER.value,
        user_id=user.id,
        currency=currency,
        created_at=now,
        updated_at=now,
    )


def require_wallet_of_caller(*, user_id: UUID, session_id: UUID, currency: str) -> Account:
    """The wallet of a signed-in user, as of now, not locked.

    One statement checks the session and reads the wallet. Raises Unauthorized, WalletNotFound.
    """
    row = repository.get_wallet_of_caller(
        user_id=user_id, session_id=session_id, currency=currency, now=clock.now()
    )
    if row is None:
        raise Unauthorized
    if row[0] is None:
        raise WalletNotFound
    return Account(*row)


def get_wallet_of_user(session: Session, *, user_id: UUID, currency: str) -> Wallet | None:
    return repository.get_wallet_of_user(session, user_id=user_id, currency=currency)


def require_wallet(session: Session, *, user_id: UUID, currency: str) -> Account:
    """A user's wallet, as of now, not locked. Raises WalletNotFound."""
    accounts = list_accounts(session, user_ids=[user_id], currency=currency)
    if not accounts:
        raise WalletNotFound
    return accounts[0]


def list_accounts(
    session: Session, *, user_ids: Collection[UUID], currency: str
) -> Sequence[Account]:
    """The accounts of those of the users who have one, as of now, not locked."""
    rows = repository.list_wallets_of(session, user_ids=list(user_ids), currency=currency)
    return [Account(*row) for row in rows]


def lock_accounts(
    session: Session, *, user_ids: Collection[UUID], currency: str
) -> dict[UUID, Account]:
    """The users' accounts by user id, locked by this transaction until it ends."""
    return query_accounts(session, user_ids=user_ids, currency=currency)()


def query_accounts(
    session: Session, *, user_ids: Collection[UUID], currency: str
) -> Callable[[], dict[UUID, Account]]:
    """Send the statement of `lock_accounts`; call the result to read the accounts."""
    rows = repository.lock_wallets_of(session, user_ids=list(user_ids), currency=currency)
    return lambda: {row.user_id: Account(*row) for row in rows}


def require_accounts(session: Session, *user_ids: UUID, currency: str) -> dict[UUID, Account]:
    """As `lock_accounts`. Raises WalletNotFound unless every user has one."""
    accounts = lock_accounts(session, user_ids=user_ids, currency=currency)
    if not accounts.keys() >= set(user_ids):
        raise WalletNotFound
    return accounts


def require_account(session: Session, *, user_id: UUID, currency: str) -> Account:
    """The user's account, locked by this transaction until it ends. Raises WalletNotFound."""
    return require_accounts(session, user_id, currency=currency)[user_id]


def balance_events(posted: ledger.AppliedEntry, **risk: Any) -> list[BalanceUpdated]:
    """One event for each posting to a user's wallet, in the order of the postings.

    risk: `Authorization.risk` of a withdrawal, which has no other event.
    """
    accounts = [posting.account for posting in posted.entry.postings]
    return [
        BalanceUpdated.of(
            line,
            aggregate_id=line.wallet_id,
            aggregate_version=line.sequence,
            user_id=account.user_id,
            transaction_id=line.id,
            balance=line.balance_after,
            **risk,
        )
        for line, account in zip(posted.postings, accounts, strict=True)
        if account.user_id is not None and line.balance_after is not None
    ]


@dataclass(frozen=True, slots=True)
class Period:
    """A range of a wallet's postings, from sequence `first` to `last`; empty if last < first."""

    wallet: Account
    first: int
    last: int

    @property
    def count(self) -> int:
        return max(self.last - self.first + 1, 0)


def period(
    session: Session, wallet: Account, *, since: datetime | None, until: datetime | None
) -> Period:
    """The postings from `since` (inclusive) to `until` (exclusive); None: unbounded.

    Both ends are found by binary search.
    """

    def before(time: datetime) -> int:
        return repository.sequence_before(
            session, wallet_id=wallet.id, last=wallet.sequence, time=time
        )

    return Period(
        wallet,
        first=before(since) + 1 if since is not None else 1,
        last=before(until) if until is not None else wallet.sequence,
    )


def as_of(session: Session, wallet: Account, *, time: datetime) -> Account:
    """The wallet after all postings up to a time; empty before it was created.

    Only `balance`, `sequence` and `updated_at` are those of that time. All postings of its
    millisecond count, because responses show times in milliseconds. Raises TimeInFuture.
    """
    if time > clock.now():
        raise TimeInFuture
    shown = time.replace(microsecond=time.microsecond // 1000 * 1000)
    last = period(session, wallet, since=None, until=shown + timedelta(milliseconds=1)).last
    posting = repository.get_posting(session, wallet_id=wallet.id, sequence=last)
    if posting is None:
        return replace(wallet, balance=0, sequence=0, updated_at=wallet.created_at)
    return replace(
        wallet,
        balance=posting.balance_after or 0,
        sequence=last,
        updated_at=posting.created_at,
    )


def list_transactions(
    session: Session,
    page: PageRequest,
    *,
    wallet: Account,
    within: TimeRange,
    kind: str | None = None,
) -> Page[NumberedPosting]:
    """The wallet's postings in this time range, newest first if not reversed."""
    whole = period(session, wallet, since=within.since, until=within.until)
    if kind is None and page.after is None:
        # Sequences are gapless, so no rows need to be skipped or counted.
        first, last = whole.first + page.offset - 1, whole.last - page.offset + 1
        seen = first if page.is_reversed else last
        page = replace(page, after=(seen,), total=whole.count)
    found = repository.list_postings(
        session, page, wallet_id=wallet.id, first=whole.first, last=whole.last, kind=kind
    )
    return found.with_data(with_order_numbers(session, found.data))


def export_transactions(
    session: Session,
    *,
    wallet: Account,
    within: TimeRange,
    kind: str | None = None,
    limit: int,
    below: int | None,
) -> CsvBatch:
    """A batch of all postings of the list. below: only those with a smaller sequence."""
    whole = period(session, wallet, since=within.since, until=within.until)
    last = whole.last if below is None else min(whole.last, below - 1)
    return repository.export_transactions(
        session, limit=limit, wallet_id=wallet.id, first=whole.first, last=last, kind=kind
    )


def require_transaction(
    session: Session, *, wallet: Account, transaction_id: UUID
) -> NumberedPosting:
    """A posting of this wallet. Raises TransactionNotFound."""
    posting = repository.get_posting_by_id(session, wallet_id=wallet.id, posting_id=transaction_id)
    if posting is None:
        raise TransactionNotFound
    (numbered,) = with_order_numbers(session, [posting])
    return numbered


def with_order_numbers(
    session: Session, postings: Sequence[WalletTransaction]
) -> list[NumberedPosting]:
    """The postings, each with the number of its order, which one query reads for all of them."""
    wanted = {
        posting.reference_id
        for posting in postings
        if posting.reference_type in _OF_ORDERS and posting.reference_id is not None
    }
    numbers = order_numbers()(session, wanted) if wanted else {}
    return [
        (posting, numbers.get(posting.reference_id) if posting.reference_id else None)
        for posting in postings
    ]


def set_locked(
    session: Session, *, actor_id: UUID | None, wallet_id: UUID, locked: bool, reason: str
) -> Wallet:
    """Lock a wallet, so that it can neither send nor receive money, or unlock it.

    Raises WalletNotFound, OwnAccount.
    """
    wallet = repository.get_wallet_for_update(session, wallet_id)
    if wallet is None or wallet.kind != WalletKind.USER:
        raise WalletNotFound
    auth.require_other_account(actor_id, wallet.user_id)
    wallet.is_locked, wallet.lock_reason = locked, reason if locked else None
    wallet.updated_at = clock.now()
    audit.record(
        session,
        actor_id=actor_id,
        action="wallet.lock" if locked else "wallet.unlock",
        target=("wallet", wallet_id),
        reason=reason,
    )
    on_lock_change(session)
    return wallet
