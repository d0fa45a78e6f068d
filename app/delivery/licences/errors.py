"""Errors of licences."""

from typing import Self

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
    code = "ACTIVATION_LIMIT_REACHED"
    message = "This licence has reached its activation limit"

    def __init__(self, *, limit: int, activations: int) -> None:
        super().__init__(details={"activationLimit": limit, "activations": activations})

    @classmethod
    def example(cls) -> Self:
        return cls(limit=3, activations=3)


class ActivationNotFound(NotFound):
    code = "ACTIVATION_NOT_FOUND"
    message = "The licence is not active on this machine"
