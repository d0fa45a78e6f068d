"""Amounts: integer minor units inside, decimal strings outside."""

import re
from typing import Final, NamedTuple


class _Currency(NamedTuple):
    symbol: str
    decimals: int


#: Supported currencies (ISO 4217).
CURRENCIES: Final = {
    "USD": _Currency("$", 2),
    "EUR": _Currency("€", 2),
    "GBP": _Currency("£", 2),
    "INR": _Currency("₹", 2),
    "EGP": _Currency("E£", 2),
    "JPY": _Currency("¥", 0),
    "KWD": _Currency("KD ", 3),
}

_AMOUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))?")


def parse_amount(text: str, currency: str) -> int:
    """The minor units of a positive decimal amount such as `25.00`. Raises ValueError."""
    match = _AMOUNT.fullmatch(text)
    if match is None or currency not in CURRENCIES:
        raise ValueError("must be a decimal amount in a supported currency")
    decimals = CURRENCIES[currency].decimals
    fraction = match[2] or ""
    if len(fraction) > decimals:
        raise ValueError(f"must have at most {decimals} decimals")
    minor = int(match[1] + fraction.ljust(decimals, "0"))
    if minor == 0:
        raise ValueError("must be greater than zero")
    return minor


def format_decimal(minor: int, currency: str) -> str:
    """`1250.00`: the format of webhooks and statements."""
    return _decimal(minor, currency, separator="")


def format_money(minor: int, currency: str) -> str:
    """`$1,250.00`: the format of pages."""
    sign = "-" if minor < 0 else ""
    return sign + CURRENCIES[currency].symbol + _decimal(abs(minor), currency, separator=",")


def _decimal(minor: int, currency: str, *, separator: str) -> str:
    decimals = CURRENCIES[currency].decimals
    whole, fraction = divmod(abs(minor), 10**decimals)
    text = f"{whole:,}".replace(",", separator)
    return ("-" if minor < 0 else "") + (f"{text}.{fraction:0{decimals}}" if decimals else text)
