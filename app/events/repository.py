"""SQL of the outbox."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.common.db import arrays, as_json, insert_rows
from app.events.models import OutboxEvent

_INSERT = insert_rows(
    OutboxEvent,
    {
        "id": "uuid",
        "type": "text",
        "aggregate_type": "text",
        "aggregate_id": "uuid",
        "data": "jsonb",
        "occurred_at": "timestamptz",
    },
)


def insert_events(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(_INSERT, arrays([row | {"data": as_json(row["data"])} for row in rows]))
