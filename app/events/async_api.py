"""The AsyncAPI 3 document: every topic, and the messages in it."""

from typing import Any, Final

from app import VERSION
from app.common.settings import PRODUCT_NAME
from app.events.base import Event
from app.events.cloud_events import ENVELOPE, MEDIA_TYPE, schema_address
from app.events.json_schema import description_of, schema_of
from app.events.messages import INBOUND_TYPES, MESSAGE_TYPES, OUTBOUND_TYPES

_DESCRIPTION: Final = """\
What happens in this installation, as CloudEvents 1.0 in JSON. Each type of message has a topic of
its name in Kafka, and a stream `events:` and its name in Redis, as far as these are configured.

Messages arrive at least once, so keep the `id` of what you have handled. Those of one subject are
published in the order of `sequence`; in Kafka the key is the ID of the subject.
"""

#: What we accept from other systems: all that CloudEvents requires.
_INBOUND_ENVELOPE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "minLength": 1,
            "description": "Unique per `source`: a second message with it has no effect",
        },
        "source": {
            "type": "string",
            "minLength": 1,
            "description": "The service that sends it",
        },
        "type": {"type": "string"},
        "data": {"type": "object"},
    },
}


def document(*, schemas: str) -> dict[str, Any]:
    """The document. schemas: the address of `GET /events/schemas`."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": PRODUCT_NAME,
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": {name: _channel(name, kind) for name, kind in MESSAGE_TYPES.items()},
        "operations": {
            **{f"send-{name}": _operation("send", name) for name in OUTBOUND_TYPES},
            **{f"receive-{name}": _operation("receive", name) for name in INBOUND_TYPES},
        },
        "components": {
            "messages": {
                name: _message(name, kind, schemas) for name, kind in MESSAGE_TYPES.items()
            },
            "schemas": {
                "cloud-event": ENVELOPE,
                "inbound-cloud-event": _INBOUND_ENVELOPE,
                **{name: schema_of(kind) for name, kind in MESSAGE_TYPES.items()},
            },
        },
    }


def _channel(name: str, kind: type[Event]) -> dict[str, Any]:
    return {
        "address": name,
        "description": description_of(kind),
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": {"topic": name}},
    }


def _operation(action: str, name: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{name}"}}


def _message(name: str, kind: type[Event], schemas: str) -> dict[str, Any]:
    inbound = name in INBOUND_TYPES
    envelope = "inbound-cloud-event" if inbound else "cloud-event"
    properties: dict[str, Any] = {
        "type": {"const": name},
        "data": {"$ref": f"#/components/schemas/{name}"},
    }
    if not inbound:
        properties["dataschema"] = {"const": schema_address(schemas, name, kind.schema_version)}
    return {
        "name": name,
        "title": name,
        "summary": description_of(kind),
        "contentType": MEDIA_TYPE,
        "payload": {
            "allOf": [
                {"$ref": f"#/components/schemas/{envelope}"},
                {"type": "object", "properties": properties},
            ]
        },
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}}},
    }
