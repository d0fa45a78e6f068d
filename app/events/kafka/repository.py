"""SQL of messages from Kafka."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.bulk import BulkInsert
from app.events.kafka.models import ReceivedMessage

_INSERT = BulkInsert(
    # In the order of the ids, so that two consumers cannot wait for each other.
    ReceivedMessage,
    tail="ORDER BY new.id ON CONFLICT (id) DO NOTHING RETURNING id",
)


def insert_messages(session: Session, ids: Iterable[UUID]) -> set[UUID]:
    """Insert messages; the ids of those that are new."""
    received_at = clock.now()
    rows = _INSERT.execute(session, [{"id": each, "received_at": received_at} for each in ids])
    return {row.id for row in rows}
