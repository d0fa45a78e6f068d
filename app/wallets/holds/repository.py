"""SQL of holds: lists of both parties, and expiry."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.common.pagination import Page, PageRequest, paginate_union
from app.common.rows import lock_due
from app.wallets.models import Wallet, WalletHold


def get_hold(session: Session, hold_id: UUID) -> WalletHold | None:
    return session.get(WalletHold, hold_id)


def count_active_holds(session: Session, *, payer_id: UUID, limit: int | None) -> int:
    """The number of active holds for other users on the payer's wallets, up to `limit`."""
    # A literal, so that the planner can prove that the partial index applies.
    found = (
        select(WalletHold.id)
        .join(Wallet, Wallet.id == WalletHold.wallet_id)
        .where(
            Wallet.user_id == payer_id,
            text("wallet_holds.status = 'ACTIVE'"),
            WalletHold.payee_id.is_not(None),
        )
    )
    return session.scalar(select(func.count()).select_from(found.limit(limit).subquery())) or 0


def list_holds(
    session: Session,
    page: PageRequest,
    *,
    wallet_id: UUID | None,
    payee_id: UUID | None,
    status: str | None,
) -> Page[WalletHold]:
    """Holds on the wallet and holds for the payee, newest first.

    wallet_id, payee_id: None to omit one of the two; status: only holds with this status.
    """
    # Each role has its own index, and no user is both the payer and the payee of a hold.
    roles = [
        select(WalletHold).where(column == value)
        for column, value in ((WalletHold.wallet_id, wallet_id), (WalletHold.payee_id, payee_id))
        if value is not None
    ]
    if status is not None:
        roles = [role.where(WalletHold.status == status) for role in roles]
    return paginate_union(session, page, roles, WalletHold.id)


def lock_expired(session: Session, *, now: datetime, limit: int) -> Sequence[WalletHold]:
    """Expired active holds, locked, except those that another transaction has locked."""
    # A literal, so that the planner can prove that the partial index applies.
    active = text("status = 'ACTIVE'")
    return lock_due(session, WalletHold.expires_at, active, now=now, limit=limit)
