"""Errors of events."""

from app.common.errors import NotFound


class EventTypeNotFound(NotFound):
    code = "EVENT_TYPE_NOT_FOUND"
    message = "There is no event type of this name and version"
