"""Why payment requests and merchant codes are refused."""

from typing import Self

from app.common.errors import BadRequest, Conflict, Forbidden, NotFound


class PaymentRequestNotFound(NotFound):
    code = "PAYMENT_REQUEST_NOT_FOUND"
    message = "Payment request not found"


class PaymentRequestClosed(Conflict):
    code = "PAYMENT_REQUEST_CLOSED"
    message = "The payment request is no longer open"

    def __init__(self, *, status: str) -> None:
        super().__init__(
            f"The payment request is no longer open: {status}", details={"status": status}
        )

    @classmethod
    def example(cls) -> Self:
        return cls(status="PAID")


class CannotPayOwnRequest(BadRequest):
    code = "CANNOT_PAY_OWN_REQUEST"
    message = "You cannot pay your own payment request"


class CannotDecideRequest(Forbidden):
    message = "Only the payer can decline a payment request, and only the requester can cancel it"


class MerchantCodeNotFound(NotFound):
    code = "MERCHANT_CODE_NOT_FOUND"
    message = "Merchant code not found, or no longer active"


class AmountChoiceInvalid(BadRequest):
    """The payer sent an amount that is fixed, or omitted one that the payer chooses."""

    def __init__(self, problem: str, *, field: str = "amount") -> None:
        super().__init__(details={field: [problem]})

    @classmethod
    def example(cls) -> Self:
        return cls("The amount is fixed; omit this field.")
