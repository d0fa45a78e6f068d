"""Schemas of webhook endpoints."""

from typing import Any, Final

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID
from app.common.fields import Choice, Flag, Id, Schema, Text, Timestamp, WholeNumber, serializes
from app.common.pagination import PageArgs, page_of
from app.webhooks import signing
from app.webhooks.addresses import MAX_URL_LENGTH, UrlInvalid, parse_url
from app.webhooks.catalogue import WebhookEventType, WebhookMessageType, described
from app.webhooks.models import (
    ApiVersion,
    DeliveryStatus,
    DisabledBecause,
    EndpointStatus,
    WebhookEndpoint,
)
from app.webhooks.replays import Progress, ReplayStatus
from app.webhooks.service import MAX_OVERLAP_DAYS, NewSecret

_MAX_SELECTION: Final = 100

_URL: Final = {
    "description": "Where events are sent: `https://` and a public host",
    "example": "https://shop.example.com/webhooks",
}
_EVENT_TYPES: Final = {
    "description": "The types of events that are sent; null for all, with those of later versions:"
    + "".join(
        f"\n* `{name}`: {when} `id` is that of the {what}." for name, what, when in described()
    ),
    "example": ["order-completed", "order-refunded"],
}
_API_VERSION: Final = {"description": "Version of the bodies", "example": "v1"}
_IS_THIN: Final = {
    "description": "Whether only the type and the ID are sent, and no data",
    "example": False,
}
_DESCRIPTION: Final = {"example": "Shop server"}
_SECRET: Final = {
    "description": "Verifies the `v1` signatures; returned only in this response",
    "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
}


def _event_types(**options: Any) -> ma.fields.List[str]:
    return ma.fields.List(
        Choice(WebhookEventType), allow_none=True, metadata=_EVENT_TYPES, **options
    )


class WebhookUrl(ma.fields.String):
    """A URL that webhooks can be sent to."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Length(1, MAX_URL_LENGTH), metadata=_URL, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        url = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            parse_url(url)
        except UrlInvalid as error:
            raise ma.ValidationError(str(error)) from error
        return url


class CreateWebhookEndpointIn(Schema):
    url = WebhookUrl(required=True)
    description = Text(max_length=200, load_default=None, allow_none=True, metadata=_DESCRIPTION)
    event_types = _event_types(load_default=None, validate=ma.validate.Length(1, 100))
    api_version = Choice(ApiVersion, load_default=ApiVersion.V1.value, metadata=_API_VERSION)
    is_thin = Flag(load_default=False, metadata=_IS_THIN)


class UpdateWebhookEndpointIn(Schema):
    url = WebhookUrl()
    description = Text(max_length=200, allow_none=True, metadata=_DESCRIPTION)
    event_types = _event_types(validate=ma.validate.Length(1, 100))
    api_version = Choice(ApiVersion, metadata=_API_VERSION)
    is_thin = Flag(metadata=_IS_THIN)
    status = Choice(
        EndpointStatus,
        metadata={"description": "DISABLED: events are only kept, for a replay"},
    )


class WebhookEndpointOut(Schema):
    """Where a merchant's events are sent."""

    id = ma.fields.UUID(required=True)
    url = ma.fields.String(required=True, metadata=_URL)
    description = ma.fields.String(required=True, allow_none=True, metadata=_DESCRIPTION)
    event_types = ma.fields.List(
        ma.fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "The types of events that are sent; null for all"},
    )
    api_version = Choice(ApiVersion, required=True, metadata=_API_VERSION)
    is_thin = ma.fields.Boolean(required=True, metadata=_IS_THIN)
    status = Choice(EndpointStatus, required=True, metadata={"example": "ENABLED"})
    disabled_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When it was disabled (UTC); null while it is enabled"},
    )
    disabled_because = Choice(
        DisabledBecause,
        required=True,
        allow_none=True,
        metadata={
            "description": "MERCHANT: by its merchant; GONE: it answered 410; FAILING: all"
            " deliveries failed for five days; null while it is enabled"
        },
    )
    failures = ma.fields.Integer(
        required=True,
        metadata={"description": "Failed attempts since the last success", "example": 0},
    )
    failing_since = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When the first of these failed (UTC); null without"},
    )
    paused_until = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When it is sent the next request (UTC); null for no pause"},
    )
    public_keys = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={
            "description": "Verify the `v1a` signatures, any of them; also published at"
            " `/.well-known/webhook-keys/{id}`",
            "example": ["whpk_Jo2vVfXJ3yz0Xn6aTSzC3ZLTkFyJ1Vq1m0p0vEzw0hU="],
        },
    )
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


WebhookEndpointList = page_of(WebhookEndpointOut)


class CreatedWebhookEndpointOut(WebhookEndpointOut):
    """A new endpoint with its secret."""

    secret = ma.fields.String(required=True, metadata=_SECRET)


class RotateWebhookSecretIn(Schema):
    overlap_days = WholeNumber(
        required=True,
        minimum=0,
        maximum=MAX_OVERLAP_DAYS,
        metadata={
            "description": "Days for which deliveries are signed with the secrets until now as"
            f" well, up to {MAX_OVERLAP_DAYS}; 0 ends all of them immediately",
            "example": 1,
        },
    )


class WebhookSecretOut(Schema):
    """A new secret of an endpoint."""

    secret = ma.fields.String(required=True, metadata=_SECRET)
    previous_expires_at = Timestamp(
        required=True,
        metadata={"description": "Until when deliveries are signed with the last one too (UTC)"},
    )


