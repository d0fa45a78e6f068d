"""Cards of the sandbox: their number says what happens."""

from dataclasses import dataclass


class CardRefused(Exception):
    """It cannot be paid with. told: what the payer sees; code, decline_code: what the merchant is
    told, None when the form was only filled in wrongly."""

    def __init__(self, told: str, *, code: str | None = None, decline_code: str | None = None):
        super().__init__(told)
        self.told = told
        self.code = code
        self.decline_code = decline_code


@dataclass(frozen=True)
class Card:
    """What a card does. refund: what a refund to it is at first; later: what that becomes."""

    number: str
    what: str
    decline_code: str | None = None
    refund: str = "succeeded"
    later: str | None = None

    @property
    def spaced(self) -> str:
        return " ".join(self.number[place : place + 4] for place in range(0, 16, 4))


#: A part of those of https://docs.stripe.com/testing, with the same effects.
CARDS = (
    Card("4242424242424242", "pays"),
    Card("4000000000000002", "is declined", decline_code="generic_decline"),
    Card("4000000000009995", "has not enough money", decline_code="insufficient_funds"),
    Card(
        "4000000000007726",
        "pays; refunds take a while",
        refund="pending",
        later="succeeded",
    ),
    Card("4000000000005126", "pays; refunds fail later", later="failed"),
)

_BY_NUMBER = {card.number: card for card in CARDS}
_WORDS = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
}


def by_number(number: str) -> Card:
    """The card of that number. Raises KeyError."""
    return _BY_NUMBER[number]


def require_paying(number: str) -> Card:
    """The card that pays. number: as somebody types it. Raises CardRefused."""
    digits = "".join(number.split())
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and _luhn(digits)):
        raise CardRefused("Your card number is invalid.")
    card = _BY_NUMBER.get(digits)
    if card is None:
        told = "Your card was declined. Only test cards work here."
        raise CardRefused(told, code="card_declined", decline_code="test_mode_live_card")
    if card.decline_code is not None:
        raise CardRefused(
            _WORDS[card.decline_code], code="card_declined", decline_code=card.decline_code
        )
    return card


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: the check digit of card numbers."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0
