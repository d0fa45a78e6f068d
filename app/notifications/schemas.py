"""Schemas of notifications."""

from typing import Any, Final

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID
from app.common.fields import Choice, Flag, Schema, Timestamp, serializes
from app.common.pagination import PageArgs, page_of
from app.notifications.models import Channel, Kind
from app.notifications.service import MEANINGS, Preference, WrittenNotification
from app.notifications.topics import KINDS

_KIND: Final = {"description": "What it is about", "example": "PURCHASE"}
_IN_APP: Final = {"description": "Whether they are in the feed", "example": True}
_EMAIL: Final = {"description": "Whether they are sent by e-mail", "example": True}
_SMS: Final = {"description": "Whether they are sent as text messages", "example": False}


class NotificationListArgs(PageArgs):
    unread = Flag(
        metadata={"description": "true: unread ones only; false: the others only", "example": True}
    )


class NotificationOut(Schema):
    """A notification, with its text in English and amounts and dates as the user's locale has
    them."""

    id = ma.fields.UUID(required=True)
    kind = Choice(Kind, required=True, metadata=_KIND)
    topic = ma.fields.String(
        required=True,
        metadata={"description": "What exactly happened, for programs", "example": "purchase"},
    )
    title = ma.fields.String(
        required=True,
        metadata={
            "description": "One line",
            "example": "Your order 2611-7KQ4-M2XD from Corner Bakery",
        },
    )
    text = ma.fields.String(
        required=True,
        metadata={"description": "A sentence or more", "example": "Thank you for buying Course."},
    )
    reference_id = ma.fields.UUID(
        required=True,
        metadata={
            "description": "ID of what it is about: the order, payout, transfer, product …",
            "example": EXAMPLE_ID,
        },
    )
    read_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When it was marked as read (UTC); null before"},
    )
    created_at = Timestamp(required=True)


NotificationList = page_of(NotificationOut)


class UnreadCountOut(Schema):
    unread = ma.fields.Integer(
        required=True,
        metadata={"description": "Unread notifications; at most 10,000 are counted", "example": 3},
    )


class NotificationPreferenceOut(Schema):
    """Through which channels a user is notified of a kind."""

    kind = Choice(Kind, required=True, metadata=_KIND)
    description = ma.fields.String(
        required=True,
        metadata={"description": "What the kind contains, for people", "example": "your sales"},
    )
    in_app = ma.fields.Boolean(required=True, metadata=_IN_APP)
    email = ma.fields.Boolean(required=True, metadata=_EMAIL)
    sms = ma.fields.Boolean(required=True, metadata=_SMS)
    required = ma.fields.Boolean(
        required=True,
        metadata={
            "description": "Whether the feed and e-mails cannot be switched off",
            "example": False,
        },
    )


class NotificationPreferencesOut(Schema):
    preferences = ma.fields.List(
        ma.fields.Nested(NotificationPreferenceOut),
        required=True,
        metadata={"description": "One for every kind"},
    )


class NotificationChoiceIn(Schema):
    kind = Choice(Kind, required=True, metadata=_KIND | {"example": "SALE"})
    in_app = Flag(metadata=_IN_APP)
    email = Flag(metadata=_EMAIL | {"example": False})
    sms = Flag(metadata=_SMS)


class SetNotificationPreferencesIn(Schema):
    preferences = ma.fields.List(
        ma.fields.Nested(NotificationChoiceIn),
        required=True,
        validate=ma.validate.Length(1, len(Kind)),
        metadata={
            "description": "The kinds to change. What is left out keeps its value",
            "example": [{"kind": "SALE", "email": False}],
        },
    )


_CHANNELS: Final = {"in_app": Channel.IN_APP, "email": Channel.EMAIL, "sms": Channel.SMS}


def choices_of(body: dict[str, Any]) -> dict[tuple[Kind, Channel], bool]:
    """The choices of a SetNotificationPreferencesIn; the last one counts of a repeated kind."""
    return {
        (Kind(each["kind"]), channel): each[name]
        for each in body["preferences"]
        for name, channel in _CHANNELS.items()
        if name in each
    }


@serializes(NotificationOut)
def notification_out(written: WrittenNotification) -> dict[str, Any]:
    """Serialized as NotificationOut."""
    notification, content = written.notification, written.content
    return {
        "id": notification.id,
        # That of a newer version is not known.
        "kind": KINDS.get(notification.topic, Kind.MESSAGE),
        "topic": notification.topic,
        "title": content.subject,
        "text": "\n\n".join(content.paragraphs),
        "referenceId": written.reference_id,
        "readAt": format_timestamp(notification.read_at),
        "createdAt": format_timestamp(notification.created_at),
    }


@serializes(NotificationPreferenceOut)
def preference_out(preference: Preference) -> dict[str, Any]:
    """Serialized as NotificationPreferenceOut."""
    return {
        "kind": preference.kind,
        "description": MEANINGS[preference.kind],
        "inApp": preference.in_app,
        "email": preference.email,
        "sms": preference.sms,
        "required": preference.required,
    }
