"""SQL of payouts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common.pagination import Page, PageRequest, paginate
from app.payouts.bank_accounts.models import BankAccount
from app.payouts.models import Payout


def insert_payout(session: Session, payout: Payout) -> None:
    session.add(payout)
    session.flush()


def _with_bank_account() -> Any:
    return select(Payout, BankAccount).join(BankAccount, BankAccount.id == Payout.bank_account_id)


def get_payout(session: Session, payout_id: UUID) -> Any:
    """The payout with its bank account, or None."""
    return session.execute(_with_bank_account().where(Payout.id == payout_id)).one_or_none()


def get_provider(session: Session, payout_id: UUID) -> str | None:
    return session.scalar(select(Payout.provider).where(Payout.id == payout_id))


def lock_payout(session: Session, payout_id: UUID) -> Payout | None:
    return session.get(
        Payout, payout_id, with_for_update={"key_share": True}, populate_existing=True
    )


def list_payouts(session: Session, page: PageRequest, *, user_id: UUID) -> Page[Any]:
    """The user's payouts with their bank accounts, newest first."""
    mine = Payout.user_id == user_id
    return paginate(
        session,
        page,
        _with_bank_account().where(mine),
        Payout.id,
        count=select(Payout.id).where(mine),
    )


def lock_due(session: Session, *, now: datetime, limit: int) -> Sequence[Payout]:
    """Payouts whose next attempt is due, without those that another transaction has locked."""
    return session.scalars(
        select(Payout)
        .where(Payout.next_attempt_at <= now)
        .order_by(Payout.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
