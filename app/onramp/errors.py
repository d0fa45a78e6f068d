"""Why on-ramps are refused."""

from typing import Self

from app.common.errors import BadRequest, NotFound
from app.common.money import Money


class OnrampNotFound(NotFound):
    code = "ONRAMP_NOT_FOUND"
    message = "On-ramp not found"


class InvalidOnrampAmount(BadRequest):
    code = "INVALID_ONRAMP_AMOUNT"
    message = "On-ramp amount exceeds the maximum"

    def __init__(self, *, maximum: Money) -> None:
        super().__init__(
            f"On-ramp amount cannot exceed {maximum.display} (maximum)",
            details={"maximum": str(maximum)},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(maximum=Money(1_000_000, "USD"))
