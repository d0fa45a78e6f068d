"""The events that a bank sends."""

from enum import StrEnum


class BankEventType(StrEnum):
    """The word before the dot is what the event is about."""

    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    PAYOUT_PAID = "payout.paid"
    PAYOUT_REFUSED = "payout.refused"
