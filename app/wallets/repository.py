"""SQL of wallets, the ledger and limits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.auth.models import SESSION_IS_VALID
from app.common.bulk import BulkInsert, Write, send_rows, write
from app.common.csv_export import CsvBatch, batch_of, money_cell, text_cell, time_cell
from app.common.db import fetch_one
from app.common.driver import send, uuid_array
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import lock_row
from app.risk.history import Lookback
from app.wallets.models import (
    LIMITED,
    WINDOWS,
    JournalEntry,
    Payee,
    TransactionType,
    Wallet,
    WalletHold,
    WalletLimit,
    WalletTransaction,
)

_UPDATE_BALANCES = """
    UPDATE wallets
    SET balance = new.balance, held = new.held, sequence = new.sequence, totals = new.totals,
        updated_at = new.updated_at
    FROM json_to_recordset(CAST(%(rows)s AS json))
        AS new (id uuid, balance bigint, held bigint, sequence bigint, totals jsonb,
            updated_at timestamptz)
    WHERE wallets.id = new.id
"""

_WALLETS_OF = """
    SELECT id, kind, currency, user_id, balance, held, sequence, is_locked, created_at, updated_at,
        number, totals
    FROM wallets WHERE user_id = ANY(%(user_ids)s) AND currency = %(currency)s
"""
_LOCK_WALLETS = f"{_WALLETS_OF} ORDER BY id FOR NO KEY UPDATE"

_INSERT_ENTRIES = BulkInsert(JournalEntry)
_INSERT_POSTINGS = BulkInsert(WalletTransaction)
_INSERT_PAYEES = BulkInsert(Payee, tail="ON CONFLICT DO NOTHING")

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


def get_wallet_of_user(session: Session, *, user_id: UUID, currency: str) -> Wallet | None:
    return session.scalar(
        select(Wallet).where(Wallet.user_id == user_id, Wallet.currency == currency)
    )


def lock_wallets_of(session: Session, *, user_ids: Sequence[UUID], currency: str) -> Iterable[Any]:
    """The wallets of these users, locked in id order.

    Id order: two opposite movements must not deadlock. FOR NO KEY UPDATE: FOR UPDATE would block
    the foreign-key checks of all other transactions that post to the same wallet.
    """
    return send(session, _LOCK_WALLETS, {"user_ids": uuid_array(user_ids), "currency": currency})


def list_wallets_of(session: Session, *, user_ids: Sequence[UUID], currency: str) -> Sequence[Any]:
    """The columns of the wallets of these users; no lock is taken."""
    values = {"user_ids": uuid_array(user_ids), "currency": currency}
    return send(session, _WALLETS_OF, values).fetchall()


def write_ledger(
    session: Session,
    entries: Iterable[JournalEntry],
    postings: Iterable[WalletTransaction],
    accounts: Iterable[object],
) -> None:
    """Insert entries and postings, and update the balances of these accounts, in one statement: at
    its end the database requires that each balance is that of the last posting.

    entries, postings: of the classes JournalEntryRow and WalletTransactionRow; accounts: as
    `update_balances` takes them.
    """
    write(
        session,
        Write(_INSERT_ENTRIES, entries),
        Write(_INSERT_POSTINGS, postings),
        Write(_UPDATE_BALANCES, accounts),
    )


def update_balances(session: Session, accounts: Iterable[object]) -> None:
    """accounts: with id, balance and held in minor units, sequence, totals, and updated_at."""
    write(session, Write(_UPDATE_BALANCES, accounts))


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


def get_posting_by_id(
    session: Session, *, wallet_id: UUID, posting_id: UUID
) -> WalletTransaction | None:
    posting = session.get(WalletTransaction, posting_id)
    return posting if posting is not None and posting.wallet_id == wallet_id else None


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


#: The cells of a row of the export.
EXPORTED_TRANSACTIONS: Final[dict[str, Any]] = {
    "transactionId": WalletTransaction.id,
    "sequence": WalletTransaction.sequence,
    "createdAt": time_cell(WalletTransaction.created_at),
    "type": WalletTransaction.type,
    "amount": money_cell(WalletTransaction.amount, WalletTransaction.currency),
    "balanceBefore": money_cell(WalletTransaction.balance_before, WalletTransaction.currency),
    "balanceAfter": money_cell(WalletTransaction.balance_after, WalletTransaction.currency),
    "currency": WalletTransaction.currency,
    "description": text_cell(WalletTransaction.description),
    "referenceType": WalletTransaction.reference_type,
    "referenceId": WalletTransaction.reference_id,
}


def export_transactions(
    session: Session, *, limit: int, wallet_id: UUID, first: int, last: int, kind: str | None
) -> CsvBatch:
    """A batch of the postings from sequence `first` to `last`, both included, newest first."""
    query = select(WalletTransaction.id).where(
        WalletTransaction.wallet_id == wallet_id, WalletTransaction.sequence.between(first, last)
    )
    if kind is not None:
        query = query.where(WalletTransaction.type == kind)
    rows = query.order_by(WalletTransaction.sequence.desc())
    batch = batch_of(rows, EXPORTED_TRANSACTIONS, WalletTransaction.sequence, limit=limit)
    return CsvBatch(*session.execute(batch).one())


# Limits count what moved since a moment: the total today, less the total before the first posting
# since then. So each sum takes one step in the index, however many postings there are. Lists are
# literal, so that the planner can prove that the partial index applies, and cost no parameters.
_SINCE = f"""
    LEFT JOIN LATERAL (
        SELECT t.created_at AS oldest, t.type_total - abs(t.amount) AS total,
            t.uncoded_total - CASE WHEN t.with_code THEN 0 ELSE abs(t.amount) END AS uncoded
        FROM wallet_transactions t
        WHERE t.wallet_id = w.id AND t.type = total.type AND t.type IN {LIMITED}
            AND t.created_at > {{moment}}
        ORDER BY t.created_at, t.sequence LIMIT 1
    ) {{name}} ON true
