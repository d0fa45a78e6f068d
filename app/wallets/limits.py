"""Limits: the maximum amount that may move in one direction in a rolling window."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.errors import OwnAccount
from app.auth.models import Role
from app.common import clock
from app.common.ids import new_id
from app.common.money import Money
from app.ledger_lock.service import require_ledger_lock
from app.wallets import repository
from app.wallets.errors import LimitNotFound, RoleNotFound


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
    require_ledger_lock(session)
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
    require_ledger_lock(session)  # every later posting has seen the change
    return repository.upsert_limit(
        session,
        id=new_id(),
        currency=money.currency,
        amount=money.minor,
        updated_at=clock.now(),
        **key,
    )


def _details(kind: str, window: str, money: Money) -> dict[str, str]:
    return {"type": kind, "window": window, "amount": str(money), "currency": money.currency}
