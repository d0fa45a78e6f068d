"""How much of their limits the owners of wallets have used, and what they may still move.

Each is decided by an upper bound that costs no query: the totals of the locked wallet less their
values at the start of an earlier window (baselines). Exact sums are read only when a bound would
refuse a movement or ask for a code (docs/decisions/0015).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from app.common import clock
from app.common.money import Money
from app.common.process_state import Handlers
from app.risk.history import Lookback
from app.wallets import repository
from app.wallets.errors import LimitExceeded
from app.wallets.ledger import Account
from app.wallets.models import (
    DIRECTIONS,
    TOTALS_MODULUS,
    WINDOWS,
    LimitType,
    LimitWindow,
    TransactionType,
)

#: `pending(session, user_ids, currency)` by transaction type: sends a query; the result reads it:
#: minor units, by user, that will be posted as this type and are neither posted nor held yet. They
#: count as used.
Pending = Callable[[Session, Collection[UUID], str], Callable[[], Mapping[UUID, int]]]
pending: Final[Handlers[TransactionType, Pending]] = Handlers("pending movements")

#: The movements that count towards each limit, and the limits of each direction.
_COVERED: Final[dict[LimitType, frozenset[TransactionType]]] = {
    limit: frozenset(DIRECTIONS.get(limit) or (TransactionType(limit.value),))
    for limit in LimitType
}
_LIMITS: Final = {
    direction: frozenset({direction, *(LimitType(kind.value) for kind in kinds)})
    for direction, kinds in DIRECTIONS.items()
}
#: Where `repository.query_movements` has what moved in a window.
_COLUMNS: Final[dict[str, int]] = {window: 3 + n for n, window in enumerate(WINDOWS)}
#: Positions of the baselines in a wallet's totals of a type: all, those without a code, a baseline
#: of all for each window, and one of those without a code for the shortest.
_BASELINES: Final[dict[str, int]] = {window: 2 + n for n, window in enumerate(WINDOWS)}
_UNCODED_BASELINE: Final = 2 + len(WINDOWS)

_NO_LOOKBACK: Final = Lookback()


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
    """The effective limits of a wallet in one direction, and what it has moved and holds.

    without_code: minor units that left the wallet or are held within a day and since the owner's
    last accepted two-factor code, without a code; is_enrolled: whether the owner has enabled
    two-factor authentication; pending: as in `pending`, by type.
    is_exact: whether the sums are exact. Otherwise they are upper bounds.
    """

    currency: str
    direction: LimitType
    is_enrolled: bool = False
    without_code: int = 0
    limits: list[Limit] = field(default_factory=list)
    pending: Mapping[TransactionType, int] = field(default_factory=dict)
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

    def count(self, kind: TransactionType, amount: int, *, with_code: bool = False) -> None:
        """Count a movement that this transaction will post or hold."""
        self._counted.append((kind, amount, with_code))
        self.without_code = 0 if with_code else self.without_code + amount
        for limit in self.limits:
            if limit.window in WINDOWS and kind in _COVERED[limit.type]:
                limit.used += amount

    def read_exactly(self, session: Session, account: Account) -> "Usage":
        """The same limits with exact sums, and with what this transaction has counted.

        Posted movements within the window, active holds and pending movements count as used.
        Keeps the totals before each window in `account.totals`, for later upper bounds: they are
        stored when the account is.
        """
        movements = _read_movements(session, account, self.direction)
        exact = replace(
            self,
            without_code=_sum(amount for _, _, amount, *_ in movements)
            if self.direction is LimitType.OUTGOING
            else 0,
            limits=[self._exact(limit, movements) for limit in self.limits],
            is_exact=True,
            _counted=[],
        )
        for kind, amount, with_code in self._counted:
            exact.count(kind, amount, with_code=with_code)
        return exact

    def _exact(self, limit: Limit, movements: Sequence[Sequence[Any]]) -> Limit:
        column, covered = _COLUMNS.get(limit.window), _COVERED[limit.type]
        if column is None:
            return limit
        moved = [row[column] for row in movements if row[0] in covered]
        return replace(
            limit,
            used=_sum(used for used, _ in moved) + _pending(self.pending, covered),
            # As text: all are in UTC, and only those who show limits need times.
            oldest=min((oldest for _, oldest in moved if oldest is not None), default=None),
        )


@dataclass(frozen=True, slots=True)
class Usages:
    """What the users of a transaction, whose wallets it has locked, have moved and may still move.

    declared: of `repository.query_limits`, by user; pending: by type and user. What is counted is
    shared by all movements of the transaction.
    """

    declared: Mapping[UUID, Any]
    pending: Mapping[TransactionType, Mapping[UUID, int]]
    _known: dict[tuple[UUID, LimitType], Usage] = field(default_factory=dict)

    def get(self, account: Account, direction: LimitType) -> Usage:
        """Upper bounds, unless exact sums have been read."""
        key = account.owner_id, direction
        usage = self._known.get(key)
        if usage is None:
            waiting = {kind: sums.get(account.owner_id, 0) for kind, sums in self.pending.items()}
            usage = self._known[key] = _bounds(
                self.declared[account.owner_id], account, direction, waiting
            )
        return usage

    def forget(self, account: Account, direction: LimitType) -> None:
        """Compute upper bounds again when they are needed next, from the account as it is then."""
        self._known.pop((account.owner_id, direction), None)

    def read_exactly(self, session: Session, account: Account, direction: LimitType) -> Usage:
        """Exact sums, which are read once in a transaction."""
        usage = self.get(account, direction)
        if not usage.is_exact:
            usage = usage.read_exactly(session, account)
            self._known[account.owner_id, direction] = usage
        return usage

    def require_within(
        self, session: Session, account: Account, *, kind: TransactionType, amount: int
    ) -> None:
        """Refuse money that would exceed a limit of the receiver, whose account is locked.

        amount: minor units. The caller counts it once it is accepted. Raises LimitExceeded.
        """
        if self.get(account, LimitType.INCOMING).exceeded(kind, amount) is not None:
            exact = self.read_exactly(session, account, LimitType.INCOMING)
            exact.require_within(kind, amount)


def query_usages(
    session: Session,
    *,
    user_ids: Collection[UUID],
    receiving: Collection[UUID] = (),
    currency: str,
    lookback: Lookback = _NO_LOOKBACK,
) -> Callable[[], Usages]:
    """Send the queries that decide about movements of these users; call the result to read them.

    receiving: those of them who receive money that limits apply to; lookback: read along with their
    limits. There are as many queries for one user as for many.
    """
    rows = repository.query_limits(session, user_ids=user_ids, currency=currency, lookback=lookback)
    waiting = {kind: pending[kind](session, receiving, currency) for kind in pending if receiving}
    return lambda: Usages(
        {row.user_id: row for row in rows}, {kind: read() for kind, read in waiting.items()}
    )


def list_effective(session: Session, account: Account) -> list[Limit]:
    """The effective limits of a user's wallet, one per type and window.

    Posted movements within the window, active holds and pending movements count as used.
    """
    usages = _query_one(session, account)
    found = [
        limit
        for direction in DIRECTIONS
        for limit in usages.read_exactly(session, account, direction).limits
    ]
    return sorted(found, key=lambda limit: (limit.type, limit.window))


def require_within(
    session: Session, account: Account, *, kind: TransactionType, money: Money
) -> None:
    """Refuse an incoming movement that would exceed a limit. Raises LimitExceeded.

    The account must be locked, so that two movements cannot use the same remainder.
    """
    _query_one(session, account).require_within(session, account, kind=kind, amount=money.minor)


def _query_one(session: Session, account: Account) -> Usages:
    owner = [account.owner_id]
    return query_usages(session, user_ids=owner, receiving=owner, currency=account.currency)()


def _bounds(
    row: Any,
    account: Account,
    direction: LimitType,
    waiting: Mapping[TransactionType, int],
) -> Usage:
    amounts = dict(_of_role(row.of_roles, row.role, direction))
    for kind, window, amount in row.own or ():
        if kind in _LIMITS[direction]:
            amounts[kind, window] = (amount, True)
    held = without_code = 0
    if direction is LimitType.OUTGOING:
        held = account.held
        without_code = held + _at_most(account, direction, total=1, baseline=_UNCODED_BASELINE)
    return Usage(
        account.currency,
        direction,
        is_enrolled=row.is_enrolled,
        without_code=without_code,
        limits=[
            Limit(
                LimitType(kind),
                LimitWindow(window),
                account.currency,
                amount,
                used=held
                + _at_most(account, LimitType(kind), total=0, baseline=_BASELINES[window])
                + _pending(waiting, _COVERED[LimitType(kind)])
                if window in _BASELINES
                else 0,
                oldest=None,
                is_own=is_own,
            )
            for (kind, window), (amount, is_own) in sorted(amounts.items())
        ],
        pending=waiting,
        is_exact=False,
    )


@lru_cache(maxsize=64)
def _of_role(
    of_roles: str | None, role: str, direction: LimitType
) -> Mapping[tuple[str, str], tuple[int, bool]]:
    """The limits of a role in one direction, as minor units by type and window."""
    return {
        (kind, window): (amount, False)
        for its, kind, window, amount in (orjson.loads(of_roles) if of_roles else ())
        if its == role and kind in _LIMITS[direction]
    }


def _pending(waiting: Mapping[TransactionType, int], kinds: Collection[TransactionType]) -> int:
    return sum(amount for kind, amount in waiting.items() if kind in kinds)


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


def _read_movements(session: Session, account: Account, direction: LimitType) -> list[list[Any]]:
    """As `repository.query_movements` describes them; their baselines are kept in the account."""
    now = clock.now()
    movements = repository.query_movements(
        session,
        user_id=account.owner_id,
        currency=account.currency,
        types=tuple(sorted(DIRECTIONS[direction])),
        since={window.lower(): now - length for window, length in WINDOWS.items()},
    )
    account.totals = dict(account.totals) | {
        kind: (*account.totals[kind][:2], *(before % TOTALS_MODULUS for before in baselines))
        for kind, baselines, *_ in movements
        if baselines is not None and kind in account.totals
    }
    return movements


def _sum(differences: Iterable[int | None]) -> int:
    """The sum of differences of totals, None being 0."""
    return sum((difference or 0) % TOTALS_MODULUS for difference in differences)
