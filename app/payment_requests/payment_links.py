"""Payment links of payment requests and merchant codes, and the amount to pay."""

import re
import secrets
from decimal import Decimal
from typing import Final

from app.common.money import Money
from app.payment_requests.errors import AmountChoiceInvalid

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")


def new_token() -> str:
    """A new token for the link of a request or code: 128 random bits.

    Each further character would make the printed QR code denser and harder to scan.
    """
    return secrets.token_urlsafe(16)


def may_be_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def link_to(token: str, *, base: str) -> str:
    """The payment link of a token. base: public URL of the application."""
    return f"{base}/pay/{token}"


def amount_due(fixed: int | None, chosen: Decimal | None, *, currency: str) -> Money:
    """The amount to pay. fixed: minor units; chosen: units of `currency`, as sent by the payer.

    Raises AmountChoiceInvalid, AmountInvalid.
    """
    if fixed is not None and chosen is not None:
        raise AmountChoiceInvalid("The amount is fixed; omit this field.")
    if fixed is not None:
        return Money(fixed, currency)
    if chosen is None:
        raise AmountChoiceInvalid("Required, because no amount is fixed.")
    return Money.of(chosen, currency)
