"""SQL of wallets, the ledger and limits."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.auth.models import SESSION_HOLDS
from app.common.bulk import BulkInsert, send_rows
from app.common.db import lookup
from app.common.driver import send
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_row
from app.wallets.models import (
    LIMITED,
    JournalEntry,
    Wallet,
    WalletHold,
    WalletLimit,
    WalletTransaction,
)

_UPDATE_BALANCES = """
    UPDATE wallets
    SET balance = new.balance, held = new.held, sequence = new.sequence,
        updated_at = new.updated_at
    FROM json_to_recordset(CAST(%(rows)s AS json))
        AS new (id uuid, balance bigint, held bigint, sequence bigint, updated_at timestamptz)
    WHERE wallets.id = new.id
"""

_WALLETS_OF = """
    SELECT id, kind, currency, user_id, balance, held, sequence, is_locked, created_at, updated_at,
        number
    FROM wallets WHERE user_id = ANY(%(user_ids)s) AND currency = %(currency)s
"""
_LOCK_WALLETS = f"{_WALLETS_OF} ORDER BY id FOR NO KEY UPDATE"

_INSERT_ENTRIES = BulkInsert(JournalEntry)
_INSERT_POSTINGS = BulkInsert(WalletTransaction)

_WALLET_OF_CALLER = f"""
    SELECT w.id, w.kind, w.currency, w.user_id, w.balance, w.held, w.sequence, w.is_locked,
        w.created_at, w.updated_at, w.number
    FROM login_sessions s JOIN users u ON u.id = s.user_id
    LEFT JOIN wallets w ON w.user_id = u.id AND w.currency = %(currency)s
    WHERE s.id = %(session_id)s AND u.id = %(user_id)s AND {SESSION_HOLDS}
"""  # noqa: S608 – a condition from our own code


def get_wallet_of_caller(
    *, user_id: UUID, session_id: UUID, currency: str, now: datetime
) -> tuple[Any, ...] | None:
    """The wallet's columns if the user is signed in – NULLs if they have none – or None."""
    values = {
        "user_id": user_id,
        "session_id": session_id,
        "currency": currency,
        "now": now,
    }
    return lookup(_WALLET_OF_CALLER, values)


def insert_wallet(session: Session, **values: Any) -> None:
    session.execute(insert(Wallet).values(**values))


def get_wallet_for_update(session: Session, wallet_id: UUID) -> Wallet | None:
    return lock_row(session, Wallet, wallet_id)


def get_wallet_by_number(session: Session, *, number: str, currency: str) -> Wallet | None:
    return session.scalar(
        select(Wallet).where(Wallet.number == number, Wallet.currency == currency)
    )


def get_wallet_of_user(session: Session, *, user_id: UUID, currency: str) -> Wallet | None:
    return session.scalar(
        select(Wallet).where(Wallet.user_id == user_id, Wallet.currency == currency)
    )


def lock_wallets_of(session: Session, *, user_ids: Sequence[UUID], currency: str) -> Iterable[Any]:
    """The wallets of these users, locked in id order.

    Id order: two opposite movements must not deadlock. FOR NO KEY UPDATE: FOR UPDATE would block
    the foreign-key checks of everybody who posts to the same wallet.
    """
    return send(session, _LOCK_WALLETS, {"user_ids": list(user_ids), "currency": currency})


def get_wallet_of(session: Session, *, user_id: UUID, currency: str) -> tuple[Any, ...] | None:
    """The wallet's columns, or None; no lock is taken."""
    values = {"user_ids": [user_id], "currency": currency}
    return send(session, _WALLETS_OF, values).fetchone()


def insert_entries(session: Session, entries: Iterable[JournalEntry]) -> None:
    """entries: of the class JournalEntryRow."""
    _INSERT_ENTRIES.execute(session, entries)


def insert_postings(session: Session, postings: Iterable[WalletTransaction]) -> None:
    """postings: of the class WalletTransactionRow."""
    _INSERT_POSTINGS.execute(session, postings)


def update_balances(session: Session, accounts: Iterable[object]) -> None:
    """accounts: with id, balance and held in minor units, sequence and moment of the change."""
    send_rows(session, _UPDATE_BALANCES, accounts)


# Sequences are gapless and in the order of the moments, so each step reads one row by its key: a
# subquery, because a join could be turned around and read all of the wallet at every step.
_SEQUENCE_BEFORE = """
    WITH RECURSIVE halving (low, high) AS (
        SELECT 0::bigint, CAST(%(last)s AS bigint)
        UNION ALL
        SELECT CASE WHEN is_before THEN middle ELSE low END,
            CASE WHEN is_before THEN high ELSE middle - 1 END
        FROM (
            SELECT low, high, middle, (
                SELECT created_at < %(moment)s FROM wallet_transactions
                WHERE wallet_id = %(wallet_id)s AND sequence = middle
            ) AS is_before
            FROM (
                SELECT low, high, (low + high + 1) / 2 AS middle FROM halving WHERE low < high
            ) AS half
            OFFSET 0
        ) AS step
    )
    SELECT low FROM halving WHERE low = high
"""