class WebhookDeliveryFilters(PageArgs):
    status = Choice(DeliveryStatus, metadata={"description": "Only deliveries with this state"})
    event_type = Choice(WebhookEventType, metadata={"description": "Only events of this type"})
    object_id = Id(
        metadata={
            "description": "Only events of this object, such as an order: those whose `data.id` is"
            " this ID"
        }
    )


class WebhookDeliveryOut(Schema):
    """An event for an endpoint."""

    id = ma.fields.UUID(required=True)
    message_id = ma.fields.UUID(
        required=True,
        metadata={"description": "`webhook-id` of every attempt: the ID of the event"},
    )
    type = Choice(
        WebhookMessageType,
        required=True,
        metadata={"description": "Type of the event, or `ping`", "example": "order-completed"},
    )
    status = Choice(
        DeliveryStatus,
        required=True,
        metadata={
            "description": "WAITING for its next attempt; HELD back until an earlier event of the"
            " same object is delivered or has failed; DELIVERED; FAILED after the last attempt;"
            " SKIPPED because the endpoint was disabled",
            "example": "DELIVERED",
        },
    )
    attempts = ma.fields.Integer(
        required=True,
        metadata={"description": "Attempts since it was recorded or replayed", "example": 1},
    )
    next_attempt_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When the next attempt is due (UTC); null without one"},
    )
    finished_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When it was delivered, or has failed (UTC); null before"},
    )
    replay_id = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of the last replay that contains it; null for none"},
    )
    created_at = Timestamp(required=True)


WebhookDeliveryList = page_of(WebhookDeliveryOut)


class WebhookDeliveryDetailsOut(WebhookDeliveryOut):
    """A delivery with its body."""

    body = ma.fields.String(
        required=True,
        metadata={
            "description": "The JSON that is sent, and signed, byte for byte",
            "example": '{"type":"order-completed","timestamp":"2026-11-21T09:30:00.000Z","data":'
            f'{{"id":"{EXAMPLE_ID}","amount":"17.50","currency":"USD"}}}}',
        },
    )


class WebhookAttemptOut(Schema):
    """A request to an endpoint."""

    id = ma.fields.UUID(required=True)
    started_at = Timestamp(required=True, metadata={"description": "When it began (UTC)"})
    duration = ma.fields.Integer(
        required=True, metadata={"description": "Milliseconds", "example": 84}
    )
    status_code = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Status of the response; null without one", "example": 204},
    )
    error = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Why it failed; null if it succeeded",
            "example": "Answered with 500.",
        },
    )
    excerpt = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Beginning of the response; null without", "example": "ok"},
    )


WebhookAttemptList = page_of(WebhookAttemptOut)


class CreateWebhookReplayIn(Schema):
    delivery_ids = ma.fields.List(
        Id(),
        validate=ma.validate.Length(1, _MAX_SELECTION),
        metadata={
            "description": f"The deliveries, at most {_MAX_SELECTION}. Send these or `from`",
            "example": [EXAMPLE_ID],
        },
    )
    since = Timestamp(
        data_key="from",
        metadata={
            "description": "Deliveries recorded from this time on",
            "example": "2026-11-20T00:00:00Z",
        },
    )
    until = Timestamp(
        data_key="to",
        metadata={
            "description": "Deliveries recorded before this time; now by default",
            "example": "2026-11-21T00:00:00Z",
        },
    )
    status = Choice(
        DeliveryStatus,
        metadata={
            "description": "Only deliveries of the period with this state, such as FAILED or"
            " SKIPPED"
        },
    )


class WebhookReplayOut(Schema):
    """A request to deliver again."""

    id = ma.fields.UUID(required=True)
    status = Choice(
        ReplayStatus,
        required=True,
        metadata={
            "description": "RUNNING until all of its deliveries were delivered or have failed",
            "example": "RUNNING",
        },
    )
    total = ma.fields.Integer(
        required=True, metadata={"description": "Deliveries found so far", "example": 120}
    )
    waiting = ma.fields.Integer(
        required=True, metadata={"description": "Deliveries not ended yet", "example": 20}
    )
    delivered = ma.fields.Integer(
        required=True, metadata={"description": "Deliveries that succeeded", "example": 99}
    )
    failed = ma.fields.Integer(
        required=True, metadata={"description": "Deliveries that have failed", "example": 1}
    )
    created_at = Timestamp(required=True)


WebhookReplayList = page_of(WebhookReplayOut)


@serializes(WebhookEndpointOut)
def endpoint_out(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Serialized as WebhookEndpointOut."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "eventTypes": endpoint.event_types,
        "apiVersion": endpoint.api_version,
        "isThin": endpoint.is_thin,
        "status": endpoint.status,
        "disabledAt": format_timestamp(endpoint.disabled_at),
        "disabledBecause": endpoint.disabled_because,
        "failures": endpoint.failures,
        "failingSince": format_timestamp(endpoint.failing_since),
        "pausedUntil": format_timestamp(endpoint.paused_until),
        "publicKeys": signing.public_keys(endpoint.id),
        "createdAt": format_timestamp(endpoint.created_at),
        "updatedAt": format_timestamp(endpoint.updated_at),
    }


@serializes(CreatedWebhookEndpointOut)
def created_endpoint_out(created: NewSecret) -> dict[str, Any]:
    """Serialized as CreatedWebhookEndpointOut."""
    return endpoint_out(created.endpoint) | {"secret": created.secret}


@serializes(WebhookReplayOut)
def replay_out(progress: Progress) -> dict[str, Any]:
    """Serialized as WebhookReplayOut."""
    replay = progress.replay
    return {
        "id": replay.id,
        "status": progress.status.value,
        "total": replay.total,
        "waiting": progress.waiting,
        "delivered": progress.delivered,
        "failed": progress.failed,
        "createdAt": format_timestamp(replay.created_at),
    }
