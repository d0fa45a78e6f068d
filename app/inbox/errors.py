"""Why an inbound event is refused or quarantined, and what to do about it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Self

from app.common.errors import Conflict, NotFound, Unauthorized


class SignatureInvalid(Unauthorized):
    """reason: MISSING, MALFORMED, STALE or FORGED."""

    code = "INVALID_SIGNATURE"
    message = "The webhook signature is missing or invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(details={"reason": reason})
        self.reason = reason

    @classmethod
    def example(cls) -> Self:
        return cls("MISSING")


class ReferenceUnknown(NotFound):
    code = "REFERENCE_UNKNOWN"
    message = "Unknown reference"


class QuarantineReason(StrEnum):
    """Why an event contradicts our record. `ADVICE` says what to do."""

    NOT_FOUND = "NOT_FOUND"
    VALUES_DIFFER = "VALUES_DIFFER"
    SUCCEEDED_AFTER_FAILURE = "SUCCEEDED_AFTER_FAILURE"
    FAILED_AFTER_SUCCESS = "FAILED_AFTER_SUCCESS"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    SETTLED_OTHERWISE = "SETTLED_OTHERWISE"
    NOT_UNDERSTOOD = "NOT_UNDERSTOOD"
    PAID_AFTER_END = "PAID_AFTER_END"
    REFUNDED_TWICE = "REFUNDED_TWICE"


#: What an administrator does about an event that was quarantined for this reason.
ADVICE: Final[Mapping[str, str]] = {
    QuarantineReason.NOT_FOUND: "Our record of this payment is missing. Restore it from the backup"
    " and retry the event; if it never existed, have the provider return the money and dismiss the"
    " event.",
    QuarantineReason.VALUES_DIFFER: "Nothing was credited. Compare the amount, currency and user"
    " of the event with our record and ask the provider what was paid. If the event was wrong, have"
    " the provider send a correct one with a new ID; if another sum was paid, have the provider"
    " return it to the payer. Then dismiss the event.",
    QuarantineReason.SUCCEEDED_AFTER_FAILURE: "Nothing was credited, because the provider had"
    " reported a failure before. If the provider has the money, have it returned to the payer, who"
    " can start a new on-ramp. Then dismiss the event.",
    QuarantineReason.FAILED_AFTER_SUCCESS: "The wallet was credited, and now the provider reports"
    " that the payment failed. Lock the wallet and compare the bank statement. If the money is"
    " missing, recover it from the user outside of this system; otherwise unlock the wallet. Then"
    " dismiss the event.",
    QuarantineReason.AMOUNT_DIFFERS: "The payout was not changed; if it is open, its amount stays"
    " held. Ask the bank what it has paid. If the event was wrong, have the bank send a correct one"
    " with a new ID; if it has paid another sum, have the bank correct that. Then dismiss the"
    " event.",
    QuarantineReason.SETTLED_OTHERWISE: "The payout has ended, and now the bank reports the"
    " opposite. Compare the bank statement. If it was paid although our record is REFUSED, recover"
    " the money from the bank or the user; if it was refused although our record is PAID, have the"
    " bank pay it again. Then dismiss the event.",
    QuarantineReason.NOT_UNDERSTOOD: "The provider sent an object that this version cannot read."
    " Check whether the provider's API version has changed, install a version that reads it, and"
    " retry the event.",
    QuarantineReason.PAID_AFTER_END: "The buyer has paid an order that had already ended, and gets"
    " nothing for it. Refund the payment in the provider's dashboard; the buyer can order again."
    " Then dismiss the event.",
    QuarantineReason.REFUNDED_TWICE: "The buyer has received the refund from the provider as well"
    " as from the settlement by an administrator. Recover one of them from the buyer, or write it"
    " off. Then dismiss the event.",
}

#: Reasons that may be gone when the event is handled again. The others compare data that never
#: changes.
RETRYABLE: Final = frozenset({QuarantineReason.NOT_FOUND, QuarantineReason.NOT_UNDERSTOOD})


class Quarantine(Exception):
    """Raised by a handler for an event that contradicts our record and needs manual review.

    ours, theirs: the values that differ, money in minor units.
    """

    def __init__(
        self,
        reason: QuarantineReason,
        *,
        ours: Mapping[str, Any] | None = None,
        theirs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.ours = dict(ours or {})
        self.theirs = dict(theirs or {})


class InboundEventNotFound(NotFound):
    code = "INBOUND_EVENT_NOT_FOUND"
    message = "Inbound event not found"


class InboundEventNotQuarantined(Conflict):
    """It was handled, dismissed, or waits to be handled."""

    code = "INBOUND_EVENT_NOT_QUARANTINED"
    message = "The event is not quarantined"

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})

    @classmethod
    def example(cls) -> Self:
        return cls(status="PROCESSED")


class InboundEventNotRetryable(Conflict):
    """It compares data that never changes, so it would be quarantined again."""

    code = "INBOUND_EVENT_NOT_RETRYABLE"
    message = "The event would be quarantined again; follow the advice and dismiss it"

    def __init__(self, reason: str) -> None:
        super().__init__(details={"reason": reason})

    @classmethod
    def example(cls) -> Self:
        return cls(QuarantineReason.VALUES_DIFFER.value)
