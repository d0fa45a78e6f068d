"""Schemas of payouts, on-ramps and inbound events, as administrators see them."""

from enum import StrEnum
from typing import Any, Final

import marshmallow as ma

from app.administration.banking.service import SUBJECTS
from app.administration.schemas import id_filter
from app.auth.user_summaries import UserSummaryOut
from app.banks.types import BankEventType
from app.common.csv_documents import CsvArgs
from app.common.fields import Choice, DayOrTime, Flag, MoneyOut, Schema, Text, Timestamp
from app.common.pagination import SortablePageArgs, page_of
from app.common.time_range import TimeRangeArgs
from app.gateway.types import GatewayEventType
from app.inbox.errors import QuarantineReason
from app.inbox.models import InboundEventStatus
from app.onramp.models import OnrampStatus
from app.payouts.models import PayoutStatus
from app.payouts.schemas import PayoutOut

_BOTH_REFERENCES: Final = {
    "description": "Only with this reference, exactly: the bank's, ours at the bank, or the ID",
    "example": "HDFC-7F3A21",
}


def _provider_filter(text: str) -> Text:
    return Text(max_length=50, metadata={"description": text, "example": "HDFC"})


def _status_filter(statuses: type[StrEnum], text: str) -> ma.fields.String:
    return ma.fields.String(
        validate=ma.validate.OneOf(list(statuses)), metadata={"description": text}
    )


class _BankFilters(TimeRangeArgs):
    user_id = id_filter("Only those of this user")
    provider = _provider_filter("Only those through this bank")
    reference = Text(max_length=200, metadata=_BOTH_REFERENCES)


class _PayoutFilters(_BankFilters):
    status = _status_filter(PayoutStatus, "Only payouts with this status")
    flagged = Flag(metadata={"description": "Only payouts that need attention, or that do not"})


class AllPayoutsArgs(SortablePageArgs, _PayoutFilters):
    pass


class ExportPayoutsArgs(CsvArgs, _PayoutFilters):
    pass


class _OnrampFilters(_BankFilters):
    status = _status_filter(OnrampStatus, "Only on-ramps with this status")
    quarantined = Flag(
        load_default=False,
        metadata={"description": "Only on-ramps of which the bank's report is quarantined"},
    )


class AllOnrampsArgs(SortablePageArgs, _OnrampFilters):
    pass


class ExportOnrampsArgs(CsvArgs, _OnrampFilters):
    pass


class _EventFilters(TimeRangeArgs):
    since = DayOrTime(
        data_key="from", metadata={"description": "Received from this day or time on"}
    )
    until = DayOrTime(
        data_key="to", metadata={"description": "Received before this day or time (exclusive)"}
    )
    provider = _provider_filter("Only events of this bank; STRIPE for the payment gateway")
    status = _status_filter(InboundEventStatus, "Only events with this status")
    reference = Text(
        max_length=200,
        metadata={
            "description": "Only events with this reference, exactly: the provider's, the token of"
            " an on-ramp, or the ID of a payout, order or refund",
            "example": "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11",
        },
    )


class InboundEventsArgs(SortablePageArgs, _EventFilters):
    pass


class ExportInboundEventsArgs(CsvArgs, _EventFilters):
    pass


