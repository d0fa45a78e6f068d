"""HTTP of the documentation of events: the schema of each type, and the AsyncAPI document."""

from functools import cache

import flask
from flask import Response

from app.common.http import Blueprint, etag_response, settings
from app.common.json_format import dump_json
from app.common.openapi import path_parameter
from app.events import async_api, json_schema
from app.events.cloud_events import schema_address
from app.events.errors import EventTypeNotFound
from app.events.messages import MESSAGE_TYPES
from app.events.schemas import EventSchemaArgs, EventTypesOut

blp = Blueprint(
    "events", __name__, url_prefix="/events/schemas", description="What other systems receive"
)
#: Beside the OpenAPI document.
docs_blp = flask.Blueprint("async-api", __name__, url_prefix="/api")

#: They change with the version of the application only.
_CACHE_CONTROL = "public, max-age=3600"


@blp.get("")
@blp.response(200, EventTypesOut)
def list_event_schemas() -> Response:
    """List event types

    What webhooks, Kafka and Redis Streams deliver, with the address of the JSON Schema of each.
    `/api/asyncapi.json` describes the same as topics.
    """
    schemas = schemas_address()
    rows = [
        {
            "type": name,
            "aggregate": kind.aggregate_type,
            "version": kind.schema_version,
            "description": json_schema.description_of(kind),
            "schemaUrl": schema_address(schemas, name, kind.schema_version),
        }
        for name, kind in sorted(MESSAGE_TYPES.items())
    ]
    return _cached(dump_json({"data": rows}))


@blp.get(
    "/<string:event_type>",
    parameters=[path_parameter("event_type", "Name of the type")],
)
@blp.arguments(EventSchemaArgs, location="query")
@blp.response(200, {"type": "object"}, content_type=json_schema.MEDIA_TYPE)
@blp.errors(EventTypeNotFound)
def get_event_schema(args: dict[str, int], event_type: str) -> Response:
    """Get the JSON Schema of an event type

    Describes the `data` of its CloudEvents, whose `dataschema` is this address. Fields may be added
    without a new version.
    """
    kind = MESSAGE_TYPES.get(event_type)
    if kind is None or args.get("version", kind.schema_version) != kind.schema_version:
        raise EventTypeNotFound
    address = schema_address(schemas_address(), event_type, kind.schema_version)
    response = _cached(dump_json(json_schema.document_of(kind, address)))
    response.content_type = json_schema.MEDIA_TYPE
    return response


@docs_blp.get("/asyncapi.json")
def asyncapi() -> Response:
    """The AsyncAPI document."""
    return _cached(_asyncapi_document(schemas_address()))


@cache
def _asyncapi_document(schemas: str) -> bytes:
    return dump_json(async_api.document(schemas=schemas))


def schemas_address() -> str:
    """The address of `GET /events/schemas`."""
    return f"{settings().api_address}/events/schemas"


def _cached(body: bytes) -> Response:
    response = etag_response(body)
    response.headers["Cache-Control"] = _CACHE_CONTROL
    return response
