"""Amounts: integer minor units inside, decimal strings outside."""

import re
from typing import Final, NamedTuple


class _Currency(NamedTuple):
    symbol: str
    decimals: int


#: What the bank keeps accounts in (ISO 4217).
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


def parse(amount: str, currency: str) -> int:
    """The minor units of an amount above zero, such as `25.00`; ValueError if it is none."""
    match = _AMOUNT.fullmatch(amount)
    if match is None or currency not in CURRENCIES:
        raise ValueError("is no amount of a currency that this bank keeps")
    decimals = CURRENCIES[currency].decimals
    fraction = match[2] or ""
    if len(fraction) > decimals:
        raise ValueError(f"has more than {decimals} decimals")
    minor = int(match[1] + fraction.ljust(decimals, "0"))
    if minor == 0:
        raise ValueError("must be more than zero")
    return minor


def plain(minor: int, currency: str) -> str:
    """`1250.00`: as it is written in webhooks and statements."""
    return _decimal(minor, currency, group="")


def shown(minor: int, currency: str) -> str:
    """`$1,250.00`: as it is written for people."""
    sign = "-" if minor < 0 else ""
    return sign + CURRENCIES[currency].symbol + _decimal(abs(minor), currency, group=",")


def _decimal(minor: int, currency: str, *, group: str) -> str:
    decimals = CURRENCIES[currency].decimals
    whole, fraction = divmod(abs(minor), 10**decimals)
    text = f"{whole:,}".replace(",", group)
    return ("-" if minor < 0 else "") + (f"{text}.{fraction:0{decimals}}" if decimals else text)
