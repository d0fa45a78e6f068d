"""How moving money can be refused."""

from app.common.errors import BadRequest, Conflict, Forbidden, NotFound
from app.common.money import Money


class WalletNotFound(NotFound):
    code = "WALLET_NOT_FOUND"
    message = "Wallet not found"


class WalletLocked(Forbidden):
    code = "WALLET_LOCKED"
    message = "Wallet is locked"


class HoldNotFound(NotFound):
    code = "HOLD_NOT_FOUND"
    message = "Hold not found"


class HoldClosed(Conflict):
    code = "HOLD_CLOSED"
    message = "The hold is no longer active: CAPTURED"

    def __init__(self, *, status: str) -> None:
        super().__init__(f"The hold is no longer active: {status}", details={"status": status})


class MomentInFuture(BadRequest):
    def __init__(self) -> None:
        super().__init__(details={"at": ["Must not be in the future."]})


class DirectDepositsOff(Forbidden):
    message = "Direct deposits are off here: money comes in through the bank"


class InsufficientFunds(BadRequest):
    code = "INSUFFICIENT_FUNDS"
    message = "Insufficient funds. Required: $50.00, Available: $12.30"

    def __init__(self, *, required: Money, available: Money) -> None:
        super().__init__(
            f"Insufficient funds. Required: {required.display}, Available: {available.display}",
            details={"required": str(required), "available": str(available)},
        )


class InvalidDepositAmount(BadRequest):
    code = "INVALID_DEPOSIT_AMOUNT"
    message = "Deposit amount cannot exceed $10000.00 (maximum)"

    def __init__(self, *, maximum: Money) -> None:
        super().__init__(
            f"Deposit amount cannot exceed {maximum.display} (maximum)",
            details={"maximum": str(maximum)},
        )


class InvalidWithdrawalAmount(BadRequest):
    code = "INVALID_WITHDRAWAL_AMOUNT"
    message = "Withdrawal amount must be at least $1.00 (minimum)"

    def __init__(self, *, minimum: Money) -> None:
        super().__init__(
            f"Withdrawal amount must be at least {minimum.display} (minimum)",
            details={"minimum": str(minimum)},
        )


class LimitExceeded(BadRequest):
    code = "LIMIT_EXCEEDED"
    message = "This would exceed your limit of $1000.00 per day; $200.00 is left"

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


class LimitNotFound(NotFound):
    code = "LIMIT_NOT_FOUND"
    message = "The user has no limit of their own for that type and window"


class RoleNotFound(NotFound):
    code = "ROLE_NOT_FOUND"
    message = "Role not found"


class BalanceTooLarge(BadRequest):
    code = "LIMIT_EXCEEDED"
    message = "The wallet cannot hold that much"
