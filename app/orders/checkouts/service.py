"""Orders that are paid at the gateway: reserved first, completed once the gateway reports payment.

PENDING → COMPLETED, FAILED (the checkout expired, or none could be created) or CANCELLED. The
reservation is released only after the gateway has confirmed that the order can no longer be paid.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.service import Caller
from app.common import clock
from app.common.errors import IdempotencyKeyReused
from app.common.ids import parse_id
from app.common.money import Money
from app.coupons import service as coupons
from app.delivery import service as delivery
from app.delivery.handler import OrderLine
from app.events import service as events
from app.events.catalogue.orders import (
    CheckoutEvent,
    OrderCancelled,
    OrderCompleted,
    OrderFailed,
    OrderPaymentFailed,
    OrderPending,
)
from app.gateway import service as gateway
from app.gateway.amounts import require_payable
from app.gateway.errors import GatewayUnavailable, InvalidGatewayObject
from app.gateway.types import (
    CheckoutSession,
    CheckoutSessionState,
    CheckoutSessionStatus,
    GatewayEventType,
)
from app.idempotency.service import Claim
from app.inbox.errors import Quarantine, QuarantineReason
from app.inbox.models import InboundEvent
from app.orders import repository
from app.orders.checkouts.polling import POLLING
from app.orders.errors import OrderNotCancellable, OrderNotFound
from app.orders.models import Checkout, Order, OrderStatus, PaymentMethod
from app.orders.purchases import locked_state, pricing
from app.orders.purchases.pricing import Basket, Purchase, Reserved, Sale
from app.products import service as products
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.models import SystemCode

#: Delay between the expiry of a checkout and polling: the gateway usually sends an event first.
_GRACE: Final = timedelta(minutes=1)
#: Why an order failed that was not paid in time.
EXPIRED: Final = "The checkout expired"


@dataclass(frozen=True, slots=True)
class PayableOrder:
    """A PENDING order with everything that the gateway needs for its checkout session."""

    order: Order
    product_name: str
    buyer_email: str | None
    checkout: Checkout

    @property
    def money(self) -> Money:
        return Money(self.order.amount, self.order.currency)

    @property
    def unit(self) -> Money:
        return Money(self.order.unit_price, self.order.currency)


def create_order(
    session: Session,
    *,
    buyer: Caller,
    basket: Basket,
    claim: Claim | None,
    fee_bps: int,
    is_suspended: bool = False,
) -> UUID:
    """Reserve what is in the basket. Returns the id of the PENDING order, whose checkout session
    is to be created after the commit.

    A claim that was used before returns the same order again. fee_bps: the platform's default
    fee in basis points; is_suspended: whether the gateway is not called at the moment, so that
    nothing new is reserved. Raises what `pricing.reserve` raises, AmountNotPayable,
    IdempotencyKeyReused, GatewayUnavailable.
    """
    if claim is not None:
        earlier = repository.get_order_by_key(session, user_id=claim.user_id, key=claim.key)
        if earlier is not None:
            order: Order = earlier.Order
            made: Checkout | None = earlier.Checkout
            if made is None or made.fingerprint is None or not claim.is_of(made.fingerprint):
                raise IdempotencyKeyReused
            return order.id
    if is_suspended:
        raise GatewayUnavailable
    return _reserve(session, buyer, basket, claim, fee_bps=fee_bps).order.id


def _reserve(
    session: Session, buyer: Caller, basket: Basket, claim: Claim | None, *, fee_bps: int
) -> Sale:
    locked = locked_state.lock(session, [(buyer.id, basket)])()
    purchase = Purchase(buyer, basket, locked.take_number(), claim.key if claim else None)
    stock = locked.stocks.get(basket.product_id)
    merchant = None
    if stock is not None:
        seller = [stock.merchant_id]
        accounts = wallets.lock_accounts(session, user_ids=seller, currency=stock.currency)
        merchant = accounts.get(stock.merchant_id)
    coupon = locked.coupon_for(purchase, stock)
    reserved = repository.get_reservations(
        session,
        user_id=buyer.id,
        product_id=basket.product_id,
        coupon_id=coupon.id if coupon else None,
    )
    sale = pricing.reserve(
        purchase,
        product=stock,
        merchant=merchant,
        coupon=coupon,
        units_before=locked.units_of(purchase),
        reserved=Reserved(reserved.orders, int(reserved.units), reserved.coupon_uses),
        fee_bps=fee_bps,
        now=clock.now(),
    )
    require_payable(Money(sale.order.amount, sale.order.currency))
    locked.apply(sale)
    checks = locked_state.write(session, [sale])
    expires_at = gateway.new_session_expiry()
    repository.insert_checkout(
        session,
        order_id=sale.order.id,
        fingerprint=claim.fingerprint if claim else None,
        expires_at=expires_at,
        # With a key the buyer can continue for as long as a session would last.
        next_attempt_at=expires_at + _GRACE if claim else clock.now() + POLLING.backoff.first,
    )
    events.record(session, [_event(OrderPending, sale.order, version=1)])
    for check in checks:
        check()
    return sale


def get_payable(session: Session, *, order_id: UUID) -> PayableOrder | None:
    """The order, to open or expire its checkout; None if it is no longer PENDING."""
    row = repository.get_payable_order(session, order_id)
    if row is None or row.Order.status != OrderStatus.PENDING:
        return None
    return PayableOrder(row.Order, row.name, row.email, row.Checkout)


def renew_expiry(session: Session, *, order_id: UUID, passed: datetime) -> PayableOrder | None:
    """Give an order whose checkout session was never created a later expiry, so that it can be.

    passed: the expiry that the gateway no longer accepts. Of concurrent calls one sets the new
    expiry, which all of them return. None if the order is no longer PENDING.
    """
    repository.lock_order(session, order_id)
    found = get_payable(session, order_id=order_id)
    if found is not None and found.checkout.expires_at == passed:
        found.checkout.expires_at = gateway.new_session_expiry()
        found.checkout.next_attempt_at = found.checkout.expires_at + _GRACE
        session.flush()
    return found


def record_session(
    session: Session, *, order_id: UUID, page: CheckoutSession
) -> PayableOrder | None:
    """Record the checkout session of an order. None if the order can no longer be paid."""
    order = repository.lock_order(session, order_id)
    if order.status != OrderStatus.PENDING:
        return None
    found = get_payable(session, order_id=order_id)
    if found is not None:
        order.stripe_session_id = page.session_id
        order.stripe_payment_intent_id = page.payment_intent_id
        found.checkout.url = page.url
        found.checkout.attempts = 0
        found.checkout.next_attempt_at = found.checkout.expires_at + _GRACE
        session.flush()
    return found


def owns(session: Session, *, provider: str, reference: str) -> bool:
    """Whether the reference is an order that is paid at the gateway."""
    order_id = parse_id(reference)
    if provider != gateway.PROVIDER or order_id is None:
        return False
    return repository.get_payable_order(session, order_id) is not None


def handle(session: Session, event: InboundEvent) -> None:
    """Apply an event of the gateway about a checkout or a payment. Idempotent.

    Raises Quarantine when the event contradicts our record, BalanceTooLarge when the merchant's
    wallet cannot receive the money yet.
    """
    order_id = UUID(event.reference)
    if event.type == GatewayEventType.PAYMENT_FAILED:
        _record_failure(session, order_id=order_id, reason=event.reason)
        return
    try:
        state = gateway.checkout_session_of(event)
    except InvalidGatewayObject as error:
        raise Quarantine(QuarantineReason.NOT_UNDERSTOOD, theirs={"problem": str(error)}) from error
    apply_state(session, order_id=order_id, state=state)


def apply_state(session: Session, *, order_id: UUID, state: CheckoutSessionState) -> Order:
    """Complete the order if the checkout was paid, fail it if the checkout expired.

    Needs a ledger transaction. Raises Quarantine, BalanceTooLarge.
    """
    order = _lock(session, order_id)
    _require_agreement(order, state)
    if state.status is CheckoutSessionStatus.PAID:
        _complete(session, order, state)
    elif state.status is CheckoutSessionStatus.EXPIRED:
        _expire(session, order)
    return order


def _lock(session: Session, order_id: UUID) -> Order:
    """Lock the order, its product first, as purchases do."""
    product_id = repository.get_product_id(session, order_id=order_id)
    if product_id is not None:
        products.lock_stock(session, [product_id])()
    return repository.lock_order(session, order_id)


def _require_agreement(order: Order, state: CheckoutSessionState) -> None:
    ours = {"amount": order.amount, "currency": order.currency}
    theirs = {"amount": state.amount, "currency": state.currency}
    if order.stripe_session_id is not None:
        ours["session"], theirs["session"] = order.stripe_session_id, state.session_id
    if ours != theirs:
        raise Quarantine(QuarantineReason.VALUES_DIFFER, ours=_names(order) | ours, theirs=theirs)


def _names(order: Order) -> dict[str, str]:
    """The order, for people who review a contradiction."""
    return {"orderId": str(order.id), "orderNumber": order.number}


def _complete(session: Session, order: Order, state: CheckoutSessionState) -> None:
    if order.status in (OrderStatus.COMPLETED, OrderStatus.REFUNDED):
        return
    if order.status != OrderStatus.PENDING:
        ours = _names(order) | {"status": order.status}
        raise Quarantine(QuarantineReason.PAID_AFTER_END, ours=ours)
    row = repository.get_payable_order(session, order.id)
    merchant = wallets.require_account(session, user_id=order.merchant_id, currency=order.currency)
    # The buyer has paid, so the goods are delivered even if the merchant was deactivated or locked
    # meanwhile. The money stays in the merchant's wallet, which the lock keeps from spending it.
    merchant.require_room(order.amount)
    source = ledger.system_account(SystemCode.GATEWAY, order.currency)
    entry = pricing.payment_entry(order, row.name, source, merchant, kind="GATEWAY_PURCHASE")
    posted = ledger.post(session, entry)
    delivery.deliver(session, [_line(order, row.kind)])
    now = clock.now()
    order.status, order.completed_at, order.updated_at = OrderStatus.COMPLETED.value, now, now
    order.stripe_session_id = state.session_id
    order.stripe_payment_intent_id = state.payment_intent_id
    order.failure_reason = None
    row.Checkout.next_attempt_at = None
    session.flush()
    events.record(session, [_event(OrderCompleted, order), *wallets.balance_events(posted)])


def _expire(session: Session, order: Order) -> None:
    """End an unpaid order. It is cancelled if the buyer has asked for that, which is what makes the
    checkout expire then: the gateway may report it before we have its answer."""
    if order.status != OrderStatus.PENDING:
        return
    if repository.get_payable_order(session, order.id).Checkout.cancel_requested:
        _release(session, order, OrderStatus.CANCELLED, OrderCancelled)
    else:
        _fail(session, order, EXPIRED)


def _fail(session: Session, order: Order, reason: str) -> None:
    if order.status == OrderStatus.PENDING:
        order.failed_at, order.failure_reason = clock.now(), reason
        _release(session, order, OrderStatus.FAILED, OrderFailed)


def _release(
    session: Session, order: Order, status: OrderStatus, event_type: type[CheckoutEvent]
) -> None:
    """Release what an order has reserved. The product is locked already."""
    stock = products.lock_stock(session, [order.product_id])()[order.product_id]
    delivery.release(session, _line(order, stock.kind))
    stock.restock(order.quantity)
    products.write_stock(session, [stock])
    coupons.release_use(session, order_id=order.id)
    order.status, order.updated_at = status.value, clock.now()
    repository.get_payable_order(session, order.id).Checkout.next_attempt_at = None
    session.flush()
    events.record(session, [_event(event_type, order)])


def _line(order: Order, kind: str) -> OrderLine:
    """The order as delivery handlers take it. kind: of its product."""
    return OrderLine.of(order, kind=kind)


def _record_failure(session: Session, *, order_id: UUID, reason: str | None) -> None:
    """Record a declined card. The checkout stays open for another attempt."""
    order = repository.lock_order(session, order_id)
    if order.status == OrderStatus.PENDING:
        order.failure_reason, order.updated_at = reason or "The payment failed", clock.now()
        session.flush()
        events.record(session, [_event(OrderPaymentFailed, order)])


def fail_unpayable(session: Session, *, order_id: UUID, reason: str) -> None:
    """Fail an order that has no checkout session and gets none.

    Does nothing if a concurrent request has created a session in the meantime.
    """
    order = _lock(session, order_id)
    if order.stripe_session_id is None:
        _fail(session, order, reason)


def request_cancellation(session: Session, *, order_id: UUID, user_id: UUID) -> PayableOrder:
    """Record that the buyer of an unpaid order wants to cancel it, whose checkout is to be expired
    after the commit.

    Raises OrderNotFound for anyone but the buyer, OrderNotCancellable.
    """
    row = repository.get_order_for(session, order_id=order_id, user_id=user_id)
    if row is None or row.Order.user_id != user_id:
        raise OrderNotFound
    found = get_payable(session, order_id=order_id)
    if found is None:
        raise OrderNotCancellable(status=row.Order.status)
    found.checkout.cancel_requested = True
    session.flush()
    return found


def cancel(session: Session, *, order_id: UUID, state: CheckoutSessionState | None) -> None:
    """Cancel an order whose checkout has expired. If it was paid first, complete it instead.

    state: None if it never had a checkout session.
    Raises OrderNotCancellable, and what `apply_state` raises.
    """
    order = _lock(session, order_id)
    if state is not None:
        _require_agreement(order, state)
    if state is not None and state.status is CheckoutSessionStatus.PAID:
        _complete(session, order, state)
    elif order.status == OrderStatus.PENDING and _has_ended(order, state):
        _release(session, order, OrderStatus.CANCELLED, OrderCancelled)
    if order.status != OrderStatus.CANCELLED:
        raise OrderNotCancellable(status=order.status)


def _has_ended(order: Order, state: CheckoutSessionState | None) -> bool:
    """Whether the order can no longer be paid. state: None if it never had a checkout session."""
    if state is None:
        return order.stripe_session_id is None
    return state.status is CheckoutSessionStatus.EXPIRED


def _event(
    kind: type[CheckoutEvent | OrderCompleted], order: Order, *, version: int | None = None
) -> CheckoutEvent | OrderCompleted:
    method, reason = PaymentMethod.GATEWAY.value, order.failure_reason
    return kind.of(order, aggregate_version=version, payment_method=method, reason=reason)
