"""Why requests to the gateway fail."""

from typing import Self

from app.common.errors import AppError, BadRequest, Unavailable


class GatewayNotConfigured(BadRequest):
    code = "GATEWAY_NOT_CONFIGURED"
    message = "Card payments are not available; pay from the wallet"


class GatewayUnavailable(Unavailable):
    """The gateway is down, slow or failing, or its circuit breaker is open.

    Whether it has carried out the request is unknown. Repeating the same request is safe.
    """

    code = "GATEWAY_UNAVAILABLE"
    message = "The payment provider is not responding. Please try again."


class GatewayRefused(AppError):
    """The gateway has rejected the request: nothing was done.

    reason: its code, such as `charge_already_refunded`, for records and not for callers;
    parameter: the one that it does not accept, if it names one.
    """

    status = 502
    code = "GATEWAY_REFUSED"
    message = "The payment provider has rejected the request; nothing was charged or refunded"

    def __init__(
        self, message: str | None = None, *, reason: str, parameter: str | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.parameter = parameter

    @property
    def is_too_late(self) -> bool:
        """Whether it no longer accepts the expiry of a checkout session, so that none was created:
        repeating the request that has created one returns that session."""
        return self.parameter == "expires_at"

    @classmethod
    def example(cls) -> Self:
        return cls(reason="charge_already_refunded")


class AmountNotPayable(GatewayRefused):
    """reason: the gateway's code, or THREE_DECIMALS."""

    status = 400
    code = "AMOUNT_NOT_PAYABLE"
    message = "The payment provider does not accept this amount"


class InvalidGatewayObject(Exception):
    """The gateway has sent an invalid or unexpected object. Nothing may be concluded from it."""
