"""How on-ramps can fail."""

from app.common.errors import BadRequest, NotFound
from app.common.money import Money


class OnrampNotFound(NotFound):
    code = "ONRAMP_NOT_FOUND"
    message = "On-ramp not found"


class InvalidOnrampAmount(BadRequest):
    code = "INVALID_ONRAMP_AMOUNT"
    message = "On-ramp amount cannot exceed $10000.00 (maximum)"

    def __init__(self, *, maximum: Money) -> None:
        super().__init__(
            f"On-ramp amount cannot exceed {maximum.display} (maximum)",
            details={"maximum": str(maximum)},
        )
