"""What others see of a user: the name of a shop, but of a person only what a friend recognises.

Masked data lets users recognise an acquaintance but does not identify a stranger. A mask is always
three or four dots, regardless of the length it hides.
"""

from typing import Final

from app.auth.models import Role, User
from app.auth.profile import Profile

_MASK: Final = "•••"
#: Hexadecimal digits of a merchant's ID, of its random part, that tell unnamed shops apart.
_SHOP_DIGITS: Final = 6


def public_name(user: User | Profile) -> str:
    """The name that everyone sees: of the shop, or of a person without one, `Alice J.`

    Without a first name, the masked last name; without names, `Merchant 3F9A21` for a merchant,
    and for others the masked email address or phone number.
    """
    if user.shop_name:
        return user.shop_name
    if names := " ".join(filter(None, public_names(user))):
        return names
    if user.role == Role.MERCHANT:
        return f"Merchant {user.id.hex[-_SHOP_DIGITS:].upper()}"
    phone = f"{_MASK}{(user.phone or '')[-2:]}"
    return masked_email(user.email) or phone


def public_names(user: User | Profile) -> tuple[str | None, str | None]:
    """What everyone sees of the first and last name of a person: `Alice` and `J.`

    Only a last name is masked. Nothing is shown of a person who has a shop with a name.
    """
    if user.shop_name or not (user.first_name or user.last_name):
        return None, None
    initial = user.last_name and user.last_name[0]
    if not user.first_name:
        return None, f"{initial}{_MASK}"
    return user.first_name, f"{initial}." if initial else None


def masked_name(user: User | Profile) -> str | None:
    """The name shown before users have to do with each other: of the shop, or `A••• J.`

    None for an account without names.
    """
    if user.shop_name:
        return user.shop_name
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
