"""What others may know about a user."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Profile:
    """What other parties of a movement may need to know about a user."""

    id: UUID
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    role: str
    is_active: bool
