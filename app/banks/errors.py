"""Unknown banks, and requests to banks that failed."""

from app.common.errors import BadRequest, NotFound


class ProviderNotFound(NotFound):
    code = "PROVIDER_NOT_FOUND"
    message = "Bank not found"


class ProviderUnknown(BadRequest):
    code = "PROVIDER_UNKNOWN"
    message = "Unknown bank; GET /onramp/providers lists the available ones"


class BankOutcomeUnknown(Exception):
    """What the bank did is unknown. Nothing may be concluded from it; repeat the request later."""


class BankUnavailable(BankOutcomeUnknown):
    """The bank is down, busy or failing, or its circuit breaker is open."""


class InvalidBankResponse(BankOutcomeUnknown):
    """The bank has sent an invalid response. This needs attention."""
