"""Proving the books: every invariant as one query whose rows are defects."""

from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from app.common.db import transaction

_MAX_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that is always true. sql: selects what contradicts it."""

    name: str
    sql: str


INVARIANTS: Final = (
    Invariant(
        "Every journal entry sums to zero per currency",
        """
        SELECT journal_entry_id, currency, sum(amount) FROM wallet_transactions
        GROUP BY journal_entry_id, currency HAVING sum(amount) <> 0
        """,
    ),
    Invariant(
        "All postings together sum to zero per currency",
        "SELECT currency, sum(amount) FROM wallet_transactions"
        " GROUP BY currency HAVING sum(amount) <> 0",
    ),
    Invariant(
        "A wallet's balance is the sum of its postings",
        """
        SELECT w.id, w.balance, coalesce(sum(t.amount), 0) FROM wallets w
        LEFT JOIN wallet_transactions t ON t.wallet_id = w.id
        WHERE w.kind = 'USER' GROUP BY w.id HAVING w.balance <> coalesce(sum(t.amount), 0)
        """,
    ),
    Invariant(
        "Each posting starts where the one before it ended",
        """
        SELECT id FROM (
            SELECT id, amount, balance_before, balance_after,
                lag(balance_after, 1, 0::bigint)
                    OVER (PARTITION BY wallet_id ORDER BY sequence) AS was
            FROM wallet_transactions WHERE sequence IS NOT NULL
        ) AS t WHERE balance_before <> was OR balance_after <> balance_before + amount
        """,
    ),
    Invariant(
        "Sequences are gapless and end at the wallet's",
        """
        SELECT w.id, w.sequence FROM wallets w LEFT JOIN wallet_transactions t ON t.wallet_id = w.id
        WHERE w.kind = 'USER' GROUP BY w.id
        HAVING w.sequence <> count(t.id) OR w.sequence <> coalesce(max(t.sequence), 0)
            OR coalesce(min(t.sequence), 1) <> 1
        """,
    ),
    Invariant(
        "Postings are in the currency of their wallet",
        "SELECT t.id FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id"
        " WHERE t.currency <> w.currency OR (t.sequence IS NULL) <> (w.kind = 'SYSTEM')",
    ),
    Invariant(
        "No user's wallet is below zero; held is between 0 and balance",
        "SELECT id FROM wallets"
        " WHERE kind = 'USER' AND (balance < 0 OR held < 0 OR held > balance)",
    ),
    Invariant(
        "Every user has a wallet",
        "SELECT u.id FROM users u LEFT JOIN wallets w ON w.user_id = u.id WHERE w.id IS NULL",
    ),
    Invariant(
        "Stock: initial + restocked = available + sold, never negative",
        """
        SELECT p.id FROM products p
        LEFT JOIN (SELECT product_id, sum(delta) AS units FROM restocks GROUP BY 1) r
            ON r.product_id = p.id
        LEFT JOIN (SELECT product_id, sum(quantity) AS units FROM orders
                   WHERE status = 'COMPLETED' GROUP BY 1) o ON o.product_id = p.id
        WHERE p.available_units < 0 OR p.initial_units + coalesce(r.units, 0)
            <> p.available_units + coalesce(o.units, 0)
        """,
    ),
    Invariant(
        "A completed order has exactly its postings: buyer debit, merchant credit, fee",
        """
        SELECT o.id FROM orders o
        LEFT JOIN wallets b ON b.user_id = o.user_id AND b.currency = o.currency
        LEFT JOIN wallets m ON m.user_id = o.merchant_id AND m.currency = o.currency
        LEFT JOIN wallet_transactions t ON t.reference_type = 'order' AND t.reference_id = o.id
        WHERE o.status = 'COMPLETED'
        GROUP BY o.id, b.id, m.id
        HAVING coalesce(sum(t.amount) FILTER (WHERE t.type = 'PAYMENT' AND t.wallet_id = b.id), 0)
                <> -o.amount
            OR coalesce(sum(t.amount) FILTER (WHERE t.type = 'EARNING' AND t.wallet_id = m.id), 0)
                <> o.amount
            OR coalesce(sum(t.amount) FILTER (WHERE t.type = 'FEE' AND t.wallet_id = m.id), 0)
                <> -o.fee
            OR count(t.id) <> CASE WHEN o.fee > 0 THEN 4 ELSE 2 END
        """,
    ),
    Invariant(
        "No other order has postings, and no posting names an order that is not there",
        """
        SELECT t.id FROM wallet_transactions t LEFT JOIN orders o ON o.id = t.reference_id
        WHERE t.reference_type = 'order' AND (o.id IS NULL OR o.status <> 'COMPLETED')
        """,
    ),
    Invariant(
        "An order's fee and quantity add up",
        "SELECT id FROM orders WHERE amount <> unit_price * quantity OR fee > amount OR fee < 0",
    ),
    Invariant(
        "An idempotency key has at most one effect",
        """
        SELECT initiator_id, idempotency_key FROM journal_entries
        WHERE idempotency_key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1
        """,
    ),
    Invariant(
        "A remembered success exists; a remembered refusal moved nothing",
        """
        SELECT k.user_id, k.key FROM idempotency_keys k LEFT JOIN journal_entries j
            ON j.initiator_id = k.user_id AND j.idempotency_key = k.key
        WHERE (k.status < 300) <> (j.id IS NOT NULL)
        """,
    ),
    Invariant(
        "Every entry has at least two postings",
        """
        SELECT j.id FROM journal_entries j LEFT JOIN wallet_transactions t
            ON t.journal_entry_id = j.id GROUP BY j.id HAVING count(t.id) < 2
        """,
    ),
    Invariant(
        "Every debit has its order or withdrawal",
        """
        SELECT t.id FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id
        WHERE w.kind = 'USER' AND t.amount < 0 AND t.type <> 'WITHDRAWAL'
            AND (t.reference_type IS DISTINCT FROM 'order' OR t.reference_id IS NULL)
        """,
    ),
    Invariant(
        "Sums per user and window never exceed the limits in force",
        """
        SELECT t.id FROM wallet_transactions t
        JOIN wallets w ON w.id = t.wallet_id JOIN users u ON u.id = w.user_id
        CROSS JOIN (VALUES ('DAY', interval '1 day'), ('MONTH', interval '30 days'))
            AS windows (name, length)
        JOIN LATERAL (
            SELECT amount, updated_at FROM wallet_limits l
            WHERE l.type = t.type AND l."window" = windows.name AND l.currency = t.currency
                AND (l.user_id = u.id OR l.role = u.role)
            ORDER BY l.user_id NULLS LAST LIMIT 1
        ) AS l ON t.created_at > l.updated_at
        WHERE t.type IN ('DEPOSIT', 'WITHDRAWAL') AND l.amount < (
            SELECT sum(abs(s.amount)) FROM wallet_transactions s
            WHERE s.wallet_id = t.wallet_id AND s.type = t.type
                AND s.type IN ('DEPOSIT', 'WITHDRAWAL')
                AND s.created_at > t.created_at - windows.length AND s.sequence <= t.sequence)
        """,
    ),
    Invariant(
        "Every money operation has its outbox row",
        """
        SELECT t.id FROM wallet_transactions t LEFT JOIN outbox_events e
            ON e.aggregate_id = t.wallet_id AND e.type = 'balance-updated'
            AND e.data->>'transactionId' = t.id::text
        WHERE t.sequence IS NOT NULL AND e.id IS NULL
        UNION ALL
        SELECT o.id FROM orders o LEFT JOIN outbox_events e
            ON e.aggregate_id = o.id AND e.type = 'order-completed'
        WHERE o.status = 'COMPLETED' AND e.id IS NULL
        """,
    ),
    Invariant(
        "An order's times fit its status",
        """
        SELECT id FROM orders
        WHERE (status IN ('COMPLETED', 'REFUNDED')) <> (completed_at IS NOT NULL)
            OR (status = 'FAILED') <> (failed_at IS NOT NULL)
        """,
    ),
    Invariant(
        "At most one live refresh token per session",
        "SELECT session_id FROM refresh_tokens WHERE used_at IS NULL"
        " GROUP BY 1 HAVING count(*) > 1",
    ),
)


#: What connections of requests are denied, and who reads everything needs.
_WHOLE_TABLES: Final = (
    "statement_timeout = 0",
    "enable_seqscan = on",
    "enable_hashjoin = on",
    "enable_mergejoin = on",
)


def violations() -> list[tuple[Invariant, list[str]]]:
    """Each invariant with the rows that contradict it, all seen in one snapshot."""
    with transaction(serializable=True) as session:
        for setting in _WHOLE_TABLES:
            session.execute(text(f"SET LOCAL {setting}"))
        return [
            (invariant, [str(tuple(row)) for row in session.execute(text(invariant.sql))])
            for invariant in INVARIANTS
        ]


def report() -> int:
    """Print every invariant with its count of defects; 0 when there is none, else 1."""
    console = Console()
    table = Table("Invariant", "Defects")
    found = violations()
    for invariant, rows in found:
        table.add_row(invariant.name, f"[red]{len(rows)}[/]" if rows else "[green]0[/]")
    console.print(table)
    broken = [(invariant, rows) for invariant, rows in found if rows]
    for invariant, rows in broken:
        console.print(f"[red]{invariant.name}[/]:", *rows[:_MAX_SHOWN], sep="\n  ")
    console.print(
        f"{len(broken)} of {len(found)} invariants broken."
        if broken
        else f"All {len(found)} invariants hold."
    )
    return 1 if broken else 0
