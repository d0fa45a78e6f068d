"""The outbox: what is still to be told to the merchant, written with what it tells."""

import json
import secrets
import sqlite3
import time
from dataclasses import dataclass, replace

from sandbox.bank.config import Config, Provider
from sandbox.common import outbox
from sandbox.common.modes import Delivery, Mode, deliveries
from sandbox.common.money import plain
from sandbox.common.store import timestamp


@dataclass(frozen=True)
class Event:
    """What happened. amount: minor units. user_id: none for a payout."""

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
    """Have the event told in the manner of the mode, once this transaction is committed."""
    outgoing = _Outgoing(connection, provider, mode, message_id=f"evt_{secrets.token_hex(12)}")
    now = time.time()
    for delivery in deliveries(
        mode,
        now=now,
        slow_seconds=config.slow_seconds,
        overtaking=lambda: _ahead_of_the_waiting(connection, config, provider, now),
    ):
        amount = event.amount * 10 if delivery.tenfold else event.amount
        user_id = secrets.token_hex(16) if delivery.forged else event.user_id
        outgoing.add(replace(event, amount=amount, user_id=user_id), delivery)


@dataclass(frozen=True)
class _Outgoing:
    connection: sqlite3.Connection
    provider: Provider
    mode: Mode
    message_id: str

    def add(self, event: Event, delivery: Delivery) -> None:
        body = {
            "id": self.message_id,
            "type": event.type,
            "createdAt": timestamp(),
            "data": {
                "reference": event.reference,
                "amount": plain(event.amount, event.currency),
                "currency": event.currency,
                "userId": event.user_id,
                "bankReference": event.bank_reference,
                "reason": event.reason,
            },
        }
        self.connection.execute(
            """
            INSERT INTO webhooks (message_id, bank, type, reference, body, mode, forged, status,
                created_at, due_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                self.message_id,
                self.provider.code,
                event.type,
                event.reference,
                json.dumps(body),
                self.mode,
                delivery.forged,
                "WITHHELD" if delivery.withheld else "PENDING",
                time.time(),
                delivery.due_at,
            ),
        )


def _ahead_of_the_waiting(
    connection: sqlite3.Connection, config: Config, provider: Provider, now: float
) -> float:
    """When to send a reordered webhook: before all those that wait already, the last one first."""
    (next_due,) = connection.execute(
        """
        SELECT min(due_at) FROM webhooks
        WHERE bank = ? AND status = 'PENDING' AND mode = ? AND attempts = 0 AND due_at > ?
        """,
        (provider.code, *outbox.overtakable(now)),
    ).fetchone()
    return outbox.ahead_of(next_due, now=now, reorder_seconds=config.reorder_seconds)


def pending(connection: sqlite3.Connection, config: Config) -> list[sqlite3.Row]:
    """What is still to be sent, in the order in which it is due."""
    return connection.execute(
        """
        SELECT * FROM webhooks
        WHERE status = 'PENDING' AND bank IN (SELECT value FROM json_each(?))
        ORDER BY due_at, id LIMIT 200
        """,
        (config.codes,),
    ).fetchall()


def recent(connection: sqlite3.Connection, *, bank: str) -> list[sqlite3.Row]:
    """The last ones, newest first."""
    return connection.execute(
        "SELECT * FROM webhooks WHERE bank = ? ORDER BY id DESC LIMIT 20", (bank,)
    ).fetchall()
