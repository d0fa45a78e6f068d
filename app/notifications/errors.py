"""Errors of notifications."""

from app.common.errors import BadRequest, NotFound


class NotificationNotFound(NotFound):
    code = "NOTIFICATION_NOT_FOUND"
    message = "Notification not found"


class NotificationRequired(BadRequest):
    code = "NOTIFICATION_REQUIRED"
    message = "Security notices cannot be switched off in the feed or by e-mail"


class UnsubscribeLinkInvalid(Exception):
    """We have not signed this link."""
