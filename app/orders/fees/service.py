"""What the platform takes of a merchant's sales: the usual share, or one agreed upon."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.errors import UserNotFound
from app.auth.models import Role, User


@dataclass(frozen=True, slots=True)
class Fee:
    """bps: hundredths of a percent; own: whether it was agreed upon with this merchant."""

    merchant_id: UUID
    bps: int
    own: bool


def of_merchant(session: Session, *, merchant_id: UUID, usual_bps: int) -> Fee:
    """Raises UserNotFound for whoever is no merchant."""
    return _fee(_require_merchant(session, merchant_id), usual_bps)


def agree(
    session: Session, *, actor_id: UUID, merchant_id: UUID, bps: int | None, usual_bps: int
) -> Fee:
    """Take so much of the merchant's sales from now on; None for the usual. Raises UserNotFound."""
    merchant = _require_merchant(session, merchant_id)
    audit.record(
        session,
        actor_id=actor_id,
        action="merchant.fee",
        target_type="user",
        target_id=merchant.id,
        details={"before": merchant.fee_bps, "after": bps},
    )
    merchant.fee_bps = bps
    session.flush()
    return _fee(merchant, usual_bps)


def _require_merchant(session: Session, merchant_id: UUID) -> User:
    user = auth.require_user(session, merchant_id)
    if user.role != Role.MERCHANT:
        raise UserNotFound
    return user


def _fee(merchant: User, usual_bps: int) -> Fee:
    own = merchant.fee_bps
    return Fee(merchant.id, usual_bps if own is None else own, own=own is not None)
