"""HTTP of refund requests."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.auth.service import Caller
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.idempotent import idempotent, takes_idempotency_key
from app.common.pagination import Page
from app.gateway.errors import AmountNotPayable
from app.orders.errors import (
    REFUND_ERRORS,
    OrderNotFound,
    OrderNotRefundable,
    RefundRequestClosed,
    RefundRequestNotFound,
    RefundRequestOpen,
    RefundTooLarge,
)
from app.orders.refund_requests import service as refund_requests
from app.orders.refund_requests.schemas import (
    CreateRefundRequestIn,
    RefundRequestAnswerIn,
    RefundRequestList,
    RefundRequestOut,
    RefundRequestsArgs,
)
from app.orders.refund_requests.service import RefundRequestDetails
from app.orders.refunds import tasks as refund_tasks
from app.wallets.movements.http import respond_once

blp = Blueprint("refund-requests", __name__, url_prefix="", description="Refund requests")

_render = RefundRequestOut().dump


@blp.post("/orders/<uuid:order_id>/refund-requests")
@requires(blp, scope=Scope.ORDERS_WRITE)
@blp.arguments(CreateRefundRequestIn)
@idempotent(blp)
@blp.response(201, RefundRequestOut)
@blp.errors(OrderNotFound, OrderNotRefundable, RefundTooLarge, RefundRequestOpen, AmountNotPayable)
def create_refund_request(body: dict[str, Any], order_id: UUID) -> RefundRequestDetails:
    """Create a refund request

    The merchant approves or declines it. An order can have one open request at a time.
    """
    with transaction() as session:
        return refund_requests.create_refund_request(
            session, buyer=current_user(session), order_id=order_id, **body
        )


@blp.get("/refund-requests")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.arguments(RefundRequestsArgs, location="query")
@blp.response(200, RefundRequestList)
def list_refund_requests(args: dict[str, Any]) -> Page[RefundRequestDetails]:
    """List refund requests

    Returns requests that the caller has made or received, newest first.
    """
    with reading() as session:
        return refund_requests.list_refund_requests(
            session, user_id=current_user(session).id, **args
        )


@blp.post("/refund-requests/<uuid:refund_request_id>/approve")
@requires(blp, Role.MERCHANT, scope=Scope.REFUNDS_WRITE)
@blp.arguments(RefundRequestAnswerIn, required=False)
@blp.response(200, RefundRequestOut)
@blp.errors(RefundRequestNotFound, RefundRequestClosed, *REFUND_ERRORS)
@takes_idempotency_key(blp)
def approve_refund_request(body: dict[str, Any], refund_request_id: UUID) -> Response:
    """Approve a refund request

    Creates the refund immediately, or changes nothing.
    """

    def work(session: Session, user: Caller, key: str | None) -> RefundRequestDetails:
        refund_request, made = refund_requests.approve_refund_request(
            session, merchant=user, refund_request_id=refund_request_id, idempotency_key=key, **body
        )
        refund_tasks.enqueue_if_pending(session, made)
        return refund_request

    return respond_once(work, render=_render, status=200)


@blp.post("/refund-requests/<uuid:refund_request_id>/decline")
@requires(blp, Role.MERCHANT, scope=Scope.REFUNDS_WRITE)
@blp.arguments(RefundRequestAnswerIn, required=False)
@idempotent(blp)
@blp.response(200, RefundRequestOut)
@blp.errors(RefundRequestNotFound, RefundRequestClosed)
def decline_refund_request(body: dict[str, Any], refund_request_id: UUID) -> RefundRequestDetails:
    """Decline a refund request

    The buyer can create another request.
    """
    with transaction() as session:
        user = current_user(session)
        return refund_requests.decline_refund_request(
            session, merchant_id=user.id, refund_request_id=refund_request_id, **body
        )


@blp.post("/refund-requests/<uuid:refund_request_id>/withdraw")
@requires(blp, scope=Scope.ORDERS_WRITE)
@idempotent(blp)
@blp.response(200, RefundRequestOut)
@blp.errors(RefundRequestNotFound, RefundRequestClosed)
def withdraw_refund_request(refund_request_id: UUID) -> RefundRequestDetails:
    """Withdraw a refund request

    For the buyer, who can create another request.
    """
    with transaction() as session:
        user = current_user(session)
        return refund_requests.withdraw_refund_request(
            session, buyer_id=user.id, refund_request_id=refund_request_id
        )
