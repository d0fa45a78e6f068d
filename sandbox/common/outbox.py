"""The table `webhooks`: a transactional outbox, written together with what it reports."""

import random
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.common.config import SimulatorConfig
from sandbox.common.modes import Delivery, Mode, plan_deliveries

_OVERTAKING_SECONDS = 0.1
_MIN_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS = 0.5, 300.0

#: Columns of the table; a simulator may add more.
COLUMNS = """
    type TEXT NOT NULL,
    reference TEXT NOT NULL,
    body TEXT NOT NULL,
    mode TEXT NOT NULL,
    forged INTEGER NOT NULL CHECK (forged IN (0, 1)),
    status TEXT NOT NULL
        CHECK (status IN ('PENDING', 'DELIVERED', 'REFUSED', 'WITHHELD', 'GIVEN_UP')),
    attempts INTEGER NOT NULL DEFAULT 0,
    answer TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    due_at REAL NOT NULL
"""


@dataclass(frozen=True)
class Message:
    """An event to report. render: the JSON body of a delivery. sender: additional columns of the
    table that identify the sender; messages are reordered among those of the same sender."""

    id: str
    type: str
    reference: str
    render: Callable[[Delivery], str]
    sender: Mapping[str, str] = field(default_factory=dict)


def enqueue(
    connection: sqlite3.Connection, config: SimulatorConfig, message: Message, *, mode: Mode
) -> None:
    """Send the message in that mode once this transaction is committed."""
    now = time.time()
    for delivery in plan_deliveries(
        mode,
        now=now,
        slow_seconds=config.slow_seconds,
        overtaking_at=lambda: _overtaking_at(connection, config, message, now),
    ):
        row = {
            **message.sender,
            "message_id": message.id,
            "type": message.type,
            "reference": message.reference,
            "body": message.render(delivery),
            "mode": mode,
            "forged": delivery.forged,
            "status": "WITHHELD" if delivery.withheld else "PENDING",
            "created_at": now,
            "due_at": delivery.due_at,
        }
        names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        # Only column names are formatted, and they are constants.
        connection.execute(f"INSERT INTO webhooks ({names}) VALUES ({values})", row)  # noqa: S608


def _overtaking_at(
    connection: sqlite3.Connection, config: SimulatorConfig, message: Message, now: float
) -> float:
    """The due time of a reordered webhook: before all that are waiting, so the last goes first."""
    query = (
        "SELECT min(due_at) FROM webhooks "
        "WHERE status = 'PENDING' AND mode = :mode AND attempts = 0 AND due_at > :after"
    )
    query += "".join(f" AND {name} = :{name}" for name in message.sender)
    parameters = {"mode": Mode.REORDERED, "after": now + _OVERTAKING_SECONDS, **message.sender}
    (next_due_at,) = connection.execute(query, parameters).fetchone()
    if next_due_at is None:
        return now + config.reorder_seconds
    return float(next_due_at) - _OVERTAKING_SECONDS


def record_response(
    connection: sqlite3.Connection,
    webhook: sqlite3.Row,
    *,
    status: int,
    text: str,
    give_up_seconds: float,
) -> None:
    """Record the merchant's response, and schedule the next attempt unless it is final.

    status: the HTTP status, 0 without a response. A forged webhook is not retried after a
    response.
    """
    attempts = webhook["attempts"] + 1
    now = time.time()
    if 200 <= status < 300:
        outcome = "DELIVERED"
    elif webhook["forged"] and status:
        outcome = "REFUSED"
    elif now - webhook["created_at"] >= give_up_seconds:
        outcome = "GIVEN_UP"
    else:
        outcome = "PENDING"
    connection.execute(
        "UPDATE webhooks SET status = ?, attempts = ?, answer = ?, due_at = ? WHERE id = ?",
        (outcome, attempts, text, now + _backoff_seconds(attempts), webhook["id"]),
    )


def _backoff_seconds(attempts: int) -> float:
    """Exponential backoff with jitter."""
    limit = min(_MIN_BACKOFF_SECONDS * 2 ** min(attempts - 1, 20), _MAX_BACKOFF_SECONDS)
    return random.uniform(limit / 2, limit)  # noqa: S311 - no secret
