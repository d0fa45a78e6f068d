"""HTTP of quotas."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.auth import service as auth
from app.auth.errors import OwnAccount, UserNotFound
from app.auth.guard import (
    confirm_admin_code,
    current_admin,
    current_user,
    requires,
    requires_admin_code,
)
from app.auth.models import Role
from app.auth.quotas import administration, service
from app.auth.quotas.quota import Quota
from app.auth.quotas.schemas import QuotaOut, SetUserQuotaIn
from app.auth.quotas.service import QuotaUsage
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.common.ratelimit import per_caller

blp = Blueprint("quotas", __name__, url_prefix="/quotas", description="Quotas of a user")
admin_blp = Blueprint(
    "admin-quotas", __name__, url_prefix="/admin/users", description="Quotas of users"
)


@blp.get("")
@requires(blp, scope=Scope.PRODUCTS_READ)
@blp.response(200, QuotaOut(many=True))
@per_caller("60/minute")
def list_quotas() -> Sequence[QuotaUsage]:
    """List quotas

    Returns how much of each resource the user has and can have. A request that would exceed a
    maximum is refused with 403 `QUOTA_EXCEEDED`. What is deleted or closed no longer counts.
    """
    with reading() as session:
        return service.list_usages(session, user_id=current_user(session).id)


@admin_blp.get("/<uuid:user_id>/quotas")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, QuotaOut(many=True))
@admin_blp.errors(UserNotFound)
def list_user_quotas(user_id: UUID) -> Sequence[QuotaUsage]:
    """List a user's quotas

    Returns what the user sees at `/quotas`.
    """
    with reading() as session:
        current_admin(session)
        return service.list_usages(session, user_id=auth.require_user(session, user_id).id)


@admin_blp.put("/<uuid:user_id>/quotas")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(SetUserQuotaIn)
@idempotent(admin_blp)
@admin_blp.response(200, QuotaOut(many=True))
@admin_blp.errors(UserNotFound, OwnAccount)
@requires_admin_code(admin_blp)
def set_user_quota(body: dict[str, Any], user_id: UUID) -> Sequence[QuotaUsage]:
    """Set a user's quota

    Replaces the maximum of the installation for that user. What the user has above a lower maximum
    is kept, but nothing can be added.
    """
    with transaction() as session:
        actor = current_admin(session)
        administration.set_for_user(
            session,
            actor_id=actor.id,
            user_id=user_id,
            quota=Quota(body["quota"]),
            maximum=body["maximum"],
        )
        confirm_admin_code(session)
        return service.list_usages(session, user_id=user_id)
