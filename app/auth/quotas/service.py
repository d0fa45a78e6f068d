"""Quotas: how much of each resource a user can have at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.quotas import repository
from app.auth.quotas.errors import QuotaExceeded
from app.auth.quotas.quota import Quota
from app.common.process_state import Handlers, Slot


class Count(Protocol):
    """How much a user has of a resource. limit: where counting may stop, None to count all."""

    def __call__(self, session: Session, *, user_id: UUID, limit: int | None = None) -> int: ...


#: How each quota is counted, by the module that owns the rows.
counts: Final[Handlers[Quota, Count]] = Handlers("counts of quotas")

#: The maximums of this installation.
maximums: Final[Slot[Mapping[Quota, int]]] = Slot("maximums of quotas")


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """How much a user has of a resource. is_own: whether the maximum was set for this user."""

    quota: Quota
    used: int
    maximum: int
    is_own: bool


def require_room(
    session: Session, *, user_id: UUID, quota: Quota, units: int = 1, counted: bool = False
) -> None:
    """Require that the user may have so many units more.

    Until the transaction ends, others that ask for the same quota of the user wait, so that
    together they stay within it. counted: whether the transaction has written the units already.
    Raises QuotaExceeded.
    """
    repository.lock_quota(session, user_id=user_id, quota=quota)
    maximum = get_maximum(session, user_id=user_id, quota=quota)
    # One more than the largest number that is accepted decides.
    used = counts[quota](session, user_id=user_id, limit=maximum + 1)
    used -= units if counted else 0
    if used + units > maximum:
        raise QuotaExceeded(quota, used=used, requested=units, maximum=maximum)


def get_maximum(session: Session, *, user_id: UUID, quota: Quota) -> int:
    return repository.get_maximums(session, user_id).get(quota, maximums()[quota])


def list_usages(session: Session, *, user_id: UUID) -> Sequence[QuotaUsage]:
    """What the user has of each resource, and could have."""
    own = repository.get_maximums(session, user_id)
    return [
        QuotaUsage(
            quota,
            used=counts[quota](session, user_id=user_id),
            maximum=own.get(quota, maximum),
            is_own=quota in own,
        )
        for quota, maximum in maximums().items()
    ]
