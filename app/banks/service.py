"""Parses events of banks and stores them in the inbox; fetches those that were lost."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import marshmallow as ma
import orjson
from sqlalchemy.orm import Session

from app.banks import client
from app.banks.client import EventPage
from app.banks.errors import InvalidBankResponse
from app.banks.providers import Provider
from app.banks.schemas import BankEventIn
from app.common.money import EXPONENTS, AmountInvalid, Money
from app.inbox import service as inbox


def receive(
    session: Session,
    event: Mapping[str, Any],
    *,
    provider: Provider,
    event_id: str,
    body: str,
    keeps_unknown: bool = False,
) -> UUID | None:
    """Store an event that `provider` has signed. Returns the id of its row, None if it is a repeat.

    event: as BankEventIn; event_id: the signed id; body: the signed text; keeps_unknown: as for
    the inbox. Raises ReferenceUnknown.
    """
    data = event["data"]
    return inbox.receive(
        session,
        provider=provider.code,
        event_id=event_id,
        event_type=event["type"],
        body=body,
        reference=data["reference"],
        amount=_minor(data["amount"], data["currency"]),
        currency=data["currency"],
        user_id=data["user_id"],
        provider_reference=data["bank_reference"],
        reason=data["reason"],
        keeps_unknown=keeps_unknown,
    )


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


def _minor(amount: Decimal | None, currency: str | None) -> int | None:
    """The amount in minor units; None if there is none, or if its currency cannot express it."""
    if amount is None or currency not in EXPONENTS:
        return None
    try:
        return Money.of(amount, currency).minor
    except AmountInvalid:
        return None
