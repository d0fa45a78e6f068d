"""SQL of bank accounts and payouts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.common.pagination import Page, PageRequest, paginate
from app.payouts.models import BankAccount, Payout


def lock_accounts_of(session: Session, user_id: UUID) -> None:
    """Wait for other changes of the user's bank accounts, until this transaction ends."""
    session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"bank-accounts/{user_id}", 0)))
    )


def insert_account(session: Session, account: BankAccount) -> None:
    session.add(account)
    session.flush()


def get_account(session: Session, account_id: UUID) -> BankAccount | None:
    return session.get(BankAccount, account_id)


def get_account_like(
    session: Session, *, user_id: UUID, fingerprints: Iterable[bytes]
) -> BankAccount | None:
    return session.scalars(
        _kept(user_id).where(BankAccount.fingerprint.in_(list(fingerprints)))
    ).first()


def accounts_of(session: Session, *, user_id: UUID) -> Sequence[BankAccount]:
    return session.scalars(_kept(user_id).order_by(BankAccount.id.desc())).all()


def _kept(user_id: UUID) -> Any:
    return select(BankAccount).where(
        BankAccount.user_id == user_id, BankAccount.deleted_at.is_(None)
    )


def insert_payout(session: Session, payout: Payout) -> None:
    session.add(payout)
    session.flush()


def _with_account() -> Any:
    return select(Payout, BankAccount).join(BankAccount, BankAccount.id == Payout.bank_account_id)


def get_payout(session: Session, payout_id: UUID) -> Any:
    """The payout with its bank account, or None."""
    return session.execute(_with_account().where(Payout.id == payout_id)).one_or_none()


def provider_of(session: Session, payout_id: UUID) -> str | None:
    return session.scalar(select(Payout.provider).where(Payout.id == payout_id))


def get_payout_for_update(session: Session, payout_id: UUID) -> Payout | None:
    return session.get(
        Payout, payout_id, with_for_update={"key_share": True}, populate_existing=True
    )


def list_payouts(session: Session, page: PageRequest, *, user_id: UUID) -> Page[Any]:
    """The user's payouts with their bank accounts, newest first."""
    mine = Payout.user_id == user_id
    return paginate(
        session, page, _with_account().where(mine), Payout.id, count=select(Payout.id).where(mine)
    )


def take_due(session: Session, *, now: datetime, limit: int) -> Sequence[Payout]:
    """Payouts whose next attempt is due, locked; those that others hold are left out."""
    return session.scalars(
        select(Payout)
        .where(Payout.next_attempt_at <= now)
        .order_by(Payout.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
