"""The events that the gateway has reported, read again from the gateway."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import marshmallow as ma
import orjson

from app.gateway import client
from app.gateway.errors import GatewayUnavailable
from app.gateway.schemas import StripeEventIn
from app.gateway.types import GatewayEventType


def events_since(since: datetime) -> Iterator[tuple[dict[str, Any], str]]:
    """The events that the gateway has reported since then, each as StripeEventIn with its text, in
    order.

    Raises GatewayNotConfigured, GatewayUnavailable, GatewayRefused.
    """
    for raw in client.list_events(since, types=[each.value for each in GatewayEventType]):
        try:
            yield StripeEventIn().load(raw), orjson.dumps(raw).decode()
        except ma.ValidationError as error:
            raise GatewayUnavailable from error
