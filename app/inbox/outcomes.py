"""What became of a webhook, as the counters of every provider name it."""

from typing import Final

from app.common.errors import AppError
from app.inbox.errors import ReferenceUnknown, SignatureInvalid

OUTCOMES: Final = (
    "stored",
    "repeated",
    "unknown_reference",
    "refused",
    "missing",
    "malformed",
    "stale",
    "forged",
)


def outcome_of(refusal: AppError) -> str:
    """The outcome of a webhook that is refused with this error."""
    if isinstance(refusal, SignatureInvalid):
        return refusal.reason.lower()
    return "unknown_reference" if isinstance(refusal, ReferenceUnknown) else "refused"
