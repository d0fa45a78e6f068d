"""How paying at the gateway can fail."""

from app.common.errors import AppError, BadRequest, Unavailable


class GatewayNotConfigured(BadRequest):
    code = "GATEWAY_NOT_CONFIGURED"
    message = "Paying by card is not offered here; pay from the wallet"


class GatewayUnavailable(Unavailable):
    """The gateway is away, slow or broken, or was so often that it is left alone.

    It is not known whether it has done what was asked. Asking again in the same words is safe.
    """

    code = "GATEWAY_UNAVAILABLE"
    message = "The payment provider does not answer at the moment. Please try again."


class GatewayRefused(AppError):
    """The gateway has understood and said no: nothing was done.

    reason: its code, such as `charge_already_refunded`, for records and not for callers.
    """

    status = 502
    code = "GATEWAY_REFUSED"
    message = "The payment provider has refused; nothing was charged or refunded"

    def __init__(self, message: str | None = None, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class AmountNotPayable(GatewayRefused):
    """reason: the gateway's code, or THREE_DECIMALS."""

    status = 400
    code = "AMOUNT_NOT_PAYABLE"
    message = "The payment provider cannot take this amount"
