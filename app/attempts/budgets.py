"""What can be guessed through the API, and how often it may be tried: the one list of it.

A test compares it with the OpenAPI document, so that no endpoint that takes a secret is forgotten.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Attempts per day, and at once. per_caller: None where callers do not sign in."""

    name: str
    per_address: int
    per_caller: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInBudget(Budget):
    """per_device: of a device that has signed in to the account before. Of all others:
    per_account, per_account_and_address. One address must not be able to exhaust the account."""

    per_device: int
    per_account: int
    per_account_and_address: int


#: Wrong passwords.
PASSWORDS: Final = SignInBudget(
    name="passwords",
    per_caller=100,
    per_address=5000,
    per_device=100,
    per_account=600,
    per_account_and_address=200,
)
#: Codes of an authenticator app, and recovery codes.
SECOND_FACTORS: Final = Budget(name="second-factors", per_caller=100, per_address=2000)
#: Wrong codes of text messages, each of which is valid for a few attempts only.
PHONE_CODES: Final = Budget(name="phone-codes", per_caller=30, per_address=2000)
#: Different coupon codes, whether or not they exist.
COUPON_CODES: Final = Budget(name="coupon-codes", per_caller=100, per_address=2000)
#: Wrong licence keys.
LICENCE_KEYS: Final = Budget(name="licence-keys", per_address=2000)
#: Wrong tokens of payment requests and merchant codes.
PAYMENT_LINKS: Final = Budget(name="payment-links", per_caller=300, per_address=2000)
#: Wrong tokens of giveaways.
GIVEAWAY_LINKS: Final = Budget(name="giveaway-links", per_caller=300, per_address=2000)
#: Look-ups of users by email address, phone number or wallet number.
USER_LOOKUPS: Final = Budget(name="user-lookups", per_caller=300, per_address=2000)
