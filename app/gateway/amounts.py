"""The amounts that can be charged to a card."""

from app.common.money import EXPONENTS, Money
from app.gateway.errors import AmountNotPayable


def granularity(currency: str) -> int:
    """Minor units in the smallest step between amounts that card networks accept.

    Of three decimals they accept two (Stripe: "Supported currencies", three-decimal currencies);
    of fewer, all.
    """
    return 10 if EXPONENTS[currency] == 3 else 1


def is_payable(money: Money) -> bool:
    """Whether card networks accept the amount."""
    return money.minor % granularity(money.currency) == 0


def require_payable(money: Money) -> None:
    """Raises AmountNotPayable."""
    if not is_payable(money):
        raise AmountNotPayable(
            f"The payment provider accepts at most 2 decimals of {money.currency}",
            reason="THREE_DECIMALS",
        )
