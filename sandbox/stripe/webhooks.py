"""The outbox: events that are still to be told to the merchant, written with what they tell."""

import copy
import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from sandbox.common import outbox
from sandbox.common.modes import Delivery, Mode, deliveries
from sandbox.stripe import behaviour, ids
from sandbox.stripe.config import Config

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Event:
    """What happened. obj: what it is about, as it is now; amount: the field of it that tells how
    much."""

    type: str
    obj: dict[str, Any]
    amount: str


def enqueue(
    connection: sqlite3.Connection, config: Config, event: Event, *, mode: Mode | None
) -> None:
    """Have the event told once this transaction is committed. mode: None as the gateway is set."""
    mode = mode or behaviour.mode(connection)
    message_id = ids.new("evt_")
    now = time.time()
    for delivery in deliveries(
        mode,
        now=now,
        slow_seconds=config.slow_seconds,
        overtaking=lambda: _ahead_of_the_waiting(connection, config, now),
    ):
        _insert(connection, event, delivery, mode=mode, message_id=message_id, now=now)


def _insert(
    connection: sqlite3.Connection,
    event: Event,
    delivery: Delivery,
    *,
    mode: Mode,
    message_id: str,
    now: float,
) -> None:
    obj = copy.deepcopy(event.obj)
    if delivery.tenfold:
        obj[event.amount] *= 10
    body = {
        "id": message_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(now),
        "data": {"object": obj},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event.type,
    }
    connection.execute(
        """
        INSERT INTO webhooks (message_id, type, reference, body, mode, forged, status, created_at,
            due_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            message_id,
            event.type,
            obj["id"],
            json.dumps(body),
            mode,
            delivery.forged,
            "WITHHELD" if delivery.withheld else "PENDING",
            now,
            delivery.due_at,
        ),
    )


def _ahead_of_the_waiting(connection: sqlite3.Connection, config: Config, now: float) -> float:
    """When to send a reordered webhook: before all those that wait already, the last one first."""
    (next_due,) = connection.execute(
        """
        SELECT min(due_at) FROM webhooks
        WHERE status = 'PENDING' AND mode = ? AND attempts = 0 AND due_at > ?
        """,
        outbox.overtakable(now),
    ).fetchone()
    return outbox.ahead_of(next_due, now=now, reorder_seconds=config.reorder_seconds)


def pending(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """What is still to be sent, in the order in which it is due."""
    return connection.execute(
        "SELECT * FROM webhooks WHERE status = 'PENDING' ORDER BY due_at, id LIMIT 200"
    ).fetchall()


def recent(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """The last ones, newest first."""
    return connection.execute("SELECT * FROM webhooks ORDER BY id DESC LIMIT 20").fetchall()
