"""The gateway's webhooks."""

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from sandbox.common import outbox
from sandbox.common.modes import Delivery, Mode
from sandbox.stripe import behaviour, ids
from sandbox.stripe.config import Config

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Event:
    """What happened. obj: the current state of the object. amount_field: its field that states the
    amount."""

    type: str
    obj: dict[str, Any]
    amount_field: str


def enqueue(
    connection: sqlite3.Connection, config: Config, event: Event, *, mode: Mode | None
) -> None:
    """Report the event once this transaction is committed. mode: None for the gateway's mode."""
    message_id = ids.new("evt_")
    created = int(time.time())

    def render(delivery: Delivery) -> str:
        return _body(message_id, event, delivery, created=created)

    outbox.enqueue(
        connection,
        config,
        outbox.Message(message_id, event.type, event.obj["id"], render),
        mode=mode or behaviour.get_mode(connection),
    )


def _body(message_id: str, event: Event, delivery: Delivery, *, created: int) -> str:
    factor = 10 if delivery.wrong_amount else 1
    obj = event.obj | {event.amount_field: event.obj[event.amount_field] * factor}
    return json.dumps(
        {
            "id": message_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": created,
            "data": {"object": obj},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": event.type,
        }
    )


def pending(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Webhooks to send, in the order in which they are due."""
    return connection.execute(
        "SELECT * FROM webhooks WHERE status = 'PENDING' ORDER BY due_at, id LIMIT 200"
    ).fetchall()


def recent(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """The latest webhooks, newest first."""
    return connection.execute("SELECT * FROM webhooks ORDER BY id DESC LIMIT 20").fetchall()


def list_events(
    connection: sqlite3.Connection,
    *,
    since: float,
    types: list[str],
    after: str | None,
    limit: int,
) -> tuple[list[dict[str, Any]], bool]:
    """A page of events since then, newest first, and whether there are more. types: empty for all;
    after: id of the last event of the page before. Forged webhooks are none of the gateway's."""
    rows = connection.execute(
        """
        SELECT min(id) AS first, body FROM webhooks
        WHERE created_at >= :since AND NOT forged
            AND (:types = '[]' OR type IN (SELECT value FROM json_each(:types)))
        GROUP BY message_id
        HAVING :after IS NULL
            OR first < (SELECT min(id) FROM webhooks WHERE message_id = :after)
        ORDER BY first DESC LIMIT :limit
        """,
        {"since": since, "types": json.dumps(types), "after": after, "limit": limit + 1},
    ).fetchall()
    return [json.loads(row["body"]) for row in rows[:limit]], len(rows) > limit
