"""Shops: what a merchant shows to everyone, instead of the person.

The profile is part of the merchant's account, so that every query of a user has it.
"""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.models import Role, User
from app.shops.errors import ShopNotFound


def update(session: Session, *, merchant_id: UUID, **changes: Any) -> User:
    """Change shop_name, support_email, time_zone, low_stock_units or goods_in_mail; omitted ones
    keep their values.

    Recorded in the audit log, because the name is what buyers trust.
    """
    merchant = require_shop(session, merchant_id=merchant_id)
    before: dict[str, Any] = {name: getattr(merchant, name) for name in changes}
    merchant = auth.change_profile(session, user_id=merchant_id, **changes)
    if before != changes:
        audit.record(
            session,
            actor_id=merchant_id,
            action="shop.update",
            target=("user", merchant_id),
            details={"before": before, "after": changes},
        )
    return merchant


def require_shop(session: Session, *, merchant_id: UUID) -> User:
    """An active merchant. Raises ShopNotFound."""
    merchant = auth.get_users_by_id(session, [merchant_id]).get(merchant_id)
    if merchant is None or merchant.role != Role.MERCHANT or not merchant.is_active:
        raise ShopNotFound
    return merchant
