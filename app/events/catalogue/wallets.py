"""Wallets, holds, transfers and payment requests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from app.events.base import OMITTED, Event, LatencyMs, MinorUnits, RiskScore, event

# Wallets


@event("balance-updated", aggregate="wallet")
class BalanceUpdated(Event):
    """An entry was posted to a user's wallet."""

    user_id: UUID
    transaction_id: UUID
    journal_entry_id: UUID
    type: Annotated[str, "transaction type"]
    amount: Annotated[MinorUnits, "negative for a debit"]
    balance: Annotated[MinorUnits, "after this posting"]
    currency: str
    risk_score: Annotated[RiskScore, "of a withdrawal"] = OMITTED
    latency_ms: Annotated[LatencyMs, "of a withdrawal"] = OMITTED


# Payments


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent(Event):
    kind: Annotated[
        str,
        "`PURCHASE`, `TRANSFER`, `PAYMENT_REQUEST`, `MERCHANT_CODE`, `HOLD`, `WITHDRAWAL` or"
        " `PAYOUT`",
    ]
    user_id: Annotated[UUID, "the payer"]
    merchant_id: Annotated[UUID | None, "the payee who sells something"]
    payee_id: Annotated[UUID | None, "the payee, null for a bank"]
    amount: MinorUnits
    currency: str
    risk_score: Annotated[str | None, "decimal from 0 to 1; null if it was not screened"]
    latency_ms: Annotated[
        int | None, "milliseconds from the arrival of the request to the decision, if known"
    ]


@event("payment-refused", aggregate="payment")
class PaymentRefused(PaymentEvent):
    """A payment was refused because of money or risk. The aggregate is the attempt."""

    code: Annotated[str, "the stable code of the error"]


@event("payment-under-review", aggregate="payment")
class PaymentUnderReview(PaymentEvent):
    """A payment waits for a review, with its money on hold. The aggregate is the case."""

    case_id: UUID


@event("payment-reviewed", aggregate="payment")
class PaymentReviewed(Event):
    """A payment under review was released, or rejected. The aggregate is the case."""

    user_id: Annotated[UUID, "the payer"]
    kind: Annotated[str, "as of `payment-under-review`"]
    amount: MinorUnits
    currency: str
    status: Annotated[str, "`RELEASED`, `REJECTED` or `EXPIRED`"]
    result_id: Annotated[UUID | None, "what the release created, such as an order or a transfer"]
    risk_score: RiskScore = OMITTED
    latency_ms: Annotated[LatencyMs, "of the request that decided"] = OMITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEvent(Event):
    """A hold has two events: it is placed, and it is captured or released."""

    payer_id: UUID
    payee_id: UUID | None
    currency: str


@event("hold-placed", aggregate="hold")
class HoldPlaced(HoldEvent):
    """A buyer placed a hold in favour of a merchant."""

    amount: MinorUnits
    expires_at: datetime
    risk_score: RiskScore = OMITTED
    latency_ms: LatencyMs = OMITTED


@event("hold-captured", aggregate="hold")
class HoldCaptured(HoldEvent):
    """The payee captured a hold, in full or in part."""

    amount: Annotated[MinorUnits, "captured"]
    released: Annotated[MinorUnits, "the rest, available to the payer again"]


@event("hold-released", aggregate="hold")
class HoldReleased(HoldEvent):
    """A hold ended without a payment: the payee voided it, or it expired."""

    amount: MinorUnits
    status: Annotated[str, "`VOIDED` or `EXPIRED`"]


# Transfers and payment requests


@event("transfer-completed", aggregate="transfer")
class TransferCompleted(Event):
    """A user sent money to another user."""

    sender_id: UUID
    receiver_id: UUID
    amount: MinorUnits
    currency: str
    reference_type: Annotated[str | None, "what was paid, such as `payment_request`"]
    reference_id: UUID | None
    risk_score: RiskScore = OMITTED
    latency_ms: LatencyMs = OMITTED


@event("transaction-failed", aggregate="transfer")
class TransactionFailed(Event):
    """A transfer was refused. The aggregate is the attempt; a missing code is not a failure."""

    sender_id: UUID
    receiver_id: Annotated[UUID | None, "null if there is no such recipient"]
    amount: MinorUnits
    currency: str
    error: Annotated[str, "the stable code of the error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequestEvent(Event):
    requester_id: UUID
    payer_id: Annotated[UUID | None, "null if anyone can pay it"]
    amount: Annotated[int | None, "minor units", "null until the payer has chosen it"]
    currency: str
    transfer_id: Annotated[UUID | None, "once it is paid"]


@event("payment-request-created", aggregate="payment_request")
class PaymentRequestCreated(PaymentRequestEvent):
    """A user requested a payment."""


@event("payment-request-paid", aggregate="payment_request")
class PaymentRequestPaid(PaymentRequestEvent):
    """A payment request was paid."""


@event("payment-request-declined", aggregate="payment_request")
class PaymentRequestDeclined(PaymentRequestEvent):
    """The payer declined a payment request."""


@event("payment-request-cancelled", aggregate="payment_request")
class PaymentRequestCancelled(PaymentRequestEvent):
    """The requester cancelled a payment request."""


@event("payment-request-expired", aggregate="payment_request")
class PaymentRequestExpired(PaymentRequestEvent):
    """A payment request expired unpaid."""
