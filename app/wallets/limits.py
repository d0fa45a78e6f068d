"""Limits: the maximum amount that may move in one direction in a rolling window."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.errors import OwnAccount
from app.auth.models import Role
from app.common import clock
from app.common.ids import new_id
from app.common.money import Money
from app.common.process_state import Handlers
from app.ledger_lock.service import require_ledger_lock
from app.wallets import repository
from app.wallets.errors import LimitExceeded, LimitNotFound, RoleNotFound
from app.wallets.ledger import Account
from app.wallets.models import (
    DIRECTIONS,
    TOTALS_MODULUS,
    WINDOWS,
    LimitType,
    LimitWindow,
    TransactionType,
)

#: `pending(session, wallet_id)` by transaction type: minor units that will be posted as this type
#: and are neither posted nor held yet. They count as used.
pending: Final[Handlers[TransactionType, Callable[[Session, UUID], int]]] = Handlers(
    "pending movements"
)

#: The movements that count towards each limit.
_COVERED: Final[dict[LimitType, frozenset[TransactionType]]] = {
    limit: frozenset(DIRECTIONS.get(limit) or (TransactionType(limit.value),))
    for limit in LimitType
}
#: Where `repository.query_movements` has what moved in a window.
_COLUMNS: Final[dict[str, int]] = {window: 3 + n for n, window in enumerate(WINDOWS)}
#: Positions of the baselines in a wallet's totals of a type: all, those without a code, a baseline
#: of all for each window, and one of those without a code for the shortest.
_BASELINES: Final[dict[str, int]] = {window: 2 + n for n, window in enumerate(WINDOWS)}
_UNCODED_BASELINE: Final = 2 + len(WINDOWS)


@dataclass(slots=True)
class Limit:
    """An effective limit and its use.

    amount, used: minor units of `currency`; oldest: when the oldest counted movement was posted,
    in ISO 8601, None if there is none; is_own: whether it is set for this user, not their role.
    """

    type: LimitType
    window: LimitWindow
    currency: str
    amount: int
    used: int
    oldest: str | None
    is_own: bool

    @property
    def remaining(self) -> int:
        return max(self.amount - self.used, 0)

    @property
    def frees_at(self) -> datetime | None:
        """When the oldest counted movement leaves the window, so that more remains."""
        if self.oldest is None:
            return None
        return datetime.fromisoformat(self.oldest) + WINDOWS[self.window]


@dataclass(slots=True)
class Usage:
    """The effective limits of a wallet, and what it has moved and holds.

    without_code: minor units that left the wallet or are held within a day and since the owner's
    last accepted two-factor code, without a code; is_enrolled: whether the owner has enabled
    two-factor authentication.
    is_exact: whether the sums are exact. Otherwise they are upper bounds, computed without a query:
    the totals of the wallet less their values at the start of an earlier window (baselines).
    """

    currency: str
    is_enrolled: bool = False
    without_code: int = 0
    limits: list[Limit] = field(default_factory=list)
    is_exact: bool = True
    _counted: list[tuple[TransactionType, int, bool]] = field(default_factory=list)

    def exceeded(self, kind: TransactionType, amount: int) -> Limit | None:
        """A limit that a movement of `amount` minor units would exceed."""
        for limit in self.limits:
            if kind in _COVERED[limit.type] and limit.used + amount > limit.amount:
                return limit
        return None

    def require_within(self, kind: TransactionType, amount: int) -> None:
        """Refuse a movement of `amount` minor units that would exceed a limit.

        Raises LimitExceeded.
        """
        limit = self.exceeded(kind, amount)
        if limit is not None:
            raise LimitExceeded(
                kind=limit.type,
                window=limit.window,
                limit=Money(limit.amount, self.currency),
                used=Money(limit.used, self.currency),
            )

    def count(self, kind: TransactionType, amount: int, with_code: bool) -> None:
        """Count a movement that this transaction will post or hold."""
        self._counted.append((kind, amount, with_code))
        self.without_code = 0 if with_code else self.without_code + amount
        for limit in self.limits:
            if limit.window in WINDOWS and kind in _COVERED[limit.type]:
                limit.used += amount

    def read_exactly(
        self, session: Session, account: Account, *, types: Collection[LimitType]
    ) -> "Usage":
        """The same limits with exact sums, and with what this transaction has counted.

        Posted movements within the window and active holds count as used. types: of the limits.
        Keeps the totals before each window in `account.totals`, for later upper bounds: they are
        stored when the account is.
        """
        movements = _read_movements(session, account, types)
        exact = Usage(
            self.currency,
            is_enrolled=self.is_enrolled,
            without_code=_sum(
                amount for kind, _, amount, *_ in movements if kind in _COVERED[LimitType.OUTGOING]
            ),
            limits=[_exact(limit, movements) for limit in self.limits],
        )
        for counted in self._counted:
            exact.count(*counted)
        return exact


def query_bounds(
    session: Session,
    *,
    user_ids: Collection[UUID],
    currency: str,
    types: Collection[LimitType],
) -> Callable[[Mapping[UUID, Account]], dict[UUID, Usage]]:
    """Send the query of these users' limits; call the result with their locked accounts, by user,
    to get upper bounds of their usage. types: of the limits.
    """
    rows = repository.query_limits(
        session, user_ids=user_ids, currency=currency, limits=tuple(sorted(types))
    )
    return lambda accounts: {
        row.user_id: _bounds(row, accounts[row.user_id]) for row in rows if row.user_id in accounts
    }


def _bounds(row: Any, account: Account) -> Usage:
    declared = [each for role, *each in row.of_roles or [] if role == row.role]
    amounts = {(kind, window): (amount, False) for kind, window, amount in declared}
    amounts |= {(kind, window): (amount, True) for kind, window, amount in row.own or []}
    return Usage(
        account.currency,
        is_enrolled=row.is_enrolled,
        without_code=account.held
        + _at_most(account, LimitType.OUTGOING, total=1, baseline=_UNCODED_BASELINE),
        limits=[
            Limit(
                LimitType(kind),
                LimitWindow(window),
                account.currency,
                amount,
                used=account.held
                + _at_most(account, LimitType(kind), total=0, baseline=_BASELINES[window])
                if window in _BASELINES
                else 0,
                oldest=None,
                is_own=is_own,
            )
            for (kind, window), (amount, is_own) in sorted(amounts.items())
        ],
        is_exact=False,
    )


def _at_most(account: Account, limit: LimitType, *, total: int, baseline: int) -> int:
    """An upper bound of the minor units moved that count towards `limit`.

    total, baseline: positions in the totals of a type. Missing baselines count as zero, and after
    the totals have started again they are None.
    """
    moved = 0
    for kind in _COVERED[limit]:
        totals = account.totals.get(kind)
        if totals is not None:
            before = totals[baseline] if len(totals) > 2 else 0
            if before is None:
                return TOTALS_MODULUS
            moved += (totals[total] - before) % TOTALS_MODULUS
    return moved


def _read_movements(
    session: Session, account: Account, types: Collection[LimitType]
) -> list[list[Any]]:
    """As `repository.query_movements` describes them; their baselines are kept in the account."""
    now = clock.now()
    movements = repository.query_movements(
        session,
        user_id=account.owner_id,
        currency=account.currency,
        types=tuple(sorted({kind for limit in types for kind in _COVERED[limit]})),
        since={window.lower(): now - length for window, length in WINDOWS.items()},
    )
    account.totals = dict(account.totals) | {
        kind: (*account.totals[kind][:2], *(before % TOTALS_MODULUS for before in baselines))
        for kind, baselines, *_ in movements
        if baselines is not None and kind in account.totals
    }
    return movements


def _exact(limit: Limit, movements: Sequence[Sequence[Any]]) -> Limit:
    column = _COLUMNS.get(limit.window)
    moved = [row[column] for row in movements if column and row[0] in _COVERED[limit.type]]
    return replace(
        limit,
        used=_sum(used for used, _ in moved),
        # As text: all are in UTC, and only those who show limits need times.
        oldest=min((oldest for _, oldest in moved if oldest is not None), default=None),
    )


def _sum(differences: Iterable[int | None]) -> int:
    """The sum of differences of totals, None being 0."""
    return sum((difference or 0) % TOTALS_MODULUS for difference in differences)


def list_effective(
    session: Session, account: Account, *, types: Collection[LimitType]
) -> list[Limit]:
    """The effective limits of these types on a user's wallet, one per type and window.

    Posted movements within the window, active holds and pending movements count as used.
    """
    usage = _bounds_of(session, account, types).read_exactly(session, account, types=types)
    return _with_pending(session, account, usage.limits)


def _bounds_of(session: Session, account: Account, types: Collection[LimitType]) -> Usage:
    owner_id = account.owner_id
    bounds_of = query_bounds(session, user_ids=[owner_id], currency=account.currency, types=types)
    return bounds_of({owner_id: account})[owner_id]


def _with_pending(session: Session, account: Account, limits: Iterable[Limit]) -> list[Limit]:
    return [
        replace(limit, used=limit.used + _pending_amount(session, account, limit.type))
        if limit.window in WINDOWS
        else limit
        for limit in limits
    ]


def _pending_amount(session: Session, account: Account, limit: LimitType) -> int:
    return sum(pending[kind](session, account.id) for kind in pending if kind in _COVERED[limit])


def require_within(
    session: Session, account: Account, *, kind: TransactionType, money: Money
) -> None:
    """Refuse an incoming movement that would exceed a limit. Raises LimitExceeded.

    The account must be locked, so that two movements cannot use the same remainder.
    """
    types = (LimitType(kind.value), LimitType.INCOMING)
    bounds = _bounds_of(session, account, types)
    bounds.limits = _with_pending(session, account, bounds.limits)
    if bounds.exceeded(kind, money.minor) is not None:
        exact = Usage(account.currency, limits=list_effective(session, account, types=types))
        exact.require_within(kind, money.minor)


def set_for_user(
    session: Session,
    *,
    actor_id: UUID | None,
    user_id: UUID,
    kind: str,
    window: str,
    amount: Decimal,
    currency: str,
) -> Money:
    """Set a limit of one user. amount: units of `currency`. Raises UserNotFound, OwnAccount."""
    auth.require_other_account(actor_id, user_id)
    auth.require_user(session, user_id)
    money = Money.of(amount, currency)
    _set(session, money, user_id=user_id, type=kind, window=window)
    audit.record(
        session,
        actor_id=actor_id,
        action="limit.set",
        target=("user", user_id),
        details=_details(kind, window, money),
    )
    return money


def set_for_role(
    session: Session,
    *,
    actor_id: UUID | None,
    role: str,
    kind: str,
    window: str,
    amount: Decimal,
    currency: str,
) -> Money:
    """Set the limit of all users of a role without a limit of their own.

    amount: units of `currency`. Raises RoleNotFound, and OwnAccount for the role of administrators,
    whose limits another one can set for each of them.
    """
    if role not in list(Role):
        raise RoleNotFound
    if actor_id is not None and role == Role.ADMIN:
        raise OwnAccount
    money = Money.of(amount, currency)
    limit_id = _set(session, money, role=role, type=kind, window=window)
    audit.record(
        session,
        actor_id=actor_id,
        action="limit.set",
        target=("limit", limit_id),
        details={"role": role} | _details(kind, window, money),
    )
    return money


def delete_for_user(
    session: Session,
    *,
    actor_id: UUID | None,
    user_id: UUID,
    kind: str,
    window: str,
    currency: str,
) -> None:
    """Delete a limit of one user; that of their role applies again.

    Raises UserNotFound, OwnAccount, LimitNotFound.
    """
    auth.require_other_account(actor_id, user_id)
    auth.require_user(session, user_id)
    _require_exclusive_lock(session)
    minor = repository.delete_user_limit(
        session, user_id=user_id, kind=kind, window=window, currency=currency
    )
    if minor is None:
        raise LimitNotFound
    # `verify` reads this record: the role's limit, however old, applies only from now on.
    audit.record(
        session,
        actor_id=actor_id,
        action="limit.remove",
        target=("user", user_id),
        details=_details(kind, window, Money(minor, currency)),
    )


def _set(session: Session, money: Money, **key: str | UUID) -> UUID:
    _require_exclusive_lock(session)
    return repository.upsert_limit(
        session,
        id=new_id(),
        currency=money.currency,
        amount=money.minor,
        updated_at=clock.now(),
        **key,
    )


def _require_exclusive_lock(session: Session) -> None:
    """Every posting after the change of a limit must have seen the change."""
    require_ledger_lock(session, exclusive=True)


def _details(kind: str, window: str, money: Money) -> dict[str, str]:
    return {"type": kind, "window": window, "amount": str(money), "currency": money.currency}
