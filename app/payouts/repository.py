"""SQL of payouts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_due, lock_row
from app.payouts.bank_accounts.models import BankAccount
from app.payouts.models import Payout


def insert_payout(session: Session, payout: Payout) -> None:
    insert_row(session, payout)


def _with_bank_account() -> Any:
    return select(Payout, BankAccount).join(BankAccount, BankAccount.id == Payout.bank_account_id)


def get_payout(session: Session, payout_id: UUID) -> Any:
    """The payout with its bank account, or None."""
    return session.execute(_with_bank_account().where(Payout.id == payout_id)).one_or_none()


def get_provider(session: Session, payout_id: UUID) -> str | None:
    return session.scalar(select(Payout.provider).where(Payout.id == payout_id))


def lock_payout(session: Session, payout_id: UUID) -> Payout | None:
    return lock_row(session, Payout, payout_id)


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


def lock_due_payouts(session: Session, *, now: datetime, limit: int) -> Sequence[Payout]:
    return lock_due(session, Payout.next_attempt_at, now=now, limit=limit)
