"""Limits: the most that may move one way in a rolling window."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
from app.wallets.models import LimitType, LimitWindow, TransactionType

WINDOWS: Final = {LimitWindow.DAY: timedelta(days=1), LimitWindow.MONTH: timedelta(days=30)}

#: The limit on all of a direction that a movement counts towards, besides the one on its type.
DIRECTIONS: Final = {
    TransactionType.DEPOSIT: LimitType.INCOMING,
    TransactionType.ONRAMP: LimitType.INCOMING,
    TransactionType.TRANSFER_IN: LimitType.INCOMING,
    TransactionType.WITHDRAWAL: LimitType.OUTGOING,
    TransactionType.PAYOUT: LimitType.OUTGOING,
    TransactionType.TRANSFER_OUT: LimitType.OUTGOING,
}

#: By the type that they will be posted as: `pending(session, wallet_id)`, the minor units that
#: are decided and not posted yet, and hold no money of the wallet. They count as used.
pending: Final[Handlers[TransactionType, Callable[[Session, UUID], int]]] = Handlers(
    "pending movements"
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in force, and what of it is used.

    amount, used: minor units of `currency`; oldest: when the first of what counts was posted, None
    if nothing was; is_own: whether it is the user's instead of their role's.
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
        """When the first of what counts leaves the window, so that more remains."""
        return self.oldest + WINDOWS[self.window] if self.oldest is not None else None


def in_force(
    session: Session, account: Account, *, user: User | Caller, types: Collection[LimitType]
) -> list[Limit]:
    """The limits of these types, one for each window that has one.

    Used is what was posted within the window, what is held for it, and what is under way.
    """
    now = clock.now()
    rows = repository.limits_in_force(
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
        replace(limit, used=limit.used + _coming(session, account, limit.type))
        if limit.window in WINDOWS
        else limit
        for limit in limits
    ]


def _coming(session: Session, account: Account, limit: LimitType) -> int:
    return sum(
        pending[kind](session, account.id)
        for kind in pending
        if limit in (kind.value, DIRECTIONS[kind])
    )


def require_within(
    session: Session, account: Account, *, user: User | Caller, kind: TransactionType, money: Money
) -> None:
    """Refuse a movement that would exceed a limit. Raises LimitExceeded.

    The account must be locked: that is what keeps two movements from using the same remainder.
    """
    for limit in in_force(
        session, account, user=user, types=(LimitType(kind.value), DIRECTIONS[kind])
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
    """Give one user a limit of their own. amount: units of `currency`. Raises UserNotFound."""
    auth.require_user(session, user_id)
    money = Money.of(amount, currency)
    _put(session, money, user_id=user_id, type=kind, window=window)
    audit.record(
        session,
        actor_id=actor_id,
        action="limit.set",
        target_type="user",
        target_id=user_id,
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
    """Limit everybody of a role who has no limit of their own. amount: units of `currency`.

    Raises RoleNotFound.
    """
    if role not in list(Role):
        raise RoleNotFound
    money = Money.of(amount, currency)
    limit_id = _put(session, money, role=role, type=kind, window=window)
    audit.record(
        session,
        actor_id=actor_id,
        action="limit.set",
        target_type="limit",
        target_id=limit_id,
        details={"role": role} | _details(kind, window, money),
    )
    return money


def remove_for_user(
    session: Session,
    *,
    actor_id: UUID | None,
    user_id: UUID,
    kind: str,
    window: str,
    currency: str,
) -> None:
    """Put a user back under the limit of their role. Raises UserNotFound, LimitNotFound."""
    auth.require_user(session, user_id)
    _require_nobody_posts(session)
    minor = repository.delete_user_limit(
        session, user_id=user_id, kind=kind, window=window, currency=currency
    )
    if minor is None:
        raise LimitNotFound
    # `verify` reads this record, too: the role's limit, however old, is in force only from now on.
    audit.record(
        session,
        actor_id=actor_id,
        action="limit.remove",
        target_type="user",
        target_id=user_id,
        details=_details(kind, window, Money(minor, currency)),
    )


def _put(session: Session, money: Money, **whose: str | UUID) -> UUID:
    _require_nobody_posts(session)
    return repository.put_limit(
        session,
        id=new_id(),
        currency=money.currency,
        amount=money.minor,
        updated_at=clock.now(),
        **whose,
    )


def _require_nobody_posts(session: Session) -> None:
    """Whatever is posted after a change of a limit must have seen it."""
    require_ledger_lock(session, exclusive=True)


def _details(kind: str, window: str, money: Money) -> dict[str, str]:
    return {"type": kind, "window": window, "amount": str(money), "currency": money.currency}
