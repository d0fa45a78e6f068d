"""New rows of notifications and messages."""

from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from app.notifications.models import Channel, MessageStatus

#: The bits of a UUID version 7 that follow its variant, all of them random.
_HASHED_BITS: Final = 62


def notification_id(event_id: UUID, user_id: UUID, channel: Channel) -> UUID:
    """The ID of what an event sends to a user through a channel: the same however often the event
    is handled.

    A UUID version 7 with the time of the event, so that it sorts like others.
    """
    hashed = sha256(event_id.bytes + user_id.bytes + channel.encode()).digest()
    low = int.from_bytes(hashed) >> (256 - _HASHED_BITS)
    return UUID(int=(event_id.int >> _HASHED_BITS << _HASHED_BITS) | low)


def open_message(
    channel: Channel,
    *,
    due_at: datetime,
    address: str | None = None,
    trace_context: str | None = None,
    **values: Any,
) -> dict[str, Any]:
    """The row of a new message. values: id, user_id, topic, data, created_at."""
    return values | {
        "channel": channel,
        "address": address,
        "status": MessageStatus.PENDING,
        "attempts": 0,
        "next_attempt_at": due_at,
        "problem": None,
        "closed_at": None,
        "trace_context": trace_context,
    }