"""  # noqa: S608 – a list from our own code
_WINDOWS = [window.lower() for window in WINDOWS]
_POSTED = ", ".join(
    f"json_build_array(total.posted - {name}.total, {name}.oldest)" for name in _WINDOWS
)
# The last one is for a whole window too, not since the last code: the owner can disable codes.
_BASELINES = "json_build_array({}, coalesce({}.uncoded, total.uncoded))".format(
    ", ".join(f"coalesce({name}.total, total.posted)" for name in _WINDOWS), _WINDOWS[0]
)
_HELD = ", ".join("json_build_array(sum(h.amount), NULL)" for _ in _WINDOWS)
_BEFORE = "".join(
    _SINCE.format(name=name, moment=moment)
    for name, moment in [
        *((name, f"%(since_{name})s") for name in _WINDOWS),
        ("code", "greatest(%(since_code)s, f.last_used_at)"),
    ]
)
# Without a code: since the last accepted one, but at most for as long as the shortest window.
_MOVEMENTS = f"""
    SELECT moved.movement FROM wallets w
    LEFT JOIN two_factors f ON f.user_id = w.user_id AND f.confirmed_at IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT json_build_array(total.type, {_BASELINES}, total.uncoded - code.uncoded, {_POSTED})
        FROM (
            SELECT key AS type, (value->>0)::bigint AS posted, (value->>1)::bigint AS uncoded
            FROM jsonb_each(w.totals) WHERE key IN {{types}}
        ) total {_BEFORE}
        UNION ALL
        SELECT json_build_array(h.type, NULL, sum(h.amount) FILTER (WHERE NOT h.with_code
            AND h.created_at > greatest(%(since_code)s, f.last_used_at)), {_HELD})
        FROM wallet_holds h
        WHERE w.held > 0 AND h.wallet_id = w.id AND h.status = 'ACTIVE' AND h.type IN {{types}}
        GROUP BY h.type
    ) moved (movement)
    WHERE w.user_id = %(user_id)s AND w.currency = %(currency)s
