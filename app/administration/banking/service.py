"""On-ramps, payouts and inbound events, as administrators see them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.administration.banking import repository
from app.auth.models import User
from app.common.csv_export import CsvBatch
from app.common.ids import parse_id
from app.common.pagination import Page, PageRequest
from app.inbox.errors import ADVICE, RETRYABLE
from app.inbox.models import InboundEvent, InboundEventStatus
from app.onramp.models import Onramp
from app.payouts.bank_accounts.models import BankAccount
from app.payouts.models import Payout

#: What an event is about, by its topic.
SUBJECTS: Final = {
    "payment": "onramp",
    "payout": "payout",
    "checkout": "order",
    "payment_intent": "order",
    "refund": "refund",
}
#: Statuses in which `last_error` is a QuarantineReason.
_CONTRADICTING: Final = (InboundEventStatus.QUARANTINED, InboundEventStatus.DISMISSED)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An inbound event, and what to do about it.

    subject_type: of our record, which it is about: onramp, payout, order or refund; subject_id:
    None if we have no such record.
    """

    event: InboundEvent
    subject_type: str | None
    subject_id: UUID | None

    @property
    def currency(self) -> str | None:
        return self.event.currency

    @property
    def quarantine_reason(self) -> str | None:
        """A QuarantineReason; None if the event has not been quarantined."""
        return self.event.last_error if self.event.status in _CONTRADICTING else None

    @property
    def advice(self) -> str | None:
        """What an administrator does about it; None if it is not quarantined."""
        is_quarantined = self.event.status == InboundEventStatus.QUARANTINED
        return ADVICE.get(self.event.last_error or "") if is_quarantined else None

    @property
    def can_retry(self) -> bool:
        is_quarantined = self.event.status == InboundEventStatus.QUARANTINED
        return is_quarantined and self.event.last_error in RETRYABLE


@dataclass(frozen=True, slots=True)
class PayoutRecord:
    """A payout with its quarantined events."""

    payout: Payout
    bank_account: BankAccount
    user: User
    quarantined: Sequence[EventRecord]

    @property
    def currency(self) -> str:
        return self.payout.currency


@dataclass(frozen=True, slots=True)
class OnrampRecord:
    """An on-ramp with its quarantined events."""

    onramp: Onramp
    user: User
    quarantined: Sequence[EventRecord]

    @property
    def currency(self) -> str:
        return self.onramp.currency


#: The cells of a row of each export.
EXPORTED_PAYOUTS: Final = repository.PAYOUTS.cells
EXPORTED_ONRAMPS: Final = repository.ONRAMPS.cells
EXPORTED_EVENTS: Final = repository.EVENTS.cells


def list_payouts(session: Session, page: PageRequest, **filters: Any) -> Page[PayoutRecord]:
    """Payouts, newest first.

    filters: within, when they were created; user_id, provider, status, flagged; reference, ours or
    the bank's.
    """
    found = repository.PAYOUTS.read_page(session, page, **filters)
    ids = {(payout.provider, str(payout.id)): payout.id for payout, *_ in found.data}
    events = _quarantined_events(session, "payout", ids)
    return found.with_data(
        PayoutRecord(payout, account, user, events[payout.id])
        for payout, account, user in found.data
    )


def export_payouts(session: Session, **filters: Any) -> CsvBatch:
    """A batch of all payouts of the list. filters: as of `list_payouts`, with limit and below."""
    return repository.PAYOUTS.read_csv(session, **filters)


def list_onramps(session: Session, page: PageRequest, **filters: Any) -> Page[OnrampRecord]:
    """On-ramps, newest first.

    filters: within, when they were created; user_id, provider, status, quarantined; reference, ours
    or the bank's.
    """
    found = repository.ONRAMPS.read_page(session, page, **filters)
    ids = {(onramp.provider, onramp.token): onramp.id for onramp, _ in found.data}
    events = _quarantined_events(session, "onramp", ids)
    return found.with_data(
        OnrampRecord(onramp, user, events[onramp.id]) for onramp, user in found.data
    )


def _quarantined_events(
    session: Session, subject_type: str, ids: Mapping[tuple[str, str], UUID]
) -> Mapping[UUID, Sequence[EventRecord]]:
    """The quarantined events of records. ids: of the records, by provider and our reference."""
    found: defaultdict[UUID, list[EventRecord]] = defaultdict(list)
    for event in repository.list_quarantined_events(session, list(ids)):
        subject_id = ids[event.provider, event.reference]
        found[subject_id].append(EventRecord(event, subject_type, subject_id))
    return found


def export_onramps(session: Session, **filters: Any) -> CsvBatch:
    """A batch of all on-ramps of the list. filters: as of `list_onramps`, with limit and below."""
    return repository.ONRAMPS.read_csv(session, **filters)


def list_events(session: Session, page: PageRequest, **filters: Any) -> Page[EventRecord]:
    """Events, newest first.

    filters: within, when they were received; provider, status; reference, ours or the provider's.
    """
    found = repository.EVENTS.read_page(session, page, **filters)
    return found.with_data(records_of(session, found.data))


def export_events(session: Session, **filters: Any) -> CsvBatch:
    """A batch of all events of the list. filters: as of `list_events`, with limit and below."""
    return repository.EVENTS.read_csv(session, **filters)


def records_of(session: Session, events: Sequence[InboundEvent]) -> list[EventRecord]:
    """The events with the records of ours that they are about."""
    kinds = {event.id: SUBJECTS.get(event.topic) for event in events}
    tokens = [(e.provider, e.reference) for e in events if kinds[e.id] == "onramp"]
    onramps = repository.get_onramp_ids(session, tokens) if tokens else {}

    def subject_id(event: InboundEvent) -> UUID | None:
        if kinds[event.id] == "onramp":
            return onramps.get((event.provider, event.reference))
        return parse_id(event.reference)

    return [EventRecord(event, kinds[event.id], subject_id(event)) for event in events]
