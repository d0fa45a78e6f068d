"""SQL of wallets, the ledger and limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.common.db import arrays, as_json, columns, insert_rows
from app.wallets.models import GATE, JournalEntry, Wallet, WalletLimit, WalletTransaction

# SHARE does not conflict with itself, and SHARE UPDATE EXCLUSIVE does with both.
_JOIN = text(f"LOCK TABLE {GATE.name} IN SHARE MODE")
_ENTER_ALONE = text(f"LOCK TABLE {GATE.name} IN SHARE UPDATE EXCLUSIVE MODE")

_UPDATE_BALANCES = text("""
    UPDATE wallets SET balance = v.balance, sequence = v.sequence, updated_at = v.updated_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:balances AS bigint[]), CAST(:sequences AS bigint[]),
                CAST(:times AS timestamptz[])) AS v (id, balance, sequence, updated_at)
    WHERE wallets.id = v.id
""")

_LOCK_WALLETS = text("""
    SELECT id, kind, currency, user_id, balance, held, sequence, is_locked, created_at, updated_at
    FROM wallets WHERE user_id = ANY(CAST(:user_ids AS uuid[])) AND currency = :currency
    ORDER BY id FOR NO KEY UPDATE
""")

_INSERT_ENTRIES = insert_rows(
    JournalEntry,
    {
        "id": "uuid",
        "kind": "text",
        "reference_type": "text",
        "reference_id": "uuid",
        "initiator_id": "uuid",
        "idempotency_key": "text",
        "metadata": "jsonb",
        "created_at": "timestamptz",
    },
)

_POSTING_COLUMNS = {
    "id": "uuid",
    "journal_entry_id": "uuid",
    "wallet_id": "uuid",
    "sequence": "bigint",
    "type": "text",
    "status": "text",
    "amount": "bigint",
    "balance_before": "bigint",
    "balance_after": "bigint",
    "currency": "text",
    "description": "text",
    "reference_type": "text",
    "reference_id": "uuid",
    "metadata": "jsonb",
    "created_at": "timestamptz",
}
_INSERT_POSTINGS = insert_rows(WalletTransaction, _POSTING_COLUMNS)


def lock_gate(session: Session, *, alone: bool) -> None:
    """Must be the first statement of the transaction, so that there is no snapshot yet."""
    session.execute(_ENTER_ALONE if alone else _JOIN)


def insert_wallet(session: Session, **values: Any) -> None:
    session.execute(insert(Wallet).values(**values))


def get_wallet_of(session: Session, *, user_id: UUID, currency: str) -> Wallet | None:
    return session.scalar(
        select(Wallet).where(Wallet.user_id == user_id, Wallet.currency == currency)
    )


def get_wallet_for_update(session: Session, wallet_id: UUID) -> Wallet | None:
    return session.get(
        Wallet, wallet_id, with_for_update={"key_share": True}, populate_existing=True
    )


def lock_wallets_of(session: Session, *, user_ids: Sequence[UUID], currency: str) -> Sequence[Any]:
    """The wallets of these users, locked in id order.

    Id order: two opposite movements must not deadlock. FOR NO KEY UPDATE: FOR UPDATE would block
    the foreign-key checks of everybody who posts to the same wallet.
    """
    return session.execute(_LOCK_WALLETS, {"user_ids": list(user_ids), "currency": currency}).all()


def insert_entries(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(
        _INSERT_ENTRIES, arrays([row | {"metadata": as_json(row["metadata"])} for row in rows])
    )


def insert_postings(session: Session, postings: Sequence[WalletTransaction]) -> None:
    # `metadata` on the class is SQLAlchemy's; ours is called `meta` there.
    metadata = {"metadata": [as_json(posting.meta) for posting in postings]}
    session.execute(_INSERT_POSTINGS, columns(postings, _POSTING_COLUMNS) | metadata)


def update_balances(
    session: Session, rows: Sequence[tuple[UUID, int, int, datetime | None]]
) -> None:
    """rows: wallet id, balance in minor units, sequence, moment of its last posting."""
    ids, balances, sequences, times = (list(column) for column in zip(*rows, strict=True))
    session.execute(
        _UPDATE_BALANCES,
        {"ids": ids, "balances": balances, "sequences": sequences, "times": times},
    )


def _history(
    *, wallet_id: UUID, kind: str | None, since: datetime | None, until: datetime | None
) -> Select[Any]:
    query = select(WalletTransaction).where(WalletTransaction.wallet_id == wallet_id)
    if kind is not None:
        query = query.where(WalletTransaction.type == kind)
    if since is not None:
        query = query.where(WalletTransaction.created_at >= since)
    if until is not None:
        query = query.where(WalletTransaction.created_at < until)
    return query


def postings(
    session: Session, *, limit: int, offset: int, below: int | None, **filters: Any
) -> Sequence[WalletTransaction]:
    """Newest first. below: only those with a smaller sequence."""
    query = _history(**filters).order_by(WalletTransaction.sequence.desc())
    if below is not None:
        query = query.where(WalletTransaction.sequence < below)
    return session.scalars(query.limit(limit).offset(offset)).all()


def count_postings(session: Session, **filters: Any) -> int:
    return session.scalar(select(func.count()).select_from(_history(**filters).subquery())) or 0


def moved_since(session: Session, *, wallet_id: UUID, kind: str, since: datetime) -> int:
    """How much moved in postings of one type, in minor units, direction left out."""
    # The partial index needs the type as a literal to be provably usable.
    moved: int = session.scalar(
        text(
            "SELECT coalesce(sum(abs(amount)), 0)::bigint FROM wallet_transactions"
            " WHERE wallet_id = :wallet_id AND type = :kind AND created_at > :since"
            " AND type IN ('DEPOSIT', 'WITHDRAWAL')"
        ),
        {"wallet_id": wallet_id, "kind": kind, "since": since},
    )
    return moved


def limits_for(
    session: Session, *, user_id: UUID, role: str, kind: str, currency: str
) -> Sequence[WalletLimit]:
    """Both the limits of the role and those of the user."""
    return session.scalars(
        select(WalletLimit).where(
            WalletLimit.type == kind,
            WalletLimit.currency == currency,
            (WalletLimit.user_id == user_id) | (WalletLimit.role == role),
        )
    ).all()


def put_user_limit(session: Session, **values: Any) -> None:
    statement = upsert(WalletLimit).values(**values)
    session.execute(
        statement.on_conflict_do_update(
            constraint="uq_wallet_limits_user",
            set_={"amount": statement.excluded.amount, "updated_at": statement.excluded.updated_at},
        )
    )
