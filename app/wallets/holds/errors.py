"""Why holds are refused."""

from typing import Self

from app.common.errors import BadRequest, Forbidden, NotFound
from app.common.money import Money


class PayeeNotFound(NotFound):
    code = "PAYEE_NOT_FOUND"
    message = "Payee not found"


class CannotPayYourself(BadRequest):
    code = "CANNOT_PAY_YOURSELF"
    message = "You cannot create a hold for yourself"


class ExpiryInvalid(BadRequest):
    def __init__(self, problem: str) -> None:
        super().__init__(details={"expiresAt": [problem]})

    @classmethod
    def example(cls) -> Self:
        return cls("Must be in the future.")


class NotThePayee(Forbidden):
    message = "Only the payee can capture or void a hold"


class CaptureExceedsHold(BadRequest):
    code = "CAPTURE_EXCEEDS_HOLD"
    message = "The amount exceeds the hold"

    def __init__(self, *, held: Money, requested: Money) -> None:
        super().__init__(
            f"The amount exceeds the hold of {held.display}",
            details={"held": str(held), "requested": str(requested)},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(held=Money(5_000, "USD"), requested=Money(6_000, "USD"))
