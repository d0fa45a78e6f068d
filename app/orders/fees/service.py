"""Platform fees: the default one, or a custom one of a merchant."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.errors import UserNotFound
from app.auth.models import Role, User


@dataclass(frozen=True, slots=True)
class Fee:
    """The platform fee of a merchant. bps: basis points; own: whether it is a custom fee."""

    merchant_id: UUID
    bps: int
    own: bool


def require_fee(session: Session, *, merchant_id: UUID, default_bps: int) -> Fee:
    """The fee of a merchant. Raises UserNotFound for a user who is not a merchant."""
    return _fee(_require_merchant(session, merchant_id), default_bps)


def set_fee(
    session: Session, *, actor_id: UUID, merchant_id: UUID, bps: int | None, default_bps: int
) -> Fee:
    """Set the fee of a merchant's future sales. bps: basis points, None for the default fee.

    Raises UserNotFound for a user who is not a merchant.
    """
    merchant = _require_merchant(session, merchant_id)
    audit.record(
        session,
        actor_id=actor_id,
        action="merchant.fee",
        target=("user", merchant.id),
        details={"before": merchant.fee_bps, "after": bps},
    )
    merchant.fee_bps = bps
    session.flush()
    return _fee(merchant, default_bps)


def _require_merchant(session: Session, merchant_id: UUID) -> User:
    user = auth.require_user(session, merchant_id)
    if user.role != Role.MERCHANT:
        raise UserNotFound
    return user


def _fee(merchant: User, default_bps: int) -> Fee:
    own = merchant.fee_bps
    return Fee(merchant.id, default_bps if own is None else own, own=own is not None)
