"""CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec), the form of every message."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.common import clock
from app.events.sinks import StoredEvent

MEDIA_TYPE: Final = "application/cloudevents+json"

#: Sequences of an aggregate are compared as text, so all of them have as many digits.
_SEQUENCE_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class CloudEvents:
    """Formats the messages of an installation.

    source: its public address; schemas: the address of `GET /events/schemas`, both without a slash
    at the end.
    """

    source: str
    schemas: str

    def format(self, message: StoredEvent) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": str(message.id),
            "source": self.source,
            "type": message.type,
            "subject": f"{message.aggregate_type}/{message.aggregate_id}",
            "time": clock.format_timestamp(message.occurred_at),
            "datacontenttype": "application/json",
            "dataschema": schema_address(self.schemas, message.type, message.schema_version),
            # https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/sequence.md
            "sequence": f"{message.version:0{_SEQUENCE_DIGITS}}",
            # https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/distributed-tracing.md
            **({} if message.trace_context is None else {"traceparent": message.trace_context}),
            "data": dict(message.data),
        }

    def serialize(self, message: StoredEvent) -> bytes:
        return orjson.dumps(self.format(message))


def schema_address(schemas: str, name: str, version: int) -> str:
    """The address of the JSON Schema of a type's data. schemas: as of CloudEvents."""
    return f"{schemas}/{name}?version={version}"


#: The attributes of a message, without `data`.
ENVELOPE: Final[dict[str, Any]] = {
    "type": "object",
    "required": [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "dataschema",
        "sequence",
        "data",
    ],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "format": "uuid",
            "description": "The same each time the message is delivered",
        },
        "source": {
            "type": "string",
            "format": "uri-reference",
            "description": "Public address of the installation",
        },
        "type": {"type": "string", "description": "Type of the message, and name of its topic"},
        "subject": {
            "type": "string",
            "pattern": "^[a-z_]+/[0-9a-f-]{36}$",
            "description": "What it happened to: the type of the aggregate and its ID",
        },
        "time": {"type": "string", "format": "date-time", "description": "When it happened (UTC)"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {
            "type": "string",
            "format": "uri",
            "description": "JSON Schema of `data`, with its version",
        },
        "sequence": {
            "type": "string",
            "pattern": f"^[0-9]{{{_SEQUENCE_DIGITS}}}$",
            "description": "Position among the events of the subject, from 1 and without gaps;"
            " messages derived from an event have that of the event",
        },
        "traceparent": {
            "type": "string",
            "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            "description": "The span of the request that it comes from (W3C Trace Context), if that"
            " was traced",
        },
        "data": {"type": "object"},
    },
}
