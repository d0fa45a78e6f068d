"""The amounts that can be charged to a card."""

from app.common.money import EXPONENTS, Money
from app.gateway.errors import AmountNotPayable


def is_payable(money: Money) -> bool:
    """Whether card networks accept the amount: at most two of a currency's three decimals."""
    return EXPONENTS[money.currency] < 3 or money.minor % 10 == 0


def require_payable(money: Money) -> None:
    """Raises AmountNotPayable."""
    if not is_payable(money):
        raise AmountNotPayable(
            f"The payment provider accepts at most 2 decimals of {money.currency}",
            reason="THREE_DECIMALS",
        )
