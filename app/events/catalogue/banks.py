"""On-ramps, payouts and what payment providers send."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from app.events.base import OMITTED, Event, FlagReason, LatencyMs, MinorUnits, RiskScore, event


# The name is part of the contract with consumers and older than providers that are not banks.
@event("bank-event-quarantined", aggregate="bank_event")
class BankEventQuarantined(Event):
    """A provider's event contradicts our record or an earlier event, and had no effect."""

    provider: str
    event_id: Annotated[str, "the provider's own id of the event"]
    type: Annotated[str, "the provider's type of the event"]
    reason: Annotated[
        str,
        "`VALUES_DIFFER`, `SUCCEEDED_AFTER_FAILURE`, `FAILED_AFTER_SUCCESS`, `NOT_FOUND`;"
        " for payouts `AMOUNT_DIFFERS`, `SETTLED_OTHERWISE`;"
        " for the gateway `NOT_UNDERSTOOD`, `PAID_AFTER_END`, `REFUNDED_TWICE`",
    ]
    ours: Annotated[dict[str, Any], "the values of our record that differ"]
    theirs: Annotated[dict[str, Any], "the provider's values"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnrampEvent(Event):
    user_id: UUID
    provider: str
    amount: MinorUnits
    currency: str
    status: str


@event("onramp-succeeded", aggregate="onramp")
class OnrampSucceeded(OnrampEvent):
    """The bank confirmed an on-ramp, and the wallet was credited."""

    late: Annotated[bool, "whether the bank confirmed it after it had expired"]


@event("onramp-failed", aggregate="onramp")
class OnrampFailed(OnrampEvent):
    """An on-ramp ended without a credit: `FAILURE` if the bank reported it, `EXPIRED` otherwise."""

    reason: Annotated[str | None, "as reported by the bank"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutEvent(Event):
    user_id: UUID
    provider: str
    amount: MinorUnits
    currency: str
    bank_reference: str | None
    risk_score: RiskScore = OMITTED
    latency_ms: LatencyMs = OMITTED


@event("payout-submitted", aggregate="payout")
class PayoutSubmitted(PayoutEvent):
    """The bank accepted a payout."""


@event("payout-paid", aggregate="payout")
class PayoutPaid(PayoutEvent):
    """The bank paid a payout, and its hold was captured."""


@event("payout-refused", aggregate="payout")
class PayoutRefused(PayoutEvent):
    """The bank refused a payout, and its hold was voided."""

    reason: str


@event("payout-flagged", aggregate="payout")
class PayoutFlagged(PayoutEvent):
    """A payout needs attention. It is processed as before."""

    reason: FlagReason
