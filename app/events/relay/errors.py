"""Why what administrators want to do about held events and sinks is refused."""

from typing import Self
from uuid import UUID

from app.common.errors import Conflict, NotFound


class HeldEventNotFound(NotFound):
    """The sink has received or skipped it, or there is no such sink."""

    code = "HELD_EVENT_NOT_FOUND"
    message = "The sink does not hold this event"


class HeldEventNotFirst(Conflict):
    """It waits for an earlier event of its aggregate. event_id: the first one."""

    code = "HELD_EVENT_NOT_FIRST"
    message = "The event waits for an earlier one of the same record; retry or skip that one first"

    def __init__(self, event_id: UUID) -> None:
        super().__init__(details={"firstEventId": str(event_id)})

    @classmethod
    def example(cls) -> Self:
        return cls(UUID("01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"))


class EventSinkNotFound(NotFound):
    code = "EVENT_SINK_NOT_FOUND"
    message = "There is no sink with this name"


class EventSinkInUse(Conflict):
    """A relay has delivered to it or tried to, or no event has waited for it long enough."""

    code = "EVENT_SINK_IN_USE"
    message = (
        "The sink is in use; remove it from the configuration, and delete it once an event has"
        " waited for it for ten minutes"
    )
