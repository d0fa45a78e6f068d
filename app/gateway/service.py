"""Paying at a gateway: for how long, where to come back to, and what the gateway tells us.

`client` calls it. Nothing is stored here: its events go to the inbox, where orders subscribe to
`checkout`, `payment_intent` and `refund`.
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
from app.gateway import client, terms
from app.gateway.terms import CheckoutState, NotUnderstood, RefundState
from app.inbox import service as inbox
from app.inbox.errors import ReferenceUnknown, SignatureInvalid
from app.inbox.models import InboundEvent

#: Who speaks, in the inbox.
PROVIDER: Final = "STRIPE"
#: How far a message's time may be from ours: what was overheard is of no use later.
TOLERANCE: Final = timedelta(minutes=5)

#: Stripe counts the least life of a checkout from when it hears of it, and we from before.
_LEEWAY: Final = timedelta(minutes=1)
_SIGNATURE: Final = re.compile(r"[a-z0-9]+=[!-+\--~]*(,[a-z0-9]+=[!-+\--~]*)*")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Terms:
    """How this shop has people pay. life: of a checkout; urls: where the payer's browser goes
    afterwards, with `{order}` where the order's id belongs."""

    life: timedelta
    success_url: str
    cancel_url: str


_terms: Terms | None = None


def configure(terms_of_shop: Terms) -> None:
    """Make these the terms of this process."""
    global _terms
    _terms = terms_of_shop


def expiry() -> datetime:
    """When a checkout that is opened now shall end: pass it to `open_checkout`, and keep what is
    reserved as long."""
    return clock.now() + _configured().life + _LEEWAY


def return_urls(order_id: UUID) -> tuple[str, str]:
    """Where the payer's browser goes after paying, and instead of it."""
    shop = _configured()
    success, cancel = (
        url.replace("{order}", str(order_id)) for url in (shop.success_url, shop.cancel_url)
    )
    return success, cancel


def verify(header: str, body: bytes) -> None:
    """Make sure that the gateway has signed `body`, not long ago. Raises SignatureInvalid.

    header: `Stripe-Signature`, empty if it was not sent. The library compares the signatures; the
    rest of the header is looked at here, because it would take a time of the future, and half a
    dozen kinds of nonsense raise half a dozen kinds of error in it.
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
    secrets = client.require_account().webhook_secrets
    if not any(client.is_signed(header, body, secret=secret) for secret in secrets):
        raise SignatureInvalid("FORGED")


def receive(session: Session, event: Mapping[str, Any], *, body: str) -> tuple[str, UUID | None]:
    """Store an event that the gateway has signed; what became of it, and the id of its row if it
    is new: `stored`, `repeated`, `ignored` (we have no use for it) or `unknown_reference`.

    event: as StripeEventIn; body: the signed text. Raises BadRequest.
    """
    kind: str = event["type"]
    account = client.require_account()
    if event["livemode"] is not account.is_live:
        _log.warning("gateway event of another mode", event_id=event["id"], type=kind)
        return "ignored", None
    try:
        told = terms.read_event(kind, event["data"]["object"])
    except NotUnderstood as error:
        raise BadRequest(details={"data": [str(error)]}) from error
    if told is None:
        return "ignored", None
    if told.reference is None:
        return _unknown(event["id"], told)
    try:
        stored = inbox.receive(
            session,
            provider=PROVIDER,
            event_id=event["id"],
            event_type=kind,
            body=body,
            reference=str(told.reference),
            amount=told.money.minor if told.money else None,
            currency=told.money.currency if told.money else None,
            user_id=None,
            provider_reference=told.payment_intent_id,
            reason=told.reason,
        )
    except ReferenceUnknown:
        return _unknown(event["id"], told)
    return ("repeated" if stored is None else "stored"), stored


def _unknown(event_id: str, told: terms.Told) -> tuple[str, None]:
    _log.warning(
        "gateway event of something unknown",
        event_id=event_id,
        type=told.kind,
        reference=str(told.reference),
        payment_intent=told.payment_intent_id,
    )
    return "unknown_reference", None


def checkout_told(event: InboundEvent) -> CheckoutState:
    """How the checkout of a `checkout.…` event stood when it was sent. Raises NotUnderstood."""
    return terms.read_checkout_state(_object(event))


def refund_told(event: InboundEvent) -> RefundState:
    """How the refund of a `refund.…` event stood when it was sent. Raises NotUnderstood.

    Events overtake each other: `look_up_refund` says how it stands now.
    """
    return terms.read_refund_state(_object(event), refund_id=UUID(event.reference))


def _object(event: InboundEvent) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(event.body)["data"]["object"]
    return found


def _configured() -> Terms:
    if _terms is None:
        raise RuntimeError("No gateway is configured: call gateway.configure() first.")
    return _terms
