"""The types of events that webhook endpoints receive, and the bodies that are sent.

A body is `{"type", "timestamp", "data"}`, as Standard Webhooks recommends. The data are those of
the event in docs/events.md, with `id` for what it happened to, and with amounts as the API has
them: decimal strings of the currency.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, get_args, get_origin
from uuid import UUID

from app.common.clock import format_timestamp
from app.common.json_format import dump_json
from app.common.money import format_minor
from app.events.base import EVENT_TYPES, Event, camel_case, data_fields
from app.events.catalogue import banks, delivery, orders, products, wallets, webhooks

#: Larger bodies are sent as thin ones.
MAX_BODY_BYTES: Final = 20_000
#: The type of test messages, which is no event.
PING: Final = "ping"

_MINOR_UNITS: Final = "minor units"


def _with(owner: str, *events: type[Event]) -> Iterator[tuple[type[Event], str]]:
    for event in events:
        yield event, owner


#: The events that concern a merchant, each with the field that names the merchant.
_OWNERS: Final[dict[type[Event], str]] = dict(
    (
        *_with(
            "merchant_id",
            orders.OrderPending,
            orders.OrderUnderReview,
            orders.OrderRejected,
            orders.OrderCompleted,
            orders.OrderPaymentFailed,
            orders.OrderFailed,
            orders.OrderCancelled,
            orders.OrderRefunded,
            orders.RefundSettled,
            orders.RefundRedirected,
            orders.RefundPaidExternally,
            orders.RefundRequested,
            orders.RefundRequestApproved,
            orders.RefundRequestDeclined,
            orders.RefundRequestWithdrawn,
            orders.GiveawayCreated,
            orders.GiveawayClosed,
            delivery.ProductFileUploaded,
            delivery.ProductFileRemoved,
            delivery.FileDownloaded,
            delivery.DownloadsReset,
            delivery.CodesUploaded,
            delivery.CodeRemoved,
            delivery.CodesRevoked,
            delivery.CodeRevoked,
            delivery.CodeReissued,
            delivery.LicenceActivated,
            delivery.LicenceDeactivated,
            delivery.LicenceRevoked,
            delivery.LicenceReissued,
            delivery.LicenceLimitReached,
            delivery.LicenceTermsChanged,
            delivery.LicenceTermsApplied,
            products.StockLow,
            webhooks.WebhookEndpointDisabled,
        ),
        *_with("user_id", banks.PayoutSubmitted, banks.PayoutPaid, banks.PayoutRefused),
        *_with(
            "requester_id",
            wallets.PaymentRequestCreated,
            wallets.PaymentRequestPaid,
            wallets.PaymentRequestDeclined,
            wallets.PaymentRequestCancelled,
            wallets.PaymentRequestExpired,
        ),
        *_with("receiver_id", wallets.TransferCompleted),
        *_with("payee_id", wallets.HoldPlaced, wallets.HoldCaptured, wallets.HoldReleased),
    )
)


@dataclass(frozen=True, slots=True)
class WebhookType:
    """A type of events. owner: the key in its data that names the merchant; amounts: the keys of
    amounts in minor units."""

    owner: str
    amounts: frozenset[str]


def _amounts(event: type[Event]) -> frozenset[str]:
    return frozenset(
        camel_case(name)
        for name, annotation in data_fields(event).items()
        if get_origin(annotation) is Annotated and _MINOR_UNITS in get_args(annotation)[1:]
    )


#: Every type by its name.
WEBHOOK_TYPES: Final = {
    event.event_type: WebhookType(camel_case(owner), _amounts(event))
    for event, owner in _OWNERS.items()
}

#: The same names for schemas.
WebhookEventType = StrEnum(  # type: ignore[misc]
    "WebhookEventType", {name.replace("-", "_").upper(): name for name in WEBHOOK_TYPES}
)

#: As above, with that of test messages.
WebhookMessageType = StrEnum(  # type: ignore[misc]
    "WebhookMessageType",
    {name.replace("-", "_").upper(): name for name in (*WEBHOOK_TYPES, PING)},
)


def merchant_of(event_type: str, data: Mapping[str, Any]) -> UUID | None:
    """The merchant whom an event concerns, None if it concerns none."""
    found = data.get(WEBHOOK_TYPES[event_type].owner)
    return None if found is None else UUID(str(found))


def body(
    event_type: str,
    occurred_at: datetime,
    *,
    aggregate_id: UUID,
    data: Mapping[str, Any],
    is_thin: bool,
) -> str:
    """The body that reports an event, as JSON of less than MAX_BODY_BYTES.

    data: of the event; is_thin: with the id only.
    """
    sent: dict[str, Any] = {"id": str(aggregate_id)}
    if not is_thin:
        sent |= _with_amounts(event_type, data)
    message = {"type": event_type, "timestamp": format_timestamp(occurred_at), "data": sent}
    serialized = dump_json(message)
    if len(serialized) >= MAX_BODY_BYTES:
        message["data"] = {"id": sent["id"]}
        serialized = dump_json(message)
    return serialized.decode()


def _with_amounts(event_type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with amounts as the API has them."""
    amounts = WEBHOOK_TYPES[event_type].amounts if event_type in WEBHOOK_TYPES else ()
    changed = {
        key: format_minor(data[key], data["currency"])
        for key in amounts
        if data.get(key) is not None
    }
    return {**data, **changed}


def described() -> Sequence[tuple[str, str, str]]:
    """Every type with what `id` is the id of, and when it is sent."""
    return [
        (
            name,
            EVENT_TYPES[name].aggregate_type.replace("_", " "),
            " ".join((EVENT_TYPES[name].__doc__ or "").split()),
        )
        for name in WEBHOOK_TYPES
    ]
