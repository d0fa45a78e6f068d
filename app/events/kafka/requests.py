"""Reads requests of other systems: CloudEvents in JSON."""

from typing import Final
from uuid import UUID, uuid5

import marshmallow as ma
import orjson

from app.events.catalogue.notifications import NotificationRequest
from app.events.kafka.schemas import NotificationRequestIn

#: Longer messages are not parsed.
MAX_BYTES: Final = 64 * 1024

#: Of the ids of messages, made from what identifies a CloudEvent.
_MESSAGES: Final = UUID("019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b")
_SCHEMA: Final = NotificationRequestIn()


class InvalidMessage(Exception):
    """The message is not a request as documented. The text says why, without its content."""


def parse(message: bytes | None) -> tuple[UUID, NotificationRequest]:
    """The id of a message, and the request in it. Raises InvalidMessage."""
    if message is None or len(message) > MAX_BYTES:
        raise InvalidMessage(f"the message is empty, or longer than {MAX_BYTES} bytes")
    try:
        read = _SCHEMA.load(orjson.loads(message))
    except orjson.JSONDecodeError:
        raise InvalidMessage("the message is not JSON") from None
    except ma.ValidationError as error:
        raise InvalidMessage(str(error.messages)) from None
    data = read["data"]
    request = NotificationRequest(
        aggregate_id=data.pop("user_id"),
        **{name: value for name, value in data.items() if value is not None},
    )
    return uuid5(_MESSAGES, f"{read['source']}\n{read['id']}"), request
