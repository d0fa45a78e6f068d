"""SQL of payouts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common.driver import send
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


# A decision does not know its payout. The wallet was locked until both were written, and the payout
# was stamped just after: so it is the first one that is not older.
_SCREENED: Final = """
    SELECT d.id, p.status
    FROM jsonb_to_recordset(%(attempts)s::jsonb) AS d (
        id uuid, user_id uuid, amount bigint, currency text, created_at timestamptz, first_id uuid,
        result_id uuid)
    CROSS JOIN LATERAL (
        SELECT status FROM payouts WHERE id = d.result_id
        UNION ALL (
            SELECT status FROM payouts
            WHERE d.result_id IS NULL AND user_id = d.user_id AND id >= d.first_id
                AND amount = d.amount AND currency = d.currency AND created_at >= d.created_at
            ORDER BY id LIMIT 1
        )
    ) p
"""


def list_screened(session: Session, attempts: str) -> Sequence[Any]:
    """The status of the payouts of screened attempts. attempts: as of `past.as_json`."""
    return send(session, _SCREENED, {"attempts": attempts}).fetchall()
