"""HTTP responses to requests about orders that are paid at the gateway."""

from functools import partial
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.service import Caller
from app.common.db import reading, retry_transaction
from app.common.errors import AppError
from app.common.http import settings
from app.gateway import client
from app.gateway.errors import GatewayRefused
from app.gateway.types import CheckoutSession
from app.idempotency.http import RequestContext, respond
from app.idempotency.service import StoredResponse
from app.inbox.errors import Quarantine
from app.ledger_lock.service import ledger_transaction
from app.orders.checkouts import client as pages
from app.orders.checkouts import polling
from app.orders.checkouts import service as checkouts
from app.orders.checkouts.service import PayableOrder
from app.orders.errors import CheckoutEnded, OrderNotCancellable
from app.orders.models import OrderStatus
from app.orders.purchases import service
from app.orders.purchases.pricing import Basket
from app.orders.purchases.schemas import checkout_response, order_response
from app.wallets.movements.http import run_once


def respond_with_checkout(basket: Basket) -> Response:
    """Reserve an order for the caller, once per Idempotency-Key, and respond with its checkout.

    The gateway is called between two transactions. If it does not respond, the order stays
    PENDING: a retry with the same key continues it, or else a scheduled job ends it. Until the
    checkout is known, the key belongs to the order.
    Raises what `checkouts.create_order` raises, CheckoutEnded, GatewayNotConfigured,
    GatewayUnavailable, GatewayRefused.
    """
    client.require_config()
    is_suspended = client.is_suspended()
    context = RequestContext.current()

    def create_order(session: Session, caller: Caller, key: str | None) -> UUID:
        return checkouts.create_order(
            session,
            buyer=caller,
            basket=basket,
            claim=context.request.claim,
            fee_bps=settings().platform_fee_bps,
            is_suspended=is_suspended,
        )

    outcome: StoredResponse | AppError | UUID = run_once(context, create_order)
    return respond(_open(context, outcome) if isinstance(outcome, UUID) else outcome)


def _open(context: RequestContext, order_id: UUID) -> StoredResponse | AppError:
    with reading() as session:
        found = checkouts.get_payable(session, order_id=order_id)
    page: CheckoutSession | None = None
    refusal: GatewayRefused | None = None
    try:
        page = _page_for(found) if found is not None else None
    except GatewayRefused as error:
        refusal = error
        fail = partial(checkouts.fail_unpayable, order_id=order_id, reason=error.text)
        ledger_transaction(fail)

    def record(session: Session, caller: Caller, key: str | None) -> StoredResponse:
        if refusal is not None:
            raise refusal  # stored under the key, like any other
        recorded = page and checkouts.record_session(session, order_id=order_id, page=page)
        details = service.require_order(session, order_id=order_id, user_id=caller.id)
        order = details.order
        if order.status in (OrderStatus.FAILED, OrderStatus.CANCELLED):
            raise CheckoutEnded(
                order_id=str(order.id),
                order_number=order.number,
                status=order.status,
                reason=order.failure_reason,
            )
        return checkout_response(details, page if recorded else None)

    return run_once(context, record)


def _page_for(found: PayableOrder) -> CheckoutSession | None:
    """The checkout session of an order, None if the order has ended meanwhile.

    The gateway accepts only expiries that are far enough ahead. If that of the order no longer is,
    because the request is a late retry or has waited, it gets a new one.
    """
    try:
        return pages.open_checkout(found)
    except GatewayRefused as error:
        if not error.is_too_late:
            raise
    renew = partial(
        checkouts.renew_expiry, order_id=found.order.id, passed=found.checkout.expires_at
    )
    renewed = retry_transaction(renew)
    return pages.open_checkout(renewed) if renewed is not None else None


def respond_with_cancellation(order_id: UUID) -> Response:
    """Cancel an unpaid order of the caller. The gateway is called between two transactions.

    If its response contradicts our record, the order is flagged and stays unchanged.
    Raises OrderNotFound, OrderNotCancellable, GatewayUnavailable, GatewayRefused, and
    BalanceTooLarge if it was paid and the merchant's wallet cannot receive the money yet.
    """
    context = RequestContext.current()

    def find(session: Session, caller: Caller, key: str | None) -> PayableOrder:
        return checkouts.request_cancellation(session, order_id=order_id, user_id=caller.id)

    # The order keeps the key that it was created with, and no row the one of its cancellation.
    outcome: StoredResponse | AppError | PayableOrder = run_once(context, find, moves_money=False)
    return respond(_cancel(context, outcome) if isinstance(outcome, PayableOrder) else outcome)


def _cancel(context: RequestContext, found: PayableOrder) -> StoredResponse | AppError:
    order_id = found.order.id
    state = pages.close_checkout(found)

    def record(session: Session, caller: Caller, key: str | None) -> StoredResponse:
        try:
            checkouts.cancel(session, order_id=order_id, state=state)
        except OrderNotCancellable as error:  # it was paid first, which is kept
            return context.request.render_error(error)
        details = service.require_order(session, order_id=order_id, user_id=caller.id)
        return StoredResponse(200, order_response(details).body)

    try:
        return run_once(context, record, moves_money=False)
    except Quarantine as error:
        retry_transaction(partial(polling.flag, order_id=order_id, reason=error.reason.value))
        raise OrderNotCancellable(status=found.order.status) from error
