"""Email addresses in the form in which they are stored."""

from typing import Final

import email_validator

from app.common.text import visible_text

# Test addresses such as alice@shop.test are allowed.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

#: More than RFC 5321 (4.5.3.1) allows, in characters that may be composed.
_MAX_EMAIL: Final = 1000


def canonical_email(text: str) -> str | None:
    """The normalized address (RFC 5321, 6531), or None if it is invalid."""
    text = visible_text(text)
    if len(text) > _MAX_EMAIL:
        return None
    try:
        return email_validator.validate_email(text, check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        return None


def canonical_domain(text: str) -> str | None:
    """The domain as `canonical_email` has it, or None if no address can have it."""
    email = None if "@" in text else canonical_email(f"somebody@{text}")
    return None if email is None else email.rpartition("@")[2]
