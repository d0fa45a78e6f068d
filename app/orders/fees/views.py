"""HTTP of merchants' fees."""

from typing import Any
from uuid import UUID

import marshmallow as ma

from app.auth.errors import UserNotFound
from app.auth.guard import confirm_admin_code, current_admin, requires, requires_admin_code
from app.auth.models import Role
from app.common.db import reading, transaction
from app.common.fields import Schema, WholeNumber
from app.common.http import Blueprint, settings
from app.common.idempotent import idempotent
from app.common.money import MAX_BPS
from app.orders.fees import service as fees
from app.orders.fees.service import Fee

blp = Blueprint(
    "admin-fees", __name__, url_prefix="/admin/merchants", description="Fees of merchants"
)

_BPS = {"description": "Fee in basis points (0.01%) of each sale", "example": 250}


class SetMerchantFeeIn(Schema):
    bps = WholeNumber(minimum=0, maximum=MAX_BPS, required=True, metadata=_BPS)


class MerchantFeeOut(Schema):
    merchant_id = ma.fields.UUID(required=True)
    bps = ma.fields.Integer(required=True, metadata=_BPS)
    own = ma.fields.Boolean(
        required=True, metadata={"description": "Whether it was set for this merchant"}
    )


@blp.get("/<uuid:merchant_id>/fee")
@requires(blp, Role.ADMIN)
@blp.response(200, MerchantFeeOut)
@blp.errors(UserNotFound)
def get_merchant_fee(merchant_id: UUID) -> Fee:
    """Get a merchant's fee

    Returns the platform's default fee, or the one set for this merchant.
    """
    with reading() as session:
        current_admin(session)
        return fees.require_fee(
            session, merchant_id=merchant_id, default_bps=settings().platform_fee_bps
        )


@blp.put("/<uuid:merchant_id>/fee")
@requires(blp, Role.ADMIN)
@blp.arguments(SetMerchantFeeIn)
@idempotent(blp)
@blp.response(200, MerchantFeeOut)
@blp.errors(UserNotFound)
@requires_admin_code(blp)
def set_merchant_fee(body: dict[str, Any], merchant_id: UUID) -> Fee:
    """Set a merchant's fee

    Applies to sales from now on. Refunds return the fee that was charged.
    """
    return _set_fee(merchant_id, bps=body["bps"])


@blp.delete("/<uuid:merchant_id>/fee")
@requires(blp, Role.ADMIN)
@idempotent(blp)
@blp.response(200, MerchantFeeOut)
@blp.errors(UserNotFound)
@requires_admin_code(blp)
def reset_merchant_fee(merchant_id: UUID) -> Fee:
    """Reset a merchant's fee

    The default fee applies to sales from now on.
    """
    return _set_fee(merchant_id, bps=None)


def _set_fee(merchant_id: UUID, *, bps: int | None) -> Fee:
    with transaction() as session:
        fee = fees.set_fee(
            session,
            actor_id=current_admin(session).id,
            merchant_id=merchant_id,
            bps=bps,
            default_bps=settings().platform_fee_bps,
        )
        confirm_admin_code(session)
        return fee
