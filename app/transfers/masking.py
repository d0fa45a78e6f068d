"""Masking of personal data shown to other users.

MaskedUser data lets users recognise an acquaintance but does not identify a stranger. A mask is
always three or four dots, regardless of the length it hides.
"""

from typing import Final

from app.auth.models import User
from app.auth.profile import Profile

_MASK: Final = "•••"


def masked_name(user: User | Profile) -> str | None:
    """`A••• J.`, or None for an account without names."""
    parts = []
    if user.first_name:
        parts.append(user.first_name[0] + _MASK)
    if user.last_name:
        parts.append(user.last_name[0] + ("." if parts else _MASK))
    return " ".join(parts) or None


def masked_email(email: str | None) -> str | None:
    """`a•••@e•••.com`."""
    if email is None:
        return None
    local, _, domain = email.rpartition("@")
    return f"{local[0]}{_MASK}@{domain[0]}{_MASK}.{domain.rpartition('.')[2]}"


def masked_number(wallet_number: str) -> str:
    """`•••• •••• 5516`."""
    return f"•••• •••• {wallet_number[-4:]}"


def short_name(user: User | Profile) -> str:
    """The name shown to the other party of a payment: `Alice J.`

    Without a first name, the masked last name, email address or phone number.
    """
    if user.first_name:
        return " ".join([user.first_name, *([f"{user.last_name[0]}."] if user.last_name else [])])
    phone = f"{_MASK}{(user.phone or '')[-2:]}"
    return masked_name(user) or masked_email(user.email) or phone
