"""How promising money, and settling a promise, can be refused."""

from app.common.errors import BadRequest, Forbidden, NotFound
from app.common.money import Money


class PayeeNotFound(NotFound):
    code = "PAYEE_NOT_FOUND"
    message = "No merchant has this id"


class CannotPayYourself(BadRequest):
    code = "CANNOT_PAY_YOURSELF"
    message = "You cannot promise money to yourself"


class ExpiryInvalid(BadRequest):
    def __init__(self, problem: str) -> None:
        super().__init__(details={"expiresAt": [problem]})


class NotThePayee(Forbidden):
    message = "Only the payee ends a hold; for the payer it ends when it expires"


class CaptureExceedsHold(BadRequest):
    code = "CAPTURE_EXCEEDS_HOLD"
    message = "Only $50.00 is held"

    def __init__(self, *, held: Money, requested: Money) -> None:
        super().__init__(
            f"Only {held.display} is held",
            details={"held": str(held), "requested": str(requested)},
        )
