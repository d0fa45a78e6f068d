"""Limits: the maximum amount that may move in one direction in a rolling window."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.models import Role, User
from app.auth.service import Caller
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
    WINDOWS,
    LimitType,
    LimitWindow,
    TransactionType,
)

_DIRECTION_OF: Final = {kind: limit for limit, kinds in DIRECTIONS.items() for kind in kinds}

#: `pending(session, wallet_id)` by transaction type: minor units that will be posted as this type
#: and are neither posted nor held yet. They count as used.
pending: Final[Handlers[TransactionType, Callable[[Session, UUID], int]]] = Handlers(
    "pending movements"
)


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


def list_effective(
    session: Session, account: Account, *, user: User | Caller, types: Collection[LimitType]
) -> list[Limit]:
    """The effective limits of these types, one per type and window.

    Posted movements within the window, active holds and pending movements count as used.
    """
    now = clock.now()
    rows = repository.list_effective_limits(
        session,
        wallet_id=account.id,
        user_id=user.id,
        role=user.role,
        types=[str(kind) for kind in types],
        currency=account.currency,
        since={window: now - length for window, length in WINDOWS.items()},
    )
    limits = [
        Limit(
            LimitType(row.type),
            LimitWindow(row.window),
            account.currency,
            row.amount,
            row.used,
            row.oldest,
            row.is_own,
        )
        for row in rows
    ]
    return [
        replace(limit, used=limit.used + _pending_amount(session, account, limit.type))
        if limit.window in WINDOWS
        else limit
        for limit in limits
    ]


def _pending_amount(session: Session, account: Account, limit: LimitType) -> int:
    return sum(
        pending[kind](session, account.id)
        for kind in pending
        if limit in (kind.value, _DIRECTION_OF[kind])
    )


def require_within(
    session: Session, account: Account, *, user: User | Caller, kind: TransactionType, money: Money
) -> None:
    """Refuse a movement that would exceed a limit. Raises LimitExceeded.

    The account must be locked, so that two movements cannot use the same remainder.
    """
    for limit in list_effective(
        session, account, user=user, types=(LimitType(kind.value), _DIRECTION_OF[kind])
    ):
        if limit.used + money.minor > limit.amount:
            raise LimitExceeded(
                kind=limit.type,
                window=limit.window,
                limit=Money(limit.amount, account.currency),
                used=Money(limit.used, account.currency),
            )


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
    """Set a limit of one user. amount: units of `currency`. Raises UserNotFound."""
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

    amount: units of `currency`. Raises RoleNotFound.
    """
    if role not in list(Role):
        raise RoleNotFound
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

    Raises UserNotFound, LimitNotFound.
    """
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
