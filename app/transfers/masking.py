"""What people see of each other.

Masked: enough to recognise somebody one knows, too little to learn who a stranger is. Every gap
is three or four dots, however much it hides.
"""

from typing import Final

from app.auth.models import User

_GAP: Final = "•••"


def masked_name(user: User) -> str | None:
    """`A••• J.`, or None for an account without names."""
    parts = []
    if user.first_name:
        parts.append(user.first_name[0] + _GAP)
    if user.last_name:
        parts.append(user.last_name[0] + ("." if parts else _GAP))
    return " ".join(parts) or None


def masked_email(email: str | None) -> str | None:
    """`a•••@e•••.com`."""
    if email is None:
        return None
    local, _, domain = email.rpartition("@")
    return f"{local[0]}{_GAP}@{domain[0]}{_GAP}.{domain.rpartition('.')[2]}"


def masked_number(wallet_number: str) -> str:
    """`•••• •••• 5516`."""
    return f"•••• •••• {wallet_number[-4:]}"


def short_name(user: User) -> str:
    """What those who exchange money see of each other: `Alice J.`

    For an account without a first name it is masked: its name, its email, or its phone number.
    """
    if user.first_name:
        return " ".join([user.first_name, *([f"{user.last_name[0]}."] if user.last_name else [])])
    phone = f"{_GAP}{(user.phone or '')[-2:]}"
    return masked_name(user) or masked_email(user.email) or phone
