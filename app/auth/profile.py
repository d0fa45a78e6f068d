"""A user as a party of a movement."""

from dataclasses import dataclass
from uuid import UUID


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
