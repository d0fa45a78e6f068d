"""The wallets that a transaction has locked, and what their owners may still move."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.two_factor.service import SecondFactor
from app.risk.attempt import Origin
from app.risk.rulesets import InForce
from app.risk.screening import Screening
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.errors import WalletNotFound
from app.wallets.ledger import Account, AppliedEntry, Authorization, Entry
from app.wallets.models import DIRECTIONS, LimitType, TransactionType
from app.wallets.outflow import Outflow, Outflows
from app.wallets.usage import Usage, query_usages


@dataclass(frozen=True, slots=True)
class NeededWallets:
    """The users whose wallets in `currency` a movement needs.

    paying, receiving: those whose limits apply to it; others: the rest.
    """

    currency: str
    paying: Collection[UUID] = ()
    receiving: Collection[UUID] = ()
    others: Collection[UUID] = ()


@dataclass(frozen=True, slots=True)
class LockedWallets:
    """The wallets of a batch, by user and currency, with the changes decided so far."""

    accounts: dict[tuple[UUID, str], Account] = field(default_factory=dict)
    outflows: dict[str, Outflows] = field(default_factory=dict)

    def get(self, user_id: UUID, currency: str) -> Account | None:
        return self.accounts.get((user_id, currency))

    def require(self, user_id: UUID, currency: str) -> Account:
        """Raises WalletNotFound."""
        account = self.get(user_id, currency)
        if account is None:
            raise WalletNotFound
        return account

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
        """As `Outflows.authorize`."""
        return self.outflows[account.currency].authorize(
            session,
            account,
            outflow,
            second_factor=second_factor,
            require_payee=require_payee,
            origin=origin,
        )

    def require_within(
        self, session: Session, account: Account, *, kind: TransactionType, amount: int
    ) -> None:
        """As `Usages.require_within`."""
        self.outflows[account.currency].usages.require_within(
            session, account, kind=kind, amount=amount
        )

    def post(self, entry: Entry) -> AppliedEntry:
        """Apply an entry, so that the next decisions see it. Counts what its receivers received."""
        received = [
            (self._usage(posting.account, LimitType.INCOMING), posting)
            for posting in entry.postings
            if posting.type in DIRECTIONS[LimitType.INCOMING] and posting.account.user_id
        ]
        applied = ledger.apply(entry)
        for usage, posting in received:
            usage.count(posting.type, posting.amount)
        return applied

    def _usage(self, account: Account, direction: LimitType) -> Usage:
        return self.outflows[account.currency].usages.get(account, direction)

    def free(self, account: Account) -> None:
        """Note that a hold on this account has ended: its owner may spend more than is known until
        the transaction has been committed. What would be refused is decided later."""
        self.outflows[account.currency].free(account)

    def has_freed(self, user_id: UUID) -> bool:
        """Whether `free` was called for a wallet of this user."""
        return any(user_id in outflows.freed for outflows in self.outflows.values())


def lock(session: Session, wanted: Iterable[NeededWallets], in_force: InForce) -> LockedWallets:
    """Lock the wallets that are wanted, in id order, and read what they may still move.

    It takes one round trip per currency, and must come last: all other rows are locked before.
    in_force: the rules that screen what is paid.
    """
    locked = LockedWallets()
    for currency, needed in sorted(_by_currency(wanted).items()):
        receiving = {user_id for each in needed for user_id in each.receiving}
        limited = receiving.union(*(each.paying for each in needed))
        accounts_of = wallets.query_accounts(
            session,
            user_ids=limited.union(*(each.others for each in needed)),
            currency=currency,
        )
        screening = Screening.prepare(in_force, currency)
        usages_of = query_usages(
            session,
            user_ids=limited,
            receiving=receiving,
            currency=currency,
            lookback=screening.lookback,
        )
        for user_id, account in accounts_of().items():
            locked.accounts[user_id, currency] = account
        pairs = {
            (payer_id, payee_id)
            for each in needed
            for payer_id in each.paying
            for payee_id in (*each.receiving, *each.others)
        }
        usages = usages_of()
        screening.payers = usages.declared
        locked.outflows[currency] = Outflows(usages, pairs, screening=screening)
    return locked


def _by_currency(needed: Iterable[NeededWallets]) -> dict[str, list[NeededWallets]]:
    found: dict[str, list[NeededWallets]] = {}
    for each in needed:
        found.setdefault(each.currency, []).append(each)
    return found
