"""Errors in Stripe's format."""

from typing import Any


class ApiError(Exception):
    """An error response.

    error_type: Stripe's classification. param: the invalid parameter. cacheable: whether it is
    stored as the response to the Idempotency-Key.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        error_type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        cacheable: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.cacheable = cacheable
        self._error = {"code": code, "message": message, "param": param, "type": error_type}

    def to_json(self) -> dict[str, Any]:
        return {"error": {name: text for name, text in self._error.items() if text is not None}}


def resource_missing(resource: str, resource_id: str, *, param: str) -> ApiError:
    return ApiError(
        f"No such {resource}: '{resource_id}'", status=404, code="resource_missing", param=param
    )
