"""Payments and refunds as entries between cards and the merchant."""

import sqlite3

from sandbox.common.store import timestamp

_SIDES = {
    "PAYMENT": ("card", "merchant"),
    "REFUND": ("merchant", "card"),
    "REFUND_FAILED": ("card", "merchant"),
}


def record(
    connection: sqlite3.Connection,
    kind: str,
    *,
    reference: str,
    payment_intent: str,
    amount: int,
    currency: str,
) -> None:
    """Add an entry, once per reference. kind: PAYMENT, REFUND or REFUND_FAILED. amount: minor
    units."""
    payer, payee = _SIDES[kind]
    connection.execute(
        """
        INSERT INTO entries (kind, reference, payment_intent, payer, payee, amount, currency,
            booked_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (kind, reference, payment_intent, payer, payee, amount, currency, timestamp()),
    )


def remaining(connection: sqlite3.Connection, *, payment_intent: str) -> int:
    """The part of a payment that was not refunded, in minor units."""
    (total,) = connection.execute(
        """
        SELECT coalesce(sum(CASE payee WHEN 'merchant' THEN amount ELSE -amount END), 0)
        FROM entries WHERE payment_intent = ?
        """,
        (payment_intent,),
    ).fetchone()
    return int(total)


def balances(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Paid, refunded and remaining amounts by currency."""
    return connection.execute(
        """
        SELECT currency,
            sum(CASE kind WHEN 'PAYMENT' THEN amount ELSE 0 END) AS paid,
            sum(CASE kind WHEN 'REFUND' THEN amount WHEN 'REFUND_FAILED' THEN -amount ELSE 0 END)
                AS refunded,
            sum(CASE payee WHEN 'merchant' THEN amount ELSE -amount END) AS remaining
        FROM entries GROUP BY currency ORDER BY currency
        """
    ).fetchall()
