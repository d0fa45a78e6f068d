"""Turns events into notifications, mails and text messages, in the transaction of the relay.

Texts are made later, when somebody reads the feed or a message is sent, because this runs for every
purchase.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.events.sinks import StoredEvent
from app.notifications import mail_config, repository, topics
from app.notifications.channels import Choices, is_enabled
from app.notifications.models import Channel
from app.notifications.rows import notification_id, open_message
from app.notifications.topics import TYPES, Recipient, facts_of

__all__ = ["TYPES", "handle"]

#: The column of a user that a channel needs.
_ADDRESSES: Final = {Channel.EMAIL: "has_email", Channel.SMS: "has_phone"}


@dataclass(frozen=True, slots=True)
class _Reachable:
    """A user who can be notified."""

    has_email: bool
    has_phone: bool
    choices: Choices


def handle(session: Session, events: Sequence[StoredEvent]) -> None:
    """Notify users of events. Idempotent by the event's ID. Deactivated users are not notified.

    Raises KeyError or ValueError for an event without the fields of its type.
    """
    found = [(event, each) for event in events for each in topics.recipients_of(event)]
    if not found:
        return
    users = _reachable(session, {recipient.user_id for _, recipient in found})
    notifications: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    for event, recipient in found:
        user = users.get(recipient.user_id)
        if user is None:
            continue
        for channel in _channels(user, recipient):
            row: dict[str, Any] = {
                "id": notification_id(event.id, recipient.user_id, channel),
                "user_id": recipient.user_id,
                "topic": recipient.topic,
                "data": facts_of(event),
                "created_at": event.occurred_at,
            }
            if channel is Channel.IN_APP:
                notifications.append(row | {"read_at": None})
            else:
                trace = event.trace_context
                messages.append(
                    open_message(channel, due_at=event.occurred_at, trace_context=trace, **row)
                )
    repository.insert_notifications(session, notifications)
    repository.insert_messages(session, messages)


def _reachable(session: Session, user_ids: set[UUID]) -> dict[UUID, _Reachable]:
    rows = list(repository.list_reachable(session, user_ids))
    choices: dict[UUID, dict[tuple[str, str], bool]] = defaultdict(dict)
    for row in rows:
        if row.kind is not None:
            choices[row.id][row.kind, row.channel] = row.enabled
    return {row.id: _Reachable(row.has_email, row.has_phone, choices[row.id]) for row in rows}


def _channels(user: _Reachable, recipient: Recipient) -> Iterator[Channel]:
    kind = topics.KINDS[recipient.topic]
    for channel in Channel:
        if channel is Channel.EMAIL and mail_config.server() is None:
            continue
        needed = _ADDRESSES.get(channel)
        if (needed is None or getattr(user, needed)) and is_enabled(user.choices, kind, channel):
            yield channel
