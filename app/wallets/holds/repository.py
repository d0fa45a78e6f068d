"""SQL of holds, as their two parties and the clock look for them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.common.pagination import Page, PageRequest, paginate_union
from app.common.rows import lock_due
from app.wallets.models import WalletHold


def get_hold(session: Session, hold_id: UUID) -> WalletHold | None:
    return session.get(WalletHold, hold_id)


def list_holds(
    session: Session,
    page: PageRequest,
    *,
    wallet_id: UUID | None,
    payee_id: UUID | None,
    status: str | None,
) -> Page[WalletHold]:
    """What the owner of the wallet pays and what the payee gets, newest first.

    wallet_id, payee_id: None to leave one of the two out; status: only those of this status.
    """
    # Each role has an index of its own, and nobody is both the payer and the payee of a hold.
    roles = [
        select(WalletHold).where(column == value)
        for column, value in ((WalletHold.wallet_id, wallet_id), (WalletHold.payee_id, payee_id))
        if value is not None
    ]
    if status is not None:
        roles = [role.where(WalletHold.status == status) for role in roles]
    return paginate_union(session, page, roles, WalletHold.id)


def lock_expired(session: Session, *, now: datetime, limit: int) -> Sequence[WalletHold]:
    """Active holds whose time is over, locked; those that somebody is settling are left out."""
    # Literally, so that the planner can prove that the partial index serves.
    active = text("status = 'ACTIVE'")
    return lock_due(session, WalletHold.expires_at, active, now=now, limit=limit)
