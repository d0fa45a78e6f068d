"""How asking for money and paying what was asked can be refused."""

from app.common.errors import BadRequest, Conflict, Forbidden, NotFound


class PaymentRequestNotFound(NotFound):
    code = "PAYMENT_REQUEST_NOT_FOUND"
    message = "Payment request not found"


class PaymentRequestClosed(Conflict):
    code = "PAYMENT_REQUEST_CLOSED"
    message = "The payment request is no longer open: PAID"

    def __init__(self, *, status: str) -> None:
        super().__init__(
            f"The payment request is no longer open: {status}", details={"status": status}
        )


class CannotPayOwnRequest(BadRequest):
    code = "CANNOT_PAY_OWN_REQUEST"
    message = "You cannot pay your own payment request"


class NotYoursToDecide(Forbidden):
    message = "Only who is asked can decline a payment request, and only who asks can cancel it"


class MerchantCodeNotFound(NotFound):
    code = "MERCHANT_CODE_NOT_FOUND"
    message = "There is no such code, or it is no longer in use"


class AmountNotYours(BadRequest):
    """Whoever pays gave an amount that is fixed, or left out one that is theirs to choose."""

    def __init__(self, problem: str, *, field: str = "amount") -> None:
        super().__init__(details={field: [problem]})
