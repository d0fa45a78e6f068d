"""Mails and text messages that prove whose an email address or phone number is."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.handles import phones
from app.auth.handles import service as handles
from app.auth.handles.links import LINKS
from app.auth.handles.models import Purpose
from app.auth.handles.service import RequestedMessage
from app.notifications import mail_config, repository
from app.notifications.messages import NotSendable
from app.notifications.models import Channel
from app.notifications.rows import notification_id, open_message
from app.notifications.texts.content import Button, Content, Data

_TOPICS: Final = {
    Purpose.EMAIL: "email_verification",
    Purpose.EMAIL_CHANGE: "email_verification",
    Purpose.EMAIL_RESTORE: "email_replaced",
    Purpose.EMAIL_REPLACED: "email_replaced",
    Purpose.PHONE: "phone_code",
}
_LABELS: Final = {
    Purpose.EMAIL: "Verify the address",
    Purpose.EMAIL_CHANGE: "Verify the address",
    Purpose.EMAIL_RESTORE: "Undo the change",
}
#: Tells the verified owner of an address that somebody else wants it.
_WANTED: Final = "email_wanted"
TOPICS: Final = frozenset({*_TOPICS.values(), _WANTED})

#: Requests that are processed at a time.
_BATCH: Final = 100


def prepare_messages(session: Session) -> None:
    """Make the messages of new requests. Other requests end here."""
    requested = handles.process_requests(session, limit=_BATCH)
    has_mail = mail_config.server() is not None
    repository.insert_messages(
        session,
        [
            message
            for each in requested
            if (message := _message_of(each)) is not None
            and (has_mail or message["channel"] is Channel.SMS)
        ],
    )


def _message_of(requested: RequestedMessage) -> dict[str, object] | None:
    channel = Channel.SMS if requested.purpose == Purpose.PHONE else Channel.EMAIL
    user_id, address, topic = requested.user_id, requested.handle, _TOPICS[requested.purpose]
    if requested.taken_by is not None:
        if requested.purpose != Purpose.EMAIL_CHANGE:
            return None
        user_id, topic = requested.taken_by, _WANTED
    return open_message(
        channel,
        id=notification_id(requested.id, user_id, channel),
        user_id=user_id,
        topic=topic,
        address=address,
        # Link and code follow from the ID when the message is sent, and are stored nowhere.
        data={
            "id": str(user_id),
            "verificationId": str(requested.id),
            "purpose": requested.purpose.value,
            "isHeld": requested.is_held,
        },
        created_at=requested.created_at,
        due_at=requested.created_at,
    )


def with_proof(content: Content, topic: str, data: Data, *, at: datetime, base: str) -> Content:
    """The text with the link or code. at: when it was requested; base: public address of the
    application.

    Raises NotSendable if the link or code is no longer valid.
    """
    purpose, verification_id = Purpose(data["purpose"]), UUID(data["verificationId"])
    if handles.is_too_old(purpose, at):
        raise NotSendable("the link or code has expired")
    if topic == _TOPICS[Purpose.PHONE]:
        text = f"{phones.code_of(verification_id)} is your code. {content.paragraphs[0]}"
        return replace(content, paragraphs=(text,))
    if topic == _WANTED or purpose not in _LABELS:
        return content
    url = LINKS.url_of(verification_id, base=base)
    return replace(content, button=Button(_LABELS[purpose], url))
