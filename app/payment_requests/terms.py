"""What requests and merchants' codes have in common: a link, and an amount that may be open."""

import re
import secrets
from decimal import Decimal
from typing import Final

from app.common.money import Money
from app.payment_requests.errors import AmountNotYours

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")


def new_token() -> str:
    """What the link of a request or code ends with: 128 random bits that nobody guesses.

    No more, because each character makes the printed code finer and harder to scan.
    """
    return secrets.token_urlsafe(16)


def may_be_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def link_to(token: str, *, base: str) -> str:
    """Where whoever has the token can look and pay. base: where the application is reached."""
    return f"{base}/pay/{token}"


def amount_due(fixed: int | None, chosen: Decimal | None, *, currency: str) -> Money:
    """What is to be paid. fixed: minor units; chosen: units of `currency`, by whoever pays.

    Raises AmountNotYours, AmountInvalid.
    """
    if fixed is not None and chosen is not None:
        raise AmountNotYours("The amount is fixed: leave it out.")
    if fixed is not None:
        return Money(fixed, currency)
    if chosen is None:
        raise AmountNotYours("The amount is left to you: say how much.")
    return Money.of(chosen, currency)
