"""A user as a party of a movement, and since when it is known whose the account is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.auth.models import User


@dataclass(frozen=True, slots=True)
class Profile:
    """The attributes of a user that a movement needs. Others see `masking.public_name`."""

    id: UUID
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    shop_name: str | None
    support_email: str | None
    time_zone: str
    role: str
    is_active: bool
    email_verified_at: datetime | None
    phone_verified_at: datetime | None


def verified_since(user: User | Profile) -> datetime | None:
    """Since when the user has a verified email address or phone number."""
    times = (user.email_verified_at, user.phone_verified_at)
    return min((time for time in times if time is not None), default=None)
