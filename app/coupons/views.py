"""HTTP of coupons."""

from typing import Any
from uuid import UUID

from flask import Response

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.pagination import SortablePageArgs
from app.common.replica import may_lag
from app.coupons import service
from app.coupons.errors import CouponCodeTaken, CouponInvalid, CouponNotFound, CouponUsedUp
from app.coupons.schemas import CouponList, CouponOut, CreateCouponIn, UpdateCouponIn, coupon_out
from app.products.errors import ProductNotFound, UnauthorizedProductAccess

blp = Blueprint("coupons", __name__, url_prefix="/coupons", description="Discount codes")


@blp.post("")
@requires(blp, Role.MERCHANT, scope=Scope.COUPONS_WRITE)
@blp.arguments(CreateCouponIn)
@idempotent(blp)
@blp.response(201, CouponOut)
@blp.errors(CouponCodeTaken, ProductNotFound, UnauthorizedProductAccess, QuotaExceeded)
def create_coupon(body: dict[str, Any]) -> Response:
    """Create a coupon

    Buyers send its code, in upper or lower case, as `couponCode` of `POST /orders`. Usage limits
    are never exceeded, even by concurrent purchases.
    """
    with transaction() as session:
        coupon = service.create(
            session, merchant=current_user(session), currency=settings().default_currency, **body
        )
        response = coupon_out(coupon)
    return json_response(dump_json(response), 201)


@blp.get("")
@requires(blp, Role.MERCHANT, scope=Scope.COUPONS_READ)
@blp.arguments(SortablePageArgs, location="query")
@blp.response(200, CouponList)
@may_lag
def list_coupons(args: dict[str, Any]) -> Response:
    """List coupons

    Newest first, with the number of uses of each.
    """
    with reading() as session:
        found = service.list_coupons(session, merchant_id=current_user(session).id, **args)
    return json_response(dump_json(found.serialized(coupon_out)))


@blp.get("/<uuid:coupon_id>")
@requires(blp, Role.MERCHANT, scope=Scope.COUPONS_READ)
@blp.response(200, CouponOut)
@blp.errors(CouponNotFound)
def get_coupon(coupon_id: UUID) -> Response:
    """Get a coupon

    Includes how often it has been used.
    """
    with reading() as session:
        coupon = service.require_coupon(
            session, coupon_id=coupon_id, merchant_id=current_user(session).id
        )
    return json_response(dump_json(coupon_out(coupon)))


@blp.patch("/<uuid:coupon_id>")
@requires(blp, Role.MERCHANT, scope=Scope.COUPONS_WRITE)
@blp.arguments(UpdateCouponIn, required=False)
@idempotent(blp)
@blp.response(200, CouponOut)
@blp.errors(CouponNotFound, CouponInvalid, CouponUsedUp)
def update_coupon(body: dict[str, Any], coupon_id: UUID) -> Response:
    """Update a coupon

    Changes its validity period, usage limit and whether it is active. The discount cannot be
    changed: create another coupon instead.
    """
    with transaction() as session:
        coupon = service.update(
            session, merchant_id=current_user(session).id, coupon_id=coupon_id, **body
        )
        response = coupon_out(coupon)
    return json_response(dump_json(response))


@blp.delete("/<uuid:coupon_id>")
@requires(blp, Role.MERCHANT, scope=Scope.COUPONS_WRITE)
@idempotent(blp)
@blp.response(204)
@blp.errors(CouponNotFound)
def delete_coupon(coupon_id: UUID) -> None:
    """Delete a coupon

    Existing orders keep their discount. The code can be used for another coupon.
    """
    with transaction() as session:
        service.delete(session, merchant_id=current_user(session).id, coupon_id=coupon_id)
