"""Parses events of banks and stores them in the inbox."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks.providers import Provider
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


def _minor(amount: Decimal | None, currency: str | None) -> int | None:
    """The amount in minor units; None if there is none, or if its currency cannot express it."""
    if amount is None or currency not in EXPONENTS:
        return None
    try:
        return Money.of(amount, currency).minor
    except AmountInvalid:
        return None
