"""Why naming a bank can be refused."""

from app.common.errors import BadRequest, NotFound


class ProviderNotFound(NotFound):
    code = "PROVIDER_NOT_FOUND"
    message = "There is no such bank"


class ProviderUnknown(BadRequest):
    code = "PROVIDER_UNKNOWN"
    message = "There is no such bank; GET /onramp/providers lists them"