def sequence_before(session: Session, *, wallet_id: UUID, last: int, moment: datetime) -> int:
    """The number of the last posting before a moment, 0 if there is none.

    last: number of the wallet's last posting. Takes as many steps as `last` has binary digits.
    """
    values = {"wallet_id": wallet_id, "last": last, "moment": moment}
    (row,) = send(session, _SEQUENCE_BEFORE, values)
    return int(row.low)


def get_posting(session: Session, *, wallet_id: UUID, sequence: int) -> WalletTransaction | None:
    return session.scalars(
        select(WalletTransaction).where(
            WalletTransaction.wallet_id == wallet_id, WalletTransaction.sequence == sequence
        )
    ).one_or_none()


def list_postings(
    session: Session,
    page: PageRequest,
    *,
    wallet_id: UUID,
    first: int,
    last: int,
    kind: str | None,
) -> Page[WalletTransaction]:
    """Postings of the wallet from sequence `first` to `last`, both included, newest first."""
    query = select(WalletTransaction).where(
        WalletTransaction.wallet_id == wallet_id, WalletTransaction.sequence.between(first, last)
    )
    if kind is not None:
        query = query.where(WalletTransaction.type == kind)
    return paginate(session, page, query, WalletTransaction.sequence)


# The user's own limit comes before the one of their role. The types are listed so that the planner
# can prove that the partial index serves; a window without a beginning has used nothing.
_LIMITS_IN_FORCE = f"""
    SELECT DISTINCT ON (l.type, l."window") l.type, l."window", l.amount,
        posted.minor + promised.minor AS used, posted.oldest, l.user_id IS NOT NULL AS is_own
    FROM wallet_limits l
    CROSS JOIN LATERAL (
        SELECT CAST(CAST(%(since)s AS json) ->> l."window" AS timestamptz) AS since,
            CASE l.type
                WHEN 'INCOMING' THEN ARRAY['DEPOSIT', 'ONRAMP', 'TRANSFER_IN']
                WHEN 'OUTGOING' THEN ARRAY['WITHDRAWAL', 'PAYOUT', 'TRANSFER_OUT']
                ELSE ARRAY[l.type]
            END AS types
    ) covered
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(abs(t.amount)), 0)::bigint AS minor, min(t.created_at) AS oldest
        FROM wallet_transactions t
        WHERE t.wallet_id = %(wallet_id)s AND t.type = ANY(covered.types)
            AND t.type IN {LIMITED} AND t.created_at > covered.since
    ) posted
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(h.amount), 0)::bigint AS minor
        FROM wallet_holds h
        WHERE h.wallet_id = %(wallet_id)s AND h.status = 'ACTIVE'
            AND h.type = ANY(covered.types) AND covered.since IS NOT NULL
    ) promised
    WHERE l.type = ANY(%(types)s) AND l.currency = %(currency)s
        AND (l.user_id = %(user_id)s OR l.role = %(role)s)
    ORDER BY l.type, l."window", l.user_id IS NULL
"""  # noqa: S608 – a list from our own code


def limits_in_force(
    session: Session,
    *,
    wallet_id: UUID,
    user_id: UUID,
    role: str,
    types: Sequence[str],
    currency: str,
    since: Mapping[str, datetime],
) -> Iterable[Any]:
    """One limit per type and window, with what was moved in it or is held for it, minor units.

    since: the beginning of each window that has one. Each row says, too, when the oldest of what
    was moved in it was posted, and whether the limit is the user's own.
    """
    values = {
        "wallet_id": wallet_id,
        "user_id": user_id,
        "role": role,
        "types": list(types),
        "currency": currency,
        "since": json.dumps(since, default=datetime.isoformat),
    }
    return send(session, _LIMITS_IN_FORCE, values)


def put_limit(session: Session, **values: Any) -> UUID:
    """Set the limit of a role or of a user; its id."""
    statement = upsert(WalletLimit).values(**values)
    row = session.execute(
        statement.on_conflict_do_update(
            constraint=f"uq_wallet_limits_{'role' if 'role' in values else 'user'}",
            set_={"amount": statement.excluded.amount, "updated_at": statement.excluded.updated_at},
        ).returning(WalletLimit.id)
    )
    return row.scalar_one()


def delete_user_limit(
    session: Session, *, user_id: UUID, kind: str, window: str, currency: str
) -> int | None:
    """Forget a user's own limit; the minor units that it was, None if there is none."""
    statement = delete(WalletLimit).where(
        WalletLimit.user_id == user_id,
        WalletLimit.type == kind,
        WalletLimit.window == window,
        WalletLimit.currency == currency,
    )
    return session.scalar(statement.returning(WalletLimit.amount))


def insert_hold(session: Session, hold: WalletHold) -> None:
    insert_row(session, hold)


def get_hold_for_update(session: Session, hold_id: UUID) -> WalletHold | None:
    return lock_row(session, WalletHold, hold_id)
