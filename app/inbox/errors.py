"""Why an inbound event is refused or quarantined."""

from collections.abc import Mapping
from typing import Any, Self

from app.common.errors import NotFound, Unauthorized


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


class Quarantine(Exception):
    """Raised by a handler for an event that contradicts our record and needs manual review.

    reason: a stable machine code; ours, theirs: the values that differ, money in minor units.
    """

    def __init__(
        self,
        reason: str,
        *,
        ours: Mapping[str, Any] | None = None,
        theirs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ours = dict(ours or {})
        self.theirs = dict(theirs or {})
