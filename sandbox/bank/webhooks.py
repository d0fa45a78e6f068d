"""The bank's webhooks."""

import json
import secrets
import sqlite3
from dataclasses import dataclass

from sandbox.bank.config import Config, Provider
from sandbox.common import outbox
from sandbox.common.modes import Delivery, Mode
from sandbox.common.money import format_decimal
from sandbox.common.store import timestamp


@dataclass(frozen=True)
class Event:
    """What happened. amount: minor units. user_id: None for a payout."""

    type: str
    reference: str
    amount: int
    currency: str
    user_id: str | None
    bank_reference: str
    reason: str | None = None


def enqueue(
    connection: sqlite3.Connection, config: Config, provider: Provider, event: Event, *, mode: Mode
) -> None:
    """Report the event in that mode once this transaction is committed."""
    message_id = f"evt_{secrets.token_hex(12)}"
    created_at = timestamp()

    def render(delivery: Delivery) -> str:
        return _body(message_id, event, delivery, created_at=created_at)

    message = outbox.Message(
        message_id, event.type, event.reference, render, sender={"bank": provider.code}
    )
    outbox.enqueue(connection, config, message, mode=mode)


def _body(message_id: str, event: Event, delivery: Delivery, *, created_at: str) -> str:
    amount = event.amount * 10 if delivery.wrong_amount else event.amount
    return json.dumps(
        {
            "id": message_id,
            "type": event.type,
            "createdAt": created_at,
            "data": {
                "reference": event.reference,
                "amount": format_decimal(amount, event.currency),
                "currency": event.currency,
                "userId": secrets.token_hex(16) if delivery.forged else event.user_id,
                "bankReference": event.bank_reference,
                "reason": event.reason,
            },
        }
    )


def pending(connection: sqlite3.Connection, config: Config) -> list[sqlite3.Row]:
    """Webhooks to send, in the order in which they are due."""
    return connection.execute(
        """
        SELECT * FROM webhooks
        WHERE status = 'PENDING' AND bank IN (SELECT value FROM json_each(?))
        ORDER BY due_at, id LIMIT 200
        """,
        (config.codes,),
    ).fetchall()


def recent(connection: sqlite3.Connection, *, bank: str) -> list[sqlite3.Row]:
    """The latest webhooks, newest first."""
    return connection.execute(
        "SELECT * FROM webhooks WHERE bank = ? ORDER BY id DESC LIMIT 20", (bank,)
    ).fetchall()


def reported(
    connection: sqlite3.Connection, *, bank: str, since: float, after: str | None, limit: int
) -> tuple[list[str], bool]:
    """The bodies of the events since then, oldest first, and whether there are more. after: id of
    the last event of the page before. Forged webhooks are none of the bank's."""
    rows = connection.execute(
        """
        SELECT min(id) AS first, body FROM webhooks
        WHERE bank = :bank AND created_at >= :since AND NOT forged
        GROUP BY message_id
        HAVING :after IS NULL
            OR first > (SELECT min(id) FROM webhooks WHERE message_id = :after)
        ORDER BY first LIMIT :limit
        """,
        {"bank": bank, "since": since, "after": after, "limit": limit + 1},
    ).fetchall()
    return [row["body"] for row in rows[:limit]], len(rows) > limit
