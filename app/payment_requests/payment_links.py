"""Payment links of payment requests and merchant codes, and the amount to pay."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

from app.common.money import Money
from app.orders.purchases.pricing import require_expected_amount
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


@dataclass(frozen=True, slots=True)
class PayerAmount:
    """What a payer says about the amount, in units of the currency.

    chosen: if no amount is fixed; expected: what the payer was shown, None to pay whatever it is.
    """

    chosen: Decimal | None = None
    expected: Decimal | None = None

    def stored(self) -> dict[str, str | None]:
        """As JSON."""
        return {
            "amount": None if self.chosen is None else str(self.chosen),
            "expectedAmount": None if self.expected is None else str(self.expected),
        }

    @classmethod
    def restore(cls, stored: Mapping[str, str | None]) -> Self:
        """stored: of `stored`, and anything else."""
        chosen, expected = stored["amount"], stored["expectedAmount"]
        return cls(
            None if chosen is None else Decimal(chosen),
            None if expected is None else Decimal(expected),
        )


def amount_due(fixed: int | None, payer: PayerAmount, *, currency: str) -> Money:
    """The amount to pay. fixed: minor units of `currency`.

    Raises AmountChoiceInvalid, AmountInvalid, PriceChanged.
    """
    if payer.chosen is not None:
        if fixed is not None:
            raise AmountChoiceInvalid("The amount is fixed; omit this field.")
        due = Money.of(payer.chosen, currency)
    elif fixed is None:
        raise AmountChoiceInvalid("Required, because no amount is fixed.")
    else:
        due = Money(fixed, currency)
    require_expected_amount(payer.expected, due)
    return due
