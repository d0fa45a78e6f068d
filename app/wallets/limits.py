"""Limits: the most that may move one way in a rolling window."""

from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.models import User
from app.auth.service import Caller
from app.common import clock
from app.common.db import new_id
from app.common.money import Money
from app.wallets import repository
from app.wallets.errors import LimitExceeded
from app.wallets.ledger import Account
from app.wallets.models import LimitWindow, TransactionType

WINDOWS: Final = {LimitWindow.DAY: timedelta(days=1), LimitWindow.MONTH: timedelta(days=30)}


def require_within(
    session: Session, account: Account, *, user: User | Caller, kind: TransactionType, money: Money
) -> None:
    """Refuse a movement that would exceed a limit. Raises LimitExceeded.

    The account must be locked: that is what keeps two movements from using the same remainder.
    """
    now = clock.now()
    limits = repository.limits_in_force(
        session,
        wallet_id=account.id,
        user_id=user.id,
        role=user.role,
        kind=kind,
        currency=account.currency,
        since={window: now - length for window, length in WINDOWS.items()},
    )
    for limit in limits:
        if limit.used + money.minor > limit.amount:
            raise LimitExceeded(
                kind=kind,
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
    repository.put_user_limit(
        session,
        id=new_id(),
        user_id=user_id,
        type=kind,
        window=window,
        currency=currency,
        amount=money.minor,
        updated_at=clock.now(),
    )
    audit.record(
        session,
        actor_id=actor_id,
        action="limit.set",
        target_type="user",
        target_id=user_id,
        details={"type": kind, "window": window, "amount": str(money), "currency": currency},
    )
    return money
