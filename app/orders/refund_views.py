"""HTTP of refunds and of requests for them."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.guard import live_user, requires
from app.auth.models import Role, User
from app.auth.scopes import Scope
from app.auth.service import Caller
from app.common import queue
from app.common.db import after_commit, reading, transaction
from app.common.http import Blueprint, dump_json, json_response
from app.common.pagination import page_request
from app.gateway.errors import AmountNotPayable
from app.idempotency.http import answer_once, moves_money
from app.orders import claims, refunds, tasks
from app.orders.errors import (
    ClaimClosed,
    ClaimNotFound,
    ClaimOpen,
    OrderNotFound,
    OrderNotRefundable,
    RefundTooLarge,
)
from app.orders.models import Refund, RefundClaim, RefundStatus
from app.orders.refund_schemas import (
    CreateRefundIn,
    CreateRefundRequestIn,
    RefundOut,
    RefundRequestAnswerIn,
    RefundRequestList,
    RefundRequestOut,
    RefundRequestsArgs,
    claim_out,
    refund_out,
)
from app.wallets import service as wallets
from app.wallets.errors import BalanceTooLarge, InsufficientFunds, WalletLocked, WalletNotFound

blp = Blueprint("refunds", __name__, url_prefix="", description="Money that goes back")

_stand_in_line = partial(wallets.stand_in_line, alone=False)
_MONEY_ERRORS: Final = (
    AmountNotPayable,
    InsufficientFunds,
    WalletLocked,
    WalletNotFound,
    BalanceTooLarge,
)


@blp.post("/orders/<uuid:order_id>/refunds")
@requires(blp, Role.MERCHANT, scope=Scope.REFUNDS_WRITE)
@blp.arguments(CreateRefundIn, required=False)
@blp.response(201, RefundOut)
@blp.refuses(OrderNotFound, OrderNotRefundable, RefundTooLarge, *_MONEY_ERRORS)
@moves_money(blp)
def create_refund(body: dict[str, Any], order_id: UUID) -> Response:
    """Refund an order of mine

    `amount` of it, `units` of it, or all that is left. From my wallet to where it came from: the
    buyer's wallet, or through the gateway, PENDING until that says so. The platform gives its fee
    back in proportion. What can be sold again is: units, and codes that nobody looked at.
    Licences and download links end. The order is REFUNDED when nothing is left.
    """

    def work(session: Session, user: Caller, key: str | None) -> Refund:
        made = refunds.give(session, merchant=user, order_id=order_id, idempotency_key=key, **body)
        _see_through(session, made)
        return made

    return answer_once(
        work,
        render=refund_out,
        status=201,
        stand_in_line=_stand_in_line,
    )


def _see_through(session: Session, made: Refund) -> None:
    if made.status == RefundStatus.PENDING:
        after_commit(session, partial(queue.enqueue_call, tasks.give_back, made.id))


@blp.get("/orders/<uuid:order_id>/refunds")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.response(200, RefundOut(many=True))
@blp.refuses(OrderNotFound)
def list_refunds(order_id: UUID) -> Response:
    """The refunds of an order, oldest first

    For its buyer and its merchant.
    """
    with reading() as session:
        found = refunds.of_order(session, order_id=order_id, user_id=live_user(session).id)
    return json_response(dump_json([refund_out(one) for one in found]))


@blp.post("/orders/<uuid:order_id>/refund-requests")
@requires(blp, scope=Scope.ORDERS_WRITE)
@blp.arguments(CreateRefundRequestIn)
@blp.response(201, RefundRequestOut)
@blp.refuses(OrderNotFound, OrderNotRefundable, RefundTooLarge, ClaimOpen)
def create_refund_request(body: dict[str, Any], order_id: UUID) -> Response:
    """Ask for a refund of an order of mine

    The merchant approves or declines it. One request at a time for each order.
    """
    with transaction() as session:
        claim = claims.ask(session, buyer=live_user(session), order_id=order_id, **body)
        answer = claim_out(claim)
    return json_response(dump_json(answer), 201)


@blp.get("/refund-requests")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.arguments(RefundRequestsArgs, location="query")
@blp.response(200, RefundRequestList)
def list_refund_requests(args: dict[str, Any]) -> Response:
    """Requests for refunds, newest first

    Those that I made and those made to me.
    """
    page = page_request(args, key=(UUID,))
    with reading() as session:
        found = claims.of_user(session, page, user_id=live_user(session).id, role=args.get("role"))
    rows = [claim_out(claim) for claim in found.data]
    return json_response(dump_json({"data": rows, "meta": found.meta}))


@blp.post("/refund-requests/<uuid:refund_request_id>/approve")
@requires(blp, Role.MERCHANT, scope=Scope.REFUNDS_WRITE)
@blp.arguments(RefundRequestAnswerIn, required=False)
@blp.response(200, RefundRequestOut)
@blp.refuses(ClaimNotFound, ClaimClosed, OrderNotRefundable, RefundTooLarge, *_MONEY_ERRORS)
@moves_money(blp)
def approve_refund_request(body: dict[str, Any], refund_request_id: UUID) -> Response:
    """Approve a request for a refund

    It is refunded at once, or nothing happens.
    """

    def work(session: Session, user: Caller, key: str | None) -> RefundClaim:
        claim, made = claims.approve(
            session, merchant=user, claim_id=refund_request_id, idempotency_key=key, **body
        )
        _see_through(session, made)
        return claim

    return answer_once(
        work,
        render=claim_out,
        status=200,
        stand_in_line=_stand_in_line,
    )


@blp.post("/refund-requests/<uuid:refund_request_id>/decline")
@requires(blp, Role.MERCHANT, scope=Scope.REFUNDS_WRITE)
@blp.arguments(RefundRequestAnswerIn, required=False)
@blp.response(200, RefundRequestOut)
@blp.refuses(ClaimNotFound, ClaimClosed)
def decline_refund_request(body: dict[str, Any], refund_request_id: UUID) -> Response:
    """Decline a request for a refund

    The buyer may ask again.
    """
    return _decided(
        lambda session, user: claims.decline(
            session, merchant_id=user.id, claim_id=refund_request_id, **body
        )
    )


@blp.post("/refund-requests/<uuid:refund_request_id>/withdraw")
@requires(blp, scope=Scope.ORDERS_WRITE)
@blp.response(200, RefundRequestOut)
@blp.refuses(ClaimNotFound, ClaimClosed)
def withdraw_refund_request(refund_request_id: UUID) -> Response:
    """Withdraw my request for a refund

    I can ask again.
    """
    return _decided(
        lambda session, user: claims.withdraw(session, buyer_id=user.id, claim_id=refund_request_id)
    )


def _decided(decide: Callable[[Session, User], RefundClaim]) -> Response:
    with transaction() as session:
        answer = claim_out(decide(session, live_user(session)))
    return json_response(dump_json(answer))
