"""Events and payouts of banks."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from app.common.money import Money


class BankEventType(StrEnum):
    """The part before the dot is the topic of the event."""

    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    PAYOUT_PAID = "payout.paid"
    PAYOUT_REFUSED = "payout.refused"


class BankPayoutStatus(StrEnum):
    ACCEPTED = "ACCEPTED"
    PAID = "PAID"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class PayoutInstruction:
    """A payout that a bank is to make. number: of the account, which must not be shown."""

    reference: UUID
    money: Money
    holder: str
    number: str = field(repr=False)
    routing: str
    description: str | None


@dataclass(frozen=True, slots=True)
class BankPayout:
    """A payout as the bank reports it. reason: why it was refused, if it was."""

    status: BankPayoutStatus
    bank_reference: str | None
    reason: str | None
