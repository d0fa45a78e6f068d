"""Why operations on wallets, limits and holds are refused."""

from typing import Final, Self

from app.common.errors import BadRequest, Conflict, Forbidden, NotFound, Unavailable
from app.common.money import Money
from app.risk.errors import RiskDeclined


class WalletNotFound(NotFound):
    code = "WALLET_NOT_FOUND"
    message = "Wallet not found"


class TransactionNotFound(NotFound):
    code = "TRANSACTION_NOT_FOUND"
    message = "Transaction not found"


class WalletLocked(Forbidden):
    code = "WALLET_LOCKED"
    message = "Wallet is locked"


class HoldNotFound(NotFound):
    code = "HOLD_NOT_FOUND"
    message = "Hold not found"


class HoldClosed(Conflict):
    code = "HOLD_CLOSED"
    message = "The hold is no longer active"

    def __init__(self, *, status: str) -> None:
        super().__init__(f"The hold is no longer active: {status}", details={"status": status})

    @classmethod
    def example(cls) -> Self:
        return cls(status="CAPTURED")


class TimeInFuture(BadRequest):
    def __init__(self) -> None:
        super().__init__(details={"at": ["Must not be in the future."]})


class DirectDepositsOff(Forbidden):
    message = "Direct deposits are disabled; use an on-ramp"


class InsufficientFunds(BadRequest):
    code = "INSUFFICIENT_FUNDS"
    message = "Insufficient funds"

    def __init__(self, *, required: Money, available: Money) -> None:
        super().__init__(
            f"Insufficient funds. Required: {required.display}, Available: {available.display}",
            details={"required": str(required), "available": str(available)},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(required=Money(5_000, "USD"), available=Money(1_230, "USD"))


class InvalidDepositAmount(BadRequest):
    code = "INVALID_DEPOSIT_AMOUNT"
    message = "Deposit amount exceeds the maximum"

    def __init__(self, *, maximum: Money) -> None:
        super().__init__(
            f"Deposit amount cannot exceed {maximum.display} (maximum)",
            details={"maximum": str(maximum)},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(maximum=Money(1_000_000, "USD"))


class InvalidWithdrawalAmount(BadRequest):
    code = "INVALID_WITHDRAWAL_AMOUNT"
    message = "Withdrawal amount is below the minimum"

    def __init__(self, *, minimum: Money) -> None:
        super().__init__(
            f"Withdrawal amount must be at least {minimum.display} (minimum)",
            details={"minimum": str(minimum)},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(minimum=Money(100, "USD"))


class LimitExceeded(BadRequest):
    code = "LIMIT_EXCEEDED"
    message = "Limit exceeded"

    def __init__(self, *, kind: str, window: str, limit: Money, used: Money) -> None:
        left = Money(max(limit.minor - used.minor, 0), limit.currency)
        super().__init__(
            f"This would exceed your limit of {limit.display} per {window.lower()}; "
            f"{left.display} is left",
            details={
                "type": kind,
                "window": window,
                "limit": str(limit),
                "used": str(used),
                "remaining": str(left),
            },
        )

    @classmethod
    def example(cls) -> Self:
        return cls(
            kind="TRANSFER_OUT",
            window="DAY",
            limit=Money(100_000, "USD"),
            used=Money(80_000, "USD"),
        )


class LimitNotFound(NotFound):
    code = "LIMIT_NOT_FOUND"
    message = "No custom limit is set for this type and window"


class RoleNotFound(NotFound):
    code = "ROLE_NOT_FOUND"
    message = "Role not found"


class BalanceTooLarge(BadRequest):
    code = "LIMIT_EXCEEDED"
    message = "The balance would exceed the maximum balance of a wallet"


#: Why a payment from the caller's wallet can be refused.
PAYMENT_ERRORS: Final = (
    InsufficientFunds,
    LimitExceeded,
    RiskDeclined,
    WalletLocked,
    WalletNotFound,
)


class ReviewedAmountChanged(Conflict):
    """What was reviewed costs another amount by now, which nobody has agreed to."""

    code = "PRICE_CHANGED"
    message = "The amount has changed since the payment was requested"


class DecideLater(Unavailable):
    """A movement can only be decided once earlier ones of its batch have been committed.

    The batcher decides it, and all that follow, in another transaction. It never reaches a client.
    """
