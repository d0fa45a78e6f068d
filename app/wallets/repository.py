"""SQL of wallets, the ledger and limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.wallets.models import JournalEntry, Wallet, WalletLimit, WalletTransaction

_UPDATE_BALANCES = text("""
    UPDATE wallets SET balance = v.balance, sequence = v.sequence, updated_at = :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:balances AS bigint[]), CAST(:sequences AS bigint[]))
        AS v (id, balance, sequence)
    WHERE wallets.id = v.id
""")

_POSTING_COLUMNS = [c.key for c in WalletTransaction.__mapper__.column_attrs]


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
    return session.execute(
        select(*Wallet.__table__.c)
        .where(Wallet.user_id.in_(user_ids), Wallet.currency == currency)
        .order_by(Wallet.id)
        .with_for_update(key_share=True)
    ).all()


def insert_entries(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(insert(JournalEntry).values(rows))


def insert_postings(session: Session, postings: Sequence[WalletTransaction]) -> None:
    session.execute(
        insert(WalletTransaction).values(
            [{name: getattr(posting, name) for name in _POSTING_COLUMNS} for posting in postings]
        )
    )


def update_balances(
    session: Session, rows: Sequence[tuple[UUID, int, int]], *, now: datetime
) -> None:
    """rows: wallet id, balance in minor units, sequence."""
    ids, balances, sequences = zip(*rows, strict=True)
    session.execute(
        _UPDATE_BALANCES,
        {"ids": list(ids), "balances": list(balances), "sequences": list(sequences), "now": now},
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
