"""SQL of the outbox."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.common.driver import as_rows, insert_rows, send

_INSERT = insert_rows(
    "outbox_events",
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
    send(session, _INSERT, as_rows(rows))
