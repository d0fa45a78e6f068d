"""SQL of wallets, the ledger and limits."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.auth.models import SESSION_IS_VALID
from app.common.bulk import BulkInsert, send_rows
from app.common.db import fetch_one
from app.common.driver import send
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_row
from app.wallets.models import (
    DIRECTIONS,
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
    WHERE s.id = %(session_id)s AND u.id = %(user_id)s AND {SESSION_IS_VALID}
"""  # noqa: S608 – a condition from our own code


def get_wallet_of_caller(
    *, user_id: UUID, session_id: UUID, currency: str, now: datetime
) -> tuple[Any, ...] | None:
    """The columns of the caller's wallet, all NULL if there is none; None if the session ended."""
    values = {
        "user_id": user_id,
        "session_id": session_id,
        "currency": currency,
        "now": now,
    }
    return fetch_one(_WALLET_OF_CALLER, values)


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
    the foreign-key checks of all other transactions that post to the same wallet.
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
    """accounts: with id, balance and held in minor units, sequence, and updated_at."""
    send_rows(session, _UPDATE_BALANCES, accounts)


# Binary search: sequences are gapless and in the order of created_at. Each step reads one row by
# its key, in a subquery, because the planner could turn a join around and read the whole wallet.
_SEQUENCE_BEFORE = """
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, CAST(%(last)s AS bigint)
        UNION ALL
        SELECT CASE WHEN is_before THEN middle ELSE low END,
            CASE WHEN is_before THEN high ELSE middle - 1 END
        FROM (
            SELECT low, high, middle, (
                SELECT created_at < %(time)s FROM wallet_transactions
                WHERE wallet_id = %(wallet_id)s AND sequence = middle
            ) AS is_before
            FROM (
                SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high
            ) AS half
            OFFSET 0
        ) AS step
    )
    SELECT low FROM search WHERE low = high
"""


def sequence_before(session: Session, *, wallet_id: UUID, last: int, time: datetime) -> int:
    """The sequence of the last posting before a time, 0 if there is none.

    last: sequence of the wallet's last posting. Takes as many steps as `last` has binary digits.
    """
    values = {"wallet_id": wallet_id, "last": last, "time": time}
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


_TYPES_OF_DIRECTIONS = " ".join(
    f"WHEN '{limit}' THEN ARRAY{[str(kind) for kind in kinds]}"
    for limit, kinds in DIRECTIONS.items()
)
# The user's own limit comes before that of their role. The types are listed literally, so that the
# planner can prove that the partial index applies; TRANSACTION has no window, so its use is zero.
_EFFECTIVE_LIMITS = f"""
    SELECT DISTINCT ON (l.type, l."window") l.type, l."window", l.amount,
        posted.minor + held.minor AS used, posted.oldest, l.user_id IS NOT NULL AS is_own
    FROM wallet_limits l
    CROSS JOIN LATERAL (
        SELECT CAST(CAST(%(since)s AS json) ->> l."window" AS timestamptz) AS since,
            CASE l.type {_TYPES_OF_DIRECTIONS} ELSE ARRAY[l.type] END AS types
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
    ) held
    WHERE l.type = ANY(%(types)s) AND l.currency = %(currency)s
        AND (l.user_id = %(user_id)s OR l.role = %(role)s)
    ORDER BY l.type, l."window", l.user_id IS NULL
"""  # noqa: S608 – a list from our own code


def list_effective_limits(
    session: Session,
    *,
    wallet_id: UUID,
    user_id: UUID,
    role: str,
    types: Sequence[str],
    currency: str,
    since: Mapping[str, datetime],
) -> Iterable[Any]:
    """One limit per type and window, with the minor units that are posted or held in the window.

    since: the start of each window that has one. Each row also has the time of the oldest counted
    posting, and whether the limit is the user's own.
    """
    values = {
        "wallet_id": wallet_id,
        "user_id": user_id,
        "role": role,
        "types": list(types),
        "currency": currency,
        "since": json.dumps(since, default=datetime.isoformat),
    }
    return send(session, _EFFECTIVE_LIMITS, values)


def upsert_limit(session: Session, **values: Any) -> UUID:
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
    """Delete a user's own limit. Returns its minor units, None if there was none."""
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
