"""Errors of the API: one exception hierarchy, rendered by the error handlers."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from sqlalchemy.orm import Session


class AppError(Exception):
    """An error that the caller can act on.

    code: stable, for programs; message: one sentence for users; details: JSON data.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    message: ClassVar[str] = "An internal error occurred."
    #: Whether the transaction that raises it is committed all the same (a stolen refresh token
    #: revokes its session).
    commits: ClassVar[bool] = False
    #: Whether it is stored under the Idempotency-Key of its request. Errors that do not depend on
    #: the request, such as a rate limit, are not.
    cacheable: ClassVar[bool] = True
    #: Records the refusal, in the transaction that refuses the request, once the writes of the
    #: request are undone.
    record_refusal: Callable[[Session], None] | None = None

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.text = message or self.message
        self.details = dict(details or {})
        self.headers = dict(headers or {})
        super().__init__(self.text)

    @classmethod
    def example(cls) -> Self:
        """The error as the OpenAPI document shows it: with typical arguments."""
        return cls()


class BadRequest(AppError):
    status = 400
    code = "VALIDATION_ERROR"
    message = "Validation failed"


class Unauthorized(AppError):
    cacheable = False
    status = 401
    code = "UNAUTHORIZED"
    message = "Unauthorized"


class Forbidden(AppError):
    status = 403
    code = "FORBIDDEN"
    message = "Access denied"


class NotFound(AppError):
    status = 404
    code = "NOT_FOUND"
    message = "Not found"


class Conflict(AppError):
    status = 409
    code = "CONFLICT"
    message = "Conflict"


class Unprocessable(AppError):
    status = 422
    code = "UNPROCESSABLE"
    message = "Unprocessable"


class TooManyRequests(AppError):
    cacheable = False
    status = 429
    code = "RATE_LIMITED"
    message = "Too many requests. Please try again later."


class Unavailable(AppError):
    """Nothing was changed and a retry may succeed; always has Retry-After."""

    status = 503
    code = "BUSY"
    message = "The service is busy and nothing was changed. Please try again."

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


class BodyTooLarge(AppError):
    status = 413
    code = "BODY_TOO_LARGE"
    message = "The request body is too large"


class BodyIncomplete(BadRequest):
    code = "BODY_INCOMPLETE"
    message = "The connection was closed before the whole request body was received"


class BodyTooSlow(AppError):
    cacheable = False
    status = 408
    code = "BODY_TOO_SLOW"
    message = "The request body was sent too slowly"


class LengthRequired(AppError):
    status = 411
    code = "LENGTH_REQUIRED"
    message = "The Content-Length header is required"


class UnsupportedMediaType(AppError):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "The request body must be application/json"


class IdempotencyKeyReused(Unprocessable):
    #: The request that used the key first still gets its response.
    cacheable = False
    code = "IDEMPOTENCY_KEY_REUSED"
    message = "This Idempotency-Key was used for another request"


class IdempotencyInProgress(Conflict):
    code = "IDEMPOTENCY_IN_PROGRESS"
    message = "A request with this Idempotency-Key is still in progress"
