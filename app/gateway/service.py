"""Paying at the gateway: how long a session lasts, where payers return to, and its events.

`client` calls the gateway. Nothing is stored here: its events go to the inbox, where orders
subscribe to `checkout`, `payment_intent` and `refund`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from sqlalchemy.orm import Session

from app.common import clock
from app.common.errors import BadRequest
from app.common.process_state import Slot
from app.gateway import client, parsing
from app.gateway.errors import InvalidGatewayObject
from app.gateway.types import (
    CheckoutSessionState,
    GatewayEvent,
    GatewayRefund,
)
from app.inbox import service as inbox
from app.inbox.errors import ReferenceUnknown, SignatureInvalid
from app.inbox.models import InboundEvent

#: The gateway's code in the inbox.
PROVIDER: Final = "STRIPE"
#: How far a signature's time may be from ours, so that a recorded webhook cannot be replayed later.
TOLERANCE: Final = timedelta(minutes=5)

#: Stripe counts the minimum duration from when the request arrives, which is later than now.
_LEEWAY: Final = timedelta(minutes=1)
_SIGNATURE: Final = re.compile(r"[a-z0-9]+=[!-+\--~]*(,[a-z0-9]+=[!-+\--~]*)*")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CheckoutSettings:
    """The settings of checkouts. ttl: of a checkout session; urls: where the payer's browser goes
    afterwards, with `{order}` instead of the order's id; None: to the page of the order, below the
    public_address."""

    ttl: timedelta
    success_url: str | None
    cancel_url: str | None
    public_address: str


checkout_settings: Final[Slot[CheckoutSettings]] = Slot("checkout settings")


def new_session_expiry() -> datetime:
    """When a session that is created now expires: for `create_checkout_session`, and for what is
    reserved for it."""
    return clock.now() + checkout_settings().ttl + _LEEWAY


def return_urls(order_id: UUID, *, page: str) -> tuple[str, str]:
    """Where the payer's browser goes after paying, and after cancelling. page: of the order."""
    settings = checkout_settings()
    success = settings.success_url or page
    cancel = settings.cancel_url or f"{page}?outcome=cancelled"
    return success.replace("{order}", str(order_id)), cancel.replace("{order}", str(order_id))


def verify_signature(header: str, body: bytes) -> None:
    """Verify that the gateway has signed `body` recently. Raises SignatureInvalid.

    header: `Stripe-Signature`, empty if it was not sent. The library compares the signatures. The
    rest of the header is checked here, because the library accepts a time in the future and raises
    half a dozen kinds of error for malformed headers.
    """
    if not header:
        raise SignatureInvalid("MISSING")
    if not _SIGNATURE.fullmatch(header):
        raise SignatureInvalid("MALFORMED")
    parts = [part.partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in parts if name == "t"]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]) or "v1" not in dict(parts):
        raise SignatureInvalid("MALFORMED")
    if abs(clock.now().timestamp() - int(times[0])) > TOLERANCE.total_seconds():
        raise SignatureInvalid("STALE")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise SignatureInvalid("MALFORMED") from error
    secrets = client.require_config().webhook_secrets
    if not any(client.is_signed(header, body, secret=secret) for secret in secrets):
        raise SignatureInvalid("FORGED")


def receive(
    session: Session, event: Mapping[str, Any], *, body: str, keeps_unknown: bool = False
) -> tuple[str, UUID | None]:
    """Store an event that the gateway has signed. Returns its outcome, and the id of a new row.

    The outcome is `stored`, `repeated`, `ignored` (an event that is not handled here) or
    `unknown_reference`. event: as StripeEventIn; body: the signed text; keeps_unknown: as for the
    inbox. Raises BadRequest.
    """
    config = client.require_config()
    if event["livemode"] is not config.is_live:
        _log.warning("gateway event of another mode", event_id=event["id"], type=event["type"])
        return "ignored", None
    try:
        parsed = parsing.parse_event(event["type"], event["data"]["object"])
    except InvalidGatewayObject as error:
        raise BadRequest(details={"data": [str(error)]}) from error
    if parsed is None:
        return "ignored", None
    if parsed.reference is None:
        return _unknown_reference(event["id"], parsed)
    try:
        stored = inbox.receive(
            session,
            provider=PROVIDER,
            event_id=event["id"],
            event_type=parsed.type.value,
            body=body,
            reference=str(parsed.reference),
            amount=parsed.money.minor if parsed.money else None,
            currency=parsed.money.currency if parsed.money else None,
            user_id=None,
            provider_reference=parsed.payment_intent_id,
            reason=parsed.reason,
            keeps_unknown=keeps_unknown,
        )
    except ReferenceUnknown:
        return _unknown_reference(event["id"], parsed)
    return ("repeated" if stored is None else "stored"), stored


def _unknown_reference(event_id: str, event: GatewayEvent) -> tuple[str, None]:
    _log.warning(
        "gateway event with an unknown reference",
        event_id=event_id,
        type=event.type.value,
        reference=str(event.reference),
        payment_intent=event.payment_intent_id,
    )
    return "unknown_reference", None


def checkout_session_of(event: InboundEvent) -> CheckoutSessionState:
    """The session of a `checkout.…` event, as it was when the event was sent.

    Raises InvalidGatewayObject.
    """
    return parsing.parse_checkout_session_state(_object_of(event))


def refund_of(event: InboundEvent) -> GatewayRefund:
    """The refund of a `refund.…` event, as it was when the event was sent.

    Events may arrive out of order: `retrieve_refund` returns the current state.
    Raises InvalidGatewayObject.
    """
    return parsing.parse_refund(_object_of(event), refund_id=UUID(event.reference))


def _object_of(event: InboundEvent) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(event.body)["data"]["object"]
    return found