class InboundEventOut(Schema):
    id = ma.fields.UUID(attribute="event.id", required=True)
    provider = ma.fields.String(
        attribute="event.provider",
        required=True,
        metadata={"description": "Code of the bank, or STRIPE", "example": "HDFC"},
    )
    event_id = ma.fields.String(
        attribute="event.event_id",
        required=True,
        metadata={"description": "ID that the provider gave it"},
    )
    type = ma.fields.String(
        attribute="event.type",
        required=True,
        validate=ma.validate.OneOf([*BankEventType, *GatewayEventType]),
        metadata={"description": "What the provider reports", "example": "payment.succeeded"},
    )
    status = Choice(
        InboundEventStatus,
        attribute="event.status",
        required=True,
        metadata={
            "description": "RECEIVED: waits to be handled; PROCESSED: was handled; QUARANTINED:"
            " contradicts our record and had no effect; DISMISSED: an administrator has dealt with"
            " that",
            "example": "QUARANTINED",
        },
    )
    subject_type = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(sorted({*SUBJECTS.values()})),
        metadata={
            "description": "What it is about",
            "example": "onramp",
        },
    )
    subject_id = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of what it is about; null if there is no such record"},
    )
    reference = ma.fields.String(
        attribute="event.reference",
        required=True,
        metadata={"description": "Our reference, which the provider repeats"},
    )
    provider_reference = ma.fields.String(
        attribute="event.provider_reference",
        required=True,
        allow_none=True,
        metadata={"description": "The provider's reference of the payment; null without"},
    )
    amount = MoneyOut(
        attribute="event.amount",
        required=True,
        allow_none=True,
        metadata={
            "description": "As the provider reports it; null without, or if `currency` cannot"
            " express it",
            "example": "250.00",
        },
    )
    currency = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "As the provider reports it; null without", "example": "USD"},
    )
    user_id = ma.fields.String(
        attribute="event.user_id",
        required=True,
        allow_none=True,
        metadata={"description": "The user, as the provider reports it; null without"},
    )
    reason = ma.fields.String(
        attribute="event.reason",
        required=True,
        allow_none=True,
        metadata={"description": "Why it failed, as the provider reports it; null without"},
    )
    quarantine_reason = Choice(
        QuarantineReason,
        required=True,
        allow_none=True,
        metadata={
            "description": "Why it was quarantined; null if it was not",
            "example": "VALUES_DIFFER",
        },
    )
    advice = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What to do about it; null unless it is QUARANTINED"},
    )
    can_retry = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether it can be retried; otherwise it can only be dismissed"},
    )
    attempts = ma.fields.Integer(
        attribute="event.attempts",
        required=True,
        metadata={"description": "Attempts to handle it that failed, and retries"},
    )
    last_error = ma.fields.String(
        attribute="event.last_error",
        required=True,
        allow_none=True,
        metadata={"description": "Why the last attempt failed; null without"},
    )
    received_at = Timestamp(
        attribute="event.received_at",
        required=True,
        metadata={"description": "When it was received (UTC)"},
    )
    next_attempt_at = Timestamp(
        attribute="event.next_attempt_at",
        required=True,
        metadata={"description": "When it is or was due to be handled (UTC)"},
    )
    processed_at = Timestamp(
        attribute="event.processed_at",
        required=True,
        allow_none=True,
        metadata={"description": "When it was handled or quarantined (UTC); null before"},
    )


InboundEventList = page_of(InboundEventOut)


def _contradictions() -> ma.fields.List[Any]:
    return ma.fields.List(
        ma.fields.Nested(InboundEventOut),
        required=True,
        metadata={
            "description": "The bank's reports that contradict our record, each with its"
            " `quarantineReason` and `advice`"
        },
    )


class PayoutRecordOut(PayoutOut):
    user = ma.fields.Nested(UserSummaryOut, required=True)
    provider = ma.fields.String(
        attribute="payout.provider", required=True, metadata={"example": "HDFC"}
    )
    attempts = ma.fields.Integer(
        attribute="payout.attempts",
        required=True,
        metadata={"description": "Requests to the bank since it last reported a change"},
    )
    next_attempt_at = Timestamp(
        attribute="payout.next_attempt_at",
        required=True,
        allow_none=True,
        metadata={"description": "When the bank is asked next (UTC); null once it has ended"},
    )
    flagged_at = Timestamp(
        attribute="payout.flagged_at",
        required=True,
        allow_none=True,
        metadata={"description": "Since when it needs attention (UTC); null if it does not"},
    )
    quarantined = _contradictions()


PayoutRecordList = page_of(PayoutRecordOut)


class OnrampRecordOut(Schema):
    id = ma.fields.UUID(attribute="onramp.id", required=True)
    status = Choice(
        OnrampStatus,
        attribute="onramp.status",
        required=True,
        metadata={"example": "PROCESSING"},
    )
    user = ma.fields.Nested(UserSummaryOut, required=True)
    provider = ma.fields.String(
        attribute="onramp.provider", required=True, metadata={"example": "HDFC"}
    )
    amount = MoneyOut(attribute="onramp.amount", required=True, metadata={"example": "25.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    token = ma.fields.String(
        attribute="onramp.token",
        required=True,
        metadata={"description": "Our reference, which the bank reports back"},
    )
    description = ma.fields.String(attribute="onramp.description", required=True, allow_none=True)
    late = ma.fields.Boolean(
        attribute="onramp.late",
        required=True,
        metadata={"description": "Whether it was paid after its expiry"},
    )
    bank_reference = ma.fields.String(
        attribute="onramp.bank_reference", required=True, allow_none=True
    )
    failure_reason = ma.fields.String(
        attribute="onramp.failure_reason", required=True, allow_none=True
    )
    quarantined = _contradictions()
    created_at = Timestamp(attribute="onramp.created_at", required=True)
    updated_at = Timestamp(attribute="onramp.updated_at", required=True)
    expires_at = Timestamp(attribute="onramp.expires_at", required=True)
    closed_at = Timestamp(attribute="onramp.closed_at", required=True, allow_none=True)


OnrampRecordList = page_of(OnrampRecordOut)
