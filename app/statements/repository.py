"""SQL of statements: ranges of postings by their sequence number."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.bulk import columns_of
from app.common.driver import send
from app.wallets.models import WalletTransaction

_POSTINGS = f"""
    SELECT {columns_of(WalletTransaction)}
    FROM wallet_transactions
    WHERE wallet_id = %(wallet_id)s AND sequence BETWEEN %(first)s AND %(last)s
    ORDER BY sequence
"""  # noqa: S608 – columns of our own model

_TOTALS = """
    SELECT type, count(*) AS count,
        coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::bigint AS incoming,
        coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::bigint AS outgoing
    FROM wallet_transactions
    WHERE wallet_id = %(wallet_id)s AND sequence BETWEEN %(first)s AND %(last)s
    GROUP BY type ORDER BY type
"""

_BALANCES = """
    SELECT sequence, balance_after FROM wallet_transactions
    WHERE wallet_id = %(wallet_id)s AND sequence = ANY(%(sequences)s::bigint[])
"""


def postings(session: Session, *, wallet_id: UUID, first: int, last: int) -> Iterable[Any]:
    """Oldest first, with all columns of a WalletTransaction."""
    return send(session, _POSTINGS, {"wallet_id": wallet_id, "first": first, "last": last})


def totals(session: Session, *, wallet_id: UUID, first: int, last: int) -> Iterable[Any]:
    """Per type: the count, and the amounts in and out in minor units."""
    return send(session, _TOTALS, {"wallet_id": wallet_id, "first": first, "last": last})


def balances_after(session: Session, *, wallet_id: UUID, sequences: list[int]) -> dict[int, int]:
    """The balance after each of these postings that exists, in minor units."""
    rows = send(session, _BALANCES, {"wallet_id": wallet_id, "sequences": sequences})
    return {row.sequence: row.balance_after for row in rows}
