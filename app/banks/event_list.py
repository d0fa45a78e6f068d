"""The events that a bank has reported, read again from the bank."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import marshmallow as ma
import orjson

from app.banks import client
from app.banks.client import EventPage
from app.banks.errors import InvalidBankResponse
from app.banks.providers import Provider
from app.banks.schemas import BankEventIn


def events_since(
    provider: Provider, since: datetime
) -> Iterator[tuple[dict[str, Any], str]] | None:
    """The events that the bank has reported since then, each as BankEventIn with its text, in
    order; None if the bank does not list them.

    Raises BankUnavailable, InvalidBankResponse.
    """
    first = client.list_events(provider, since=since, after=None)
    return None if first is None else _all_pages(provider, since, first)


def _all_pages(
    provider: Provider, since: datetime, page: EventPage | None
) -> Iterator[tuple[dict[str, Any], str]]:
    while page is not None:
        last = None
        for raw in page.events:
            event = _parsed(raw)
            last = event["id"]
            yield event, orjson.dumps(raw).decode()
        # A bank that says there is more without an event would be asked forever.
        more = page.has_more and last is not None
        page = client.list_events(provider, since=since, after=last) if more else None


def _parsed(raw: Any) -> dict[str, Any]:
    try:
        event: dict[str, Any] = BankEventIn().load(raw)
    except ma.ValidationError as error:
        raise InvalidBankResponse("an event that is not valid") from error
    if "id" not in event:
        raise InvalidBankResponse("an event without an ID")
    return event
