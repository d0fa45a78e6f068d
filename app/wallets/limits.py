"""Limits: the maximum amount that may move in one direction in a rolling window."""

from collections.abc import Callable, Collection, Iterable, Sequence
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
#: Where `repository.query_usage` has what moved in a window.
_COLUMNS: Final[dict[str, int]] = {window: 2 + n for n, window in enumerate(WINDOWS)}


@dataclass(frozen=True, slots=True)
class Limit:
    """An effective limit and its use.

    amount, used: minor units of `currency`; oldest: when the oldest counted movement was posted,
    None if there is none; is_own: whether it is set for this user, not their role.
    """

    type: LimitType
    window: LimitWindow
    currency: str
    amount: int
    used: int
    oldest: datetime | None
    is_own: bool

    @property
    def remaining(self) -> int:
        return max(self.amount - self.used, 0)

    @property
    def frees_at(self) -> datetime | None:
        """When the oldest counted movement leaves the window, so that more remains."""
        return self.oldest + WINDOWS[self.window] if self.oldest is not None else None


@dataclass(slots=True)
class Usage:
    """The effective limits of a wallet, and what it has moved and holds.

    without_code: minor units that left the wallet or are held within a day and since the owner's
    last accepted two-factor code, without a code; is_enrolled: whether the owner has enabled
    two-factor authentication.
    """

    currency: str
    is_enrolled: bool = False
    without_code: int = 0
    limits: list[Limit] = field(default_factory=list)

    def require_within(self, kind: TransactionType, amount: int) -> None:
        """Refuse a movement of `amount` minor units that would exceed a limit.

        Raises LimitExceeded.
        """
        for limit in self.limits:
            if kind in _COVERED[limit.type] and limit.used + amount > limit.amount:
                raise LimitExceeded(
                    kind=limit.type,
                    window=limit.window,
                    limit=Money(limit.amount, self.currency),
                    used=Money(limit.used, self.currency),
                )

    def count(self, kind: TransactionType, amount: int, *, with_code: bool) -> None:
        """Count a movement that this transaction will post or hold."""
        self.without_code = 0 if with_code else self.without_code + amount
        self.limits = [
            replace(limit, used=limit.used + amount)
            if limit.window in WINDOWS and kind in _COVERED[limit.type]
            else limit
            for limit in self.limits
        ]


def query_usage(
    session: Session,
    *,
    user_ids: Collection[UUID],
    currency: str,
    types: Collection[LimitType],
) -> Callable[[], dict[UUID, Usage]]:
    """Send the query of the usage of these users' wallets; call the result to read it, by user.

    types: of the limits; what they apply to is read. Posted movements within the window and active
    holds count as used.
    """
    now = clock.now()
    rows = repository.query_usage(
        session,
        user_ids=list(user_ids),
        currency=currency,
        types=tuple(sorted({kind for limit in types for kind in _COVERED[limit]})),
        limits=tuple(sorted(types)),
        since={window.lower(): now - length for window, length in WINDOWS.items()},
    )
    return lambda: {row.user_id: _usage(row, currency) for row in rows}


def _usage(row: Any, currency: str) -> Usage:
    movements = row.movements or []
    return Usage(
        currency,
        is_enrolled=row.is_enrolled,
        without_code=_sum(
            amount for kind, amount, *_ in movements if kind in _COVERED[LimitType.OUTGOING]
        ),
        limits=_effective(row.limits or [], movements, currency),
    )


def _effective(
    declared: Iterable[Any], movements: Sequence[Sequence[Any]], currency: str
) -> list[Limit]:
    """One limit per type and window: the user's own replaces that of their role.

    declared, movements: lists as `repository.query_usage` describes them.
    """
    found = {(kind, window): (amount, is_own) for kind, window, amount, is_own in declared}
    limits = []
    for (name, window), (amount, is_own) in sorted(found.items()):
        kind = LimitType(name)
        column = _COLUMNS.get(window)
        moved = [row[column] for row in movements if column and row[0] in _COVERED[kind]]
        times = [datetime.fromisoformat(oldest) for _, oldest in moved if oldest is not None]
        limits.append(
            Limit(
                kind,
                LimitWindow(window),
                currency,
                amount,
                used=_sum(used for used, _ in moved),
                oldest=min(times, default=None),
                is_own=is_own,
            )
        )
    return limits


def _sum(differences: Iterable[int | None]) -> int:
    """The sum of differences of totals, None being 0."""
    return sum((difference or 0) % TOTALS_MODULUS for difference in differences)


def list_effective(
    session: Session, account: Account, *, types: Collection[LimitType]
) -> list[Limit]:
    """The effective limits of these types on a user's wallet, one per type and window.

    Posted movements within the window, active holds and pending movements count as used.
    """
    owner_id = account.owner_id
    usage = query_usage(session, user_ids=[owner_id], currency=account.currency, types=types)()
    return [
        replace(limit, used=limit.used + _pending_amount(session, account, limit.type))
        if limit.window in WINDOWS
        else limit
        for limit in usage[owner_id].limits
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
    found = list_effective(session, account, types=types)
    Usage(account.currency, limits=found).require_within(kind, money.minor)


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
