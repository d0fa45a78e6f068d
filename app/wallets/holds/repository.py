"""SQL of holds: lists of both parties, and expiry."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import any_, func, select, text
from sqlalchemy.orm import Session

from app.common.bulk import Write, lock_rows, send_rows, write
from app.common.pagination import Page, PageRequest, paginate_union
from app.common.rows import lock_due
from app.wallets.models import Wallet, WalletHold


def get_hold(session: Session, hold_id: UUID) -> WalletHold | None:
    return session.get(WalletHold, hold_id)


def query_for_update(session: Session, hold_ids: Iterable[UUID]) -> Iterable[Any]:
    """The holds, locked in id order, with the attributes of the model."""
    return lock_rows(session, WalletHold, hold_ids)


_CLOSE = """
    UPDATE wallet_holds AS h
    SET status = new.status, captured_amount = new.captured_amount, closed_at = new.closed_at
    FROM json_to_recordset(CAST(%(rows)s AS json))
        AS new (id uuid, status text, captured_amount bigint, closed_at timestamptz)
    WHERE h.id = new.id
"""


def close(session: Session, holds: Iterable[WalletHold]) -> None:
    """Write how holds have ended. holds: of the class WalletHoldRow."""
    write(session, Write(_CLOSE, holds))


# Counting stops at one more than the maximum, which decides. The wallets are an array, because a
# plan made while there were few holds could otherwise read all that are active.
_PARTIES = """
    SELECT new.payer_id, new.payee_id, new.currency, u.role, u.is_active, w.is_locked,
        quota.maximum, (
            SELECT count(*) FROM (
                SELECT 1 FROM wallet_holds h
                WHERE h.wallet_id = ANY(ARRAY(SELECT id FROM wallets WHERE user_id = new.payer_id))
                    AND h.status = 'ACTIVE' AND h.payee_id IS NOT NULL
                LIMIT quota.maximum + 1
            ) AS active
        ) AS active_holds
    FROM json_to_recordset(CAST(%(rows)s AS json))
        AS new (payer_id uuid, payee_id uuid, currency text)
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT q.maximum FROM user_quotas q
            WHERE q.user_id = new.payer_id AND q.quota = %(quota)s
        ), %(maximum)s) AS maximum
    ) AS quota
    LEFT JOIN users u ON u.id = new.payee_id
    LEFT JOIN wallets w ON w.user_id = new.payee_id AND w.currency = new.currency
"""


def query_parties(
    session: Session, wanted: Iterable[object], *, quota: str, maximum: int
) -> Iterable[Any]:
    """Role and state of payees, and whether their wallets are locked; active holds of payers, and
    the maximum of these. wanted: rows of payer_id, payee_id and currency; quota: that of holds;
    maximum: for users without one of their own.
    """
    return send_rows(session, _PARTIES, wanted, quota=quota, maximum=maximum)


def count_active_holds(session: Session, *, payer_id: UUID, limit: int | None) -> int:
    """The number of active holds for other users on the payer's wallets, up to `limit`."""
    # A literal, so that the planner can prove that the partial index applies.
    wallets = select(Wallet.id).where(Wallet.user_id == payer_id)
    found = select(WalletHold.id).where(
        WalletHold.wallet_id == any_(func.array(wallets.scalar_subquery())),
        text("status = 'ACTIVE'"),
        WalletHold.payee_id.is_not(None),
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
