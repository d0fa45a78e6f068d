"""SQL of bank accounts."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.common.rows import insert_row
from app.payouts.bank_accounts.models import BankAccount


def lock_bank_accounts(session: Session, user_id: UUID) -> None:
    """Serialize changes of the user's bank accounts until this transaction ends."""
    session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"bank-accounts/{user_id}", 0)))
    )


def insert_bank_account(session: Session, bank_account: BankAccount) -> None:
    insert_row(session, bank_account)


def get_bank_account(session: Session, bank_account_id: UUID) -> BankAccount | None:
    return session.get(BankAccount, bank_account_id)


def get_by_fingerprint(
    session: Session, *, user_id: UUID, fingerprints: Iterable[bytes]
) -> BankAccount | None:
    return session.scalars(
        _saved_by(user_id).where(BankAccount.fingerprint.in_(list(fingerprints)))
    ).first()


def list_bank_accounts(session: Session, *, user_id: UUID) -> Sequence[BankAccount]:
    return session.scalars(_saved_by(user_id).order_by(BankAccount.id.desc())).all()


def _saved_by(user_id: UUID) -> Select[BankAccount]:
    return select(BankAccount).where(
        BankAccount.user_id == user_id, BankAccount.deleted_at.is_(None)
    )
