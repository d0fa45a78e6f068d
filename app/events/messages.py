"""What other systems receive: each event as a message of its own type, and some as others as well.

A transfer is one transaction and one event here. Other systems know it by the steps of a payment,
so it is also published as messages of these types, which are derived from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar
from uuid import UUID, uuid5

from app.events import catalogue  # noqa: F401 – declares every type
from app.events.base import EVENT_TYPES, Event, MinorUnits
from app.events.catalogue.notifications import NotificationRequest
from app.events.catalogue.wallets import TransactionFailed, TransferCompleted
from app.events.sinks import StoredEvent

E = TypeVar("E", bound=Event)

#: The types that are derived from events, by name.
DERIVED_TYPES: Final[dict[str, type[Event]]] = {}


def _derived(name: str) -> Callable[[type[E]], type[E]]:
    """Declare a class as the type of derived messages, as `event` declares types of events."""

    def declare(cls: type[E]) -> type[E]:
        declared = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        declared.event_type = name
        declared.aggregate_type = TransferCompleted.aggregate_type
        declared.schema_version = TransferCompleted.schema_version
        DERIVED_TYPES[name] = declared
        return declared

    return declare


@_derived("transaction-initiated")
class TransactionInitiated(Event):
    """A user has asked for a transfer. Published when the outcome is known, and before it."""

    sender_id: UUID
    receiver_id: UUID | None
    amount: MinorUnits
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedStep(Event):
    user_id: UUID
    amount: MinorUnits
    currency: str


@_derived("debit-completed")
class DebitCompleted(CompletedStep):
    """The sender's wallet was debited by a transfer."""


@_derived("credit-completed")
class CreditCompleted(CompletedStep):
    """The receiver's wallet was credited by a transfer."""


@_derived("transaction-completed")
class TransactionCompleted(TransferCompleted):
    """A transfer was completed: the same data as of `transfer-completed`."""


#: The types of messages that other systems send to us.
INBOUND_TYPES: Final = {NotificationRequest.event_type: NotificationRequest}
#: The types of events that other systems receive: all but what they have sent themselves.
PUBLISHED_EVENTS: Final = {
    name: of for name, of in EVENT_TYPES.items() if name not in INBOUND_TYPES
}
#: The types of messages that other systems receive.
OUTBOUND_TYPES: Final[dict[str, type[Event]]] = {**PUBLISHED_EVENTS, **DERIVED_TYPES}
MESSAGE_TYPES: Final[dict[str, type[Event]]] = {**OUTBOUND_TYPES, **INBOUND_TYPES}

Data = Mapping[str, Any]


def _initiated(data: Data) -> Data:
    return {key: data[key] for key in ("senderId", "receiverId", "amount", "currency")}


def _movement_of(party: str) -> Callable[[Data], Data]:
    def movement(data: Data) -> Data:
        return {"userId": data[party], "amount": data["amount"], "currency": data["currency"]}

    return movement


#: By type of event: the messages that precede its own, in order, with their data.
_DERIVED: Final[Mapping[str, Mapping[type[Event], Callable[[Data], Data]]]] = {
    TransferCompleted.event_type: {
        TransactionInitiated: _initiated,
        DebitCompleted: _movement_of("senderId"),
        CreditCompleted: _movement_of("receiverId"),
        TransactionCompleted: lambda data: data,
    },
    TransactionFailed.event_type: {TransactionInitiated: _initiated},
}


def messages_of(event: StoredEvent) -> list[StoredEvent]:
    """The messages as which an event is published, in order.

    Its own has the id of the event. The id of a derived one follows from that and its type, so that
    it is the same each time.
    """
    if event.type not in _DERIVED:
        return [event]
    derived = [
        replace(
            event,
            id=uuid5(event.id, kind.event_type),
            type=kind.event_type,
            schema_version=kind.schema_version,
            data=data_of(event.data),
        )
        for kind, data_of in _DERIVED[event.type].items()
    ]
    return [*derived, event]
