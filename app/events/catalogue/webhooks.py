"""Webhook endpoints."""

from typing import Annotated
from uuid import UUID

from app.events.base import Event, event


@event("webhook-endpoint-disabled", aggregate="webhook_endpoint")
class WebhookEndpointDisabled(Event):
    """A webhook endpoint was disabled because it said that it is gone, or kept failing."""

    merchant_id: UUID
    url: str
    because: Annotated[str, "`GONE` or `FAILING`"]
