"""Mails to people who have forgotten their password."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.password_changes import resets
from app.auth.password_changes.links import LINKS
from app.notifications import mail_config, repository
from app.notifications.messages import NotSendable
from app.notifications.models import Channel
from app.notifications.rows import notification_id, open_message
from app.notifications.texts.content import Button, Content, Data

TOPIC: Final = "password_reset"

#: Requests that are processed at a time.
_BATCH: Final = 100


def prepare_messages(session: Session) -> None:
    """Make the mails of new requests for a new password. Other requests end here."""
    requested = resets.process_requests(session, limit=_BATCH)
    if mail_config.server() is None:
        return
    repository.insert_messages(
        session,
        [
            open_message(
                Channel.EMAIL,
                id=notification_id(reset.id, reset.user_id, Channel.EMAIL),
                user_id=reset.user_id,
                topic=TOPIC,
                # The address follows from the ID when the mail is sent, and is stored nowhere.
                data={"id": str(reset.user_id), "resetId": str(reset.id)},
                created_at=reset.created_at,
                due_at=reset.created_at,
            )
            for reset in requested
        ],
    )


def with_link(content: Content, data: Data, *, at: datetime, base: str) -> Content:
    """The text with the link. at: when it was requested; base: public address of the application.

    Raises NotSendable if the link is no longer valid.
    """
    if resets.is_expired(at):
        raise NotSendable("the link has expired")
    url = LINKS.url_of(UUID(data["resetId"]), base=base)
    return replace(content, button=Button("Set a new password", url))
