"""Money: integer minor units and a currency. Decimal only at the API boundary, float nowhere."""

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import Final, Self

from app.common.errors import BadRequest

#: Decimal places of each supported currency (ISO 4217).
EXPONENTS: Final = {"USD": 2, "EUR": 2, "GBP": 2, "INR": 2, "EGP": 2, "JPY": 0, "KWD": 3}

_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥"}

#: Largest amount a `bigint` column holds; larger ones are rejected.
MAX_MINOR: Final = 2**63 - 1

#: The whole of an amount in basis points: hundredths of a percent.
MAX_BPS: Final = 10_000

#: Raises instead of rounding; Decimal's default context silently rounds to 28 digits.
_EXACT: Final = Context(prec=60, traps=[Inexact])


class AmountInvalid(BadRequest):
    """The amount cannot be expressed in its currency."""

    code = "VALIDATION_ERROR"

    def __init__(self, problem: str, *, field: str) -> None:
        super().__init__("Validation failed", details={field: [problem]})

    @classmethod
    def example(cls) -> Self:
        return cls("At most 2 decimals for USD.", field="amount")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency. minor: its smallest units (cents for USD), may be negative."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal, currency: str, *, field: str = "amount") -> "Money":
        """Exactly `amount` of `currency`. field: the input named in the error.

        Raises AmountInvalid for more decimals than the currency has (nothing is rounded) and for
        amounts beyond 64 bits.
        """
        exponent = EXPONENTS[currency]
        if not amount.is_finite() or abs(amount.adjusted()) > 30:
            raise AmountInvalid("Number out of range.", field=field)
        try:
            exact = amount.quantize(Decimal((0, (1,), -exponent)), context=_EXACT)
        except Inexact as error:
            problem = f"At most {exponent} decimals for {currency}."
            raise AmountInvalid(problem, field=field) from error
        minor = int(exact.scaleb(exponent, _EXACT))
        if abs(minor) > MAX_MINOR:
            raise AmountInvalid("Number out of range.", field=field)
        return cls(minor, currency)

    def __str__(self) -> str:
        """As in the API: a decimal string with all the currency's decimals, `17.50`."""
        return format_minor(self.minor, self.currency)

    @property
    def display(self) -> str:
        """For display: `$17.50`, `12.000 KWD`."""
        symbol = _SYMBOLS.get(self.currency)
        return f"{symbol}{self}" if symbol else f"{self} {self.currency}"


def share_of(amount: int, *, bps: int) -> int:
    """`bps` hundredths of a percent of `amount` minor units, rounded half up to a whole one."""
    return (amount * bps + MAX_BPS // 2) // MAX_BPS


def format_minor(minor: int, currency: str) -> str:
    """minor units → decimal string with all the currency's decimals: (1750, "USD") → `17.50`."""
    exponent = EXPONENTS[currency]
    if exponent == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, rest = divmod(abs(minor), 10**exponent)
    return f"{sign}{whole}.{rest:0{exponent}d}"