"""  # noqa: S608 – lists from our own code


def query_movements(
    session: Session,
    *,
    user_id: UUID,
    currency: str,
    types: tuple[TransactionType, ...],
    since: Mapping[str, datetime],
) -> list[list[Any]]:
    """What a user's wallet has moved and holds of these types. since: the start of each window.

    Lists of type, baselines, minor units without a two-factor code in the shortest window and since
    the last accepted one, and for each window minor units and the time of the oldest posting.
    Baselines: the total before each window, then the total without codes before the shortest; None
    for holds. Sums are None instead of 0, and sums and baselines are negative where a total started
    again (TOTALS_MODULUS).
    """
    values = {
        "user_id": user_id,
        "currency": currency,
        "since_code": max(since.values()),
        **{f"since_{window}": start for window, start in since.items()},
    }
    return [row.movement for row in send(session, _with_types(_MOVEMENTS, types), values)]


@cache
def _with_types(statement: str, types: tuple[str, ...]) -> str:
    return statement.format(types=_sql_list(types))


def _sql_list(names: Iterable[str]) -> str:
    return "({})".format(", ".join(f"'{name}'" for name in names))


# The limits of roles are few, and read once for all users.
_LIMITS = """
    SELECT u.id AS user_id, u.role, f.user_id IS NOT NULL AS is_enrolled,
        (SELECT json_agg(json_build_array(l.role, l.type, l."window", l.amount))::text
            FROM wallet_limits l
            WHERE l.role IS NOT NULL AND l.currency = %(currency)s
        ) AS of_roles,
        (SELECT json_agg(json_build_array(l.type, l."window", l.amount)) FROM wallet_limits l
            WHERE l.user_id = u.id AND l.currency = %(currency)s
        ) AS own {columns}
    FROM users u LEFT JOIN two_factors f ON f.user_id = u.id AND f.confirmed_at IS NOT NULL {joins}
    WHERE u.id = ANY(%(user_ids)s)
"""


def query_limits(
    session: Session, *, user_ids: Iterable[UUID], currency: str, lookback: Lookback
) -> Iterable[Any]:
    """Role, enrolment, limits and history of these users: one row each.

    of_roles: lists of role, type, window and minor units, for all roles, as JSON: it is the same
    text for all users, so it need not be parsed for each; own: the user's own, as lists of type,
    window and minor units. Both are None if there are none.
    """
    values = {"user_ids": uuid_array(user_ids), "currency": currency, **lookback.values}
    return send(session, _limits(lookback.columns, lookback.joins), values)


@cache
def _limits(columns: str, joins: str) -> str:
    return _LIMITS.format(columns=columns, joins=joins)


_FIRST_PAYMENTS = """
    SELECT p.payer_id, p.payee_id, p.first_paid_at
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS pair (payer_id uuid, payee_id uuid)
    JOIN payees p ON p.payer_id = pair.payer_id AND p.payee_id = pair.payee_id
"""


def query_first_payments(
    session: Session, pairs: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], datetime]:
    """When payers first paid payees, without those that are new to them."""
    rows = [{"payer_id": payer_id, "payee_id": payee_id} for payer_id, payee_id in pairs]
    return {
        (row.payer_id, row.payee_id): row.first_paid_at
        for row in send_rows(session, _FIRST_PAYMENTS, rows)
    }


def insert_payees(session: Session, payees: Iterable[Payee]) -> None:
    """Insert those that are new. payees: of the class PayeeRow."""
    write(session, Write(_INSERT_PAYEES, payees))


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


_INSERT_HOLDS = BulkInsert(WalletHold)


def insert_holds(session: Session, holds: Iterable[WalletHold]) -> None:
    """holds: of the class WalletHoldRow."""
    write(session, Write(_INSERT_HOLDS, holds))


def get_hold_for_update(session: Session, hold_id: UUID) -> WalletHold | None:
    return lock_row(session, WalletHold, hold_id)
