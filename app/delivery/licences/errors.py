"""Errors of licences."""

from datetime import UTC, datetime
from typing import ClassVar, Self

from app.common.clock import format_timestamp
from app.common.errors import BadRequest, Conflict, NotFound


class ProductHasNoLicences(BadRequest):
    code = "PRODUCT_HAS_NO_LICENCES"
    message = "Only products of the kind LICENCE have licences"


class LicenceNotFound(NotFound):
    code = "LICENCE_NOT_FOUND"
    message = "No licence with this key was found"


class LicenceExpired(Conflict):
    code = "LICENCE_EXPIRED"
    message = "The licence has expired"


class LicenceRevoked(Conflict):
    code = "LICENCE_REVOKED"
    message = "The licence was revoked"


class ActivationLimitReached(Conflict):
    #: The event that tells the merchant stays.
    commits: ClassVar[bool] = True
    code = "ACTIVATION_LIMIT_REACHED"
    message = "This licence has reached its activation limit"

    def __init__(self, *, limit: int, activations: int) -> None:
        super().__init__(details={"activationLimit": limit, "activations": activations})

    @classmethod
    def example(cls) -> Self:
        return cls(limit=3, activations=3)


class TooManyActivations(Conflict):
    code = "TOO_MANY_ACTIVATIONS"
    message = "This licence was activated too often; try again later"

    def __init__(self, *, limit: int, possible_at: datetime) -> None:
        super().__init__(
            details={
                "activationsPer30Days": limit,
                "possibleAt": format_timestamp(possible_at),
            }
        )

    @classmethod
    def example(cls) -> Self:
        return cls(limit=9, possible_at=datetime(2026, 12, 1, 9, tzinfo=UTC))


class ActivationNotFound(NotFound):
    code = "ACTIVATION_NOT_FOUND"
    message = "The licence is not active on this machine"
