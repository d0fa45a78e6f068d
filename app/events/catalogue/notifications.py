"""Notifications."""

from typing import Annotated

from app.events.base import OMITTED, Event, Omitted, event


@event("notification-request", aggregate="user")
class NotificationRequest(Event):
    """A service asks that a user be notified. The aggregate is the user."""

    subject: Annotated[str, "one line, up to 200 characters"]
    text: Annotated[str, "plain text, up to 5,000 characters"]
    link: Annotated[str | Omitted | None, "an https address that the text refers to"] = OMITTED
