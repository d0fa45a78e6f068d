"""Money: what cards have paid and were given back, as entries between cards and the merchant."""

import sqlite3

from sandbox.common.store import timestamp

_SIDES = {
    "PAYMENT": ("card", "merchant"),
    "REFUND": ("merchant", "card"),
    "REFUND_FAILED": ("card", "merchant"),
}


def book(
    connection: sqlite3.Connection,
    kind: str,
    *,
    reference: str,
    payment_intent: str,
    amount: int,
    currency: str,
) -> None:
    """Move money, once for each reference. kind: PAYMENT, REFUND or REFUND_FAILED; amount: minor
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


def kept(connection: sqlite3.Connection, *, payment_intent: str) -> int:
    """What the merchant still has of a payment, in minor units."""
    (total,) = connection.execute(
        """
        SELECT coalesce(sum(CASE payee WHEN 'merchant' THEN amount ELSE -amount END), 0)
        FROM entries WHERE payment_intent = ?
        """,
        (payment_intent,),
    ).fetchone()
    return int(total)


def balances(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """By currency: what was paid, what was given back, and what the merchant has."""
    return connection.execute(
        """
        SELECT currency,
            sum(CASE kind WHEN 'PAYMENT' THEN amount ELSE 0 END) AS paid,
            sum(CASE kind WHEN 'REFUND' THEN amount WHEN 'REFUND_FAILED' THEN -amount ELSE 0 END)
                AS refunded,
            sum(CASE payee WHEN 'merchant' THEN amount ELSE -amount END) AS kept
        FROM entries GROUP BY currency ORDER BY currency
        """
    ).fetchall()
