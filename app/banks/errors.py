"""How what a bank says can be refused."""

from collections.abc import Mapping
from typing import Any

from app.common.errors import BadRequest, NotFound, Unauthorized


class ProviderNotFound(NotFound):
    code = "PROVIDER_NOT_FOUND"
    message = "There is no such bank"


class ProviderUnknown(BadRequest):
    code = "PROVIDER_UNKNOWN"
    message = "There is no such bank; GET /onramp/providers lists them"


class SignatureInvalid(Unauthorized):
    """reason: MISSING, MALFORMED, STALE or FORGED."""

    code = "INVALID_SIGNATURE"
    message = "The webhook is not signed as it must be"

    def __init__(self, reason: str) -> None:
        super().__init__(details={"reason": reason})
        self.reason = reason


class ReferenceUnknown(NotFound):
    code = "REFERENCE_UNKNOWN"
    message = "We asked this bank for nothing under that reference"


class Quarantine(Exception):
    """What a bank says cannot be true: it is set aside, and nothing comes of it.

    reason: a stable machine code; ours, theirs: the values that do not agree, money as minor units.
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
