"""SQL of holds, as their two parties and the clock look for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text, union_all
from sqlalchemy.orm import Session

from app.wallets.models import WalletHold


def get_hold(session: Session, hold_id: UUID) -> WalletHold | None:
    return session.get(WalletHold, hold_id)


def holds_of(
    session: Session, *, limit: int, offset: int, below: UUID | None, **whose: Any
) -> Sequence[WalletHold]:
    """Newest first. below: only those with a smaller id."""
    parts = []
    for part in _parts(**whose):
        if below is not None:
            part = part.where(WalletHold.id < below)
        # Each role walks its own index and reads no more than the page can need.
        newest = part.order_by(WalletHold.id.desc()).limit(offset + limit)
        parts.append(select(newest.subquery().c.id))
    page = union_all(*parts).subquery()
    return session.scalars(
        select(WalletHold)
        .where(WalletHold.id == page.c.id)
        .order_by(WalletHold.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def count_holds(session: Session, **whose: Any) -> int:
    # Nobody is both the payer and the payee of a hold.
    return sum(
        session.scalar(select(func.count()).select_from(part.subquery())) or 0
        for part in _parts(**whose)
    )


def _parts(
    *, wallet_id: UUID | None, payee_id: UUID | None, status: str | None
) -> list[Select[Any]]:
    """What the owner of the wallet pays, and what the payee gets; either may be left out."""
    parts = [
        select(WalletHold.id).where(column == value)
        for column, value in ((WalletHold.wallet_id, wallet_id), (WalletHold.payee_id, payee_id))
        if value is not None
    ]
    return [part.where(WalletHold.status == status) for part in parts] if status else parts


def lock_expired(session: Session, *, now: datetime, limit: int) -> Sequence[WalletHold]:
    """Active holds whose time is over, locked; those that somebody is settling are left out."""
    return session.scalars(
        select(WalletHold)
        # Literally, so that the planner can prove that the partial index serves.
        .where(text("status = 'ACTIVE'"), WalletHold.expires_at <= now)
        .order_by(WalletHold.expires_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
