"""The outbox: what is still to be told to the merchant, written with what it tells."""

import json
import random
import secrets
import sqlite3
import time
from dataclasses import dataclass, replace

from sandbox.bank.config import Config, Provider
from sandbox.bank.modes import Mode
from sandbox.bank.money import plain
from sandbox.bank.store import timestamp

_COPIES = 3
_AFTER_FORGERY_SECONDS = 0.5
_OVERTAKING_SECONDS = 0.1
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 300.0


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
    match mode:
        case Mode.SLOW:
            outgoing.add(event, due_at=now + config.slow_seconds)
        case Mode.DUPLICATE:
            for _ in range(_COPIES):
                outgoing.add(event, due_at=now)
        case Mode.REORDERED:
            outgoing.add(event, due_at=_ahead_of_the_waiting(connection, config, provider, now))
        case Mode.FORGED:
            # The same id: whoever notes ids before looking at signatures drops the genuine one.
            forgery = replace(event, amount=event.amount * 10, user_id=secrets.token_hex(16))
            outgoing.add(forgery, due_at=now, forged=True)
            outgoing.add(event, due_at=now + _AFTER_FORGERY_SECONDS)
        case Mode.WRONG_AMOUNT:
            outgoing.add(replace(event, amount=event.amount * 10), due_at=now)
        case Mode.SILENT:
            outgoing.add(event, due_at=now, status="WITHHELD")
        case Mode.NORMAL:
            outgoing.add(event, due_at=now)


@dataclass(frozen=True)
class _Outgoing:
    connection: sqlite3.Connection
    provider: Provider
    mode: Mode
    message_id: str

    def add(
        self, event: Event, *, due_at: float, forged: bool = False, status: str = "PENDING"
    ) -> None:
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
                forged,
                status,
                time.time(),
                due_at,
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
        (provider.code, Mode.REORDERED, now + _OVERTAKING_SECONDS),
    ).fetchone()
    return now + config.reorder_seconds if next_due is None else next_due - _OVERTAKING_SECONDS


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


def note_answer(
    connection: sqlite3.Connection, config: Config, webhook: sqlite3.Row, *, status: int, text: str
) -> None:
    """Write down what the merchant answered, and when to try again unless that settles it.

    status: of HTTP, 0 when there was no answer. A forgery is not repeated once it was answered.
    """
    attempts = webhook["attempts"] + 1
    now = time.time()
    if 200 <= status < 300:
        outcome = "DELIVERED"
    elif webhook["forged"] and status:
        outcome = "REFUSED"
    elif now - webhook["created_at"] >= config.give_up_seconds:
        outcome = "GIVEN_UP"
    else:
        outcome = "PENDING"
    connection.execute(
        "UPDATE webhooks SET status = ?, attempts = ?, answer = ?, due_at = ? WHERE id = ?",
        (outcome, attempts, text, now + _pause(attempts), webhook["id"]),
    )


def _pause(attempts: int) -> float:
    """Twice as long each time; half of it by chance, so that not everybody comes back at once."""
    longest = min(_FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, 20), _LONGEST_PAUSE_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - no secret
