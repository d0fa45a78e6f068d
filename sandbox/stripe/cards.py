"""Test cards: the number selects the outcome."""

from dataclasses import dataclass


class CardError(Exception):
    """The card cannot be charged.

    message: for the payer. code, decline_code: for the merchant; None if the number is not valid,
    of which the merchant is not notified.
    """

    def __init__(self, message: str, *, code: str | None = None, decline_code: str | None = None):
        super().__init__(message)
        self.message = message
        self.code = code
        self.decline_code = decline_code


@dataclass(frozen=True)
class Card:
    """A test card. refund_status: of a new refund; final_refund_status: what it changes to."""

    number: str
    description: str
    decline_code: str | None = None
    refund_status: str = "succeeded"
    final_refund_status: str | None = None

    @property
    def spaced(self) -> str:
        return " ".join(self.number[start : start + 4] for start in range(0, 16, 4))


#: A selection from https://docs.stripe.com/testing, with the same effects.
CARDS = (
    Card("4242424242424242", "succeeds"),
    Card("4000000000000002", "declined", decline_code="generic_decline"),
    Card("4000000000009995", "declined: insufficient funds", decline_code="insufficient_funds"),
    Card(
        "4000000000007726",
        "succeeds; refunds are pending for a while",
        refund_status="pending",
        final_refund_status="succeeded",
    ),
    Card("4000000000005126", "succeeds; refunds fail later", final_refund_status="failed"),
)

_BY_NUMBER = {card.number: card for card in CARDS}
_DECLINE_MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
}


def by_number(number: str) -> Card:
    """The card with that number. Raises KeyError."""
    return _BY_NUMBER[number]


def authorize(number: str) -> Card:
    """The card to charge. number: as typed, with or without spaces. Raises CardError."""
    digits = "".join(number.split())
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and _luhn(digits)):
        raise CardError("Your card number is invalid.")
    card = _BY_NUMBER.get(digits)
    if card is None:
        message = "Your card was declined. Only test cards work here."
        raise CardError(message, code="card_declined", decline_code="test_mode_live_card")
    if card.decline_code is not None:
        raise CardError(
            _DECLINE_MESSAGES[card.decline_code],
            code="card_declined",
            decline_code=card.decline_code,
        )
    return card


def _luhn(digits: str) -> bool:
    """Verify the check digit of a card number (ISO/IEC 7812-1)."""
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0
