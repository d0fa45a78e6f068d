"""SQL of the outbox."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.events.models import OutboxEvent


def insert_events(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(insert(OutboxEvent).values(rows))
