"""SQL of the outbox."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.events.models import OutboxEvent

_INSERT = BulkInsert(OutboxEvent, omit=("sequence", "delivered_at"))


def insert_events(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    write(session, Write(_INSERT, rows))
