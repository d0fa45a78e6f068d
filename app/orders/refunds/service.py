"""Refunds of orders, in full or in parts, exact to the minor unit."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.delivery import service as delivery
from app.delivery.handler import OrderLine
from app.events import service as events
from app.events.base import OMITTED
from app.events.catalogue.orders import OrderRefunded
from app.gateway.amounts import granularity, require_payable
from app.orders import repository
from app.orders.errors import OrderNotFound, OrderNotRefundable, RefundTooLarge
from app.orders.models import Order, OrderStatus, PaymentMethod, Refund, RefundRow, RefundStatus
from app.orders.refunds.gateway_refunds import POLLING
from app.products import service as products
from app.products.service import Stock
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.ledger import Account, Entry, Posting, system_account
from app.wallets.models import SystemCode, TransactionType
from app.wallets.outflow import obligation


@dataclass(frozen=True, slots=True)
class RefundDetails:
    """A refund, and the number of its order."""

    refund: Refund
    order_number: str

    @property
    def currency(self) -> str:
        return self.refund.currency

    @property
    def by_platform(self) -> bool:
        """Whether an administrator made it for the merchant."""
        return is_by_platform(self.refund)


@dataclass(frozen=True, slots=True)
class RefundBreakdown:
    """What a refund consists of. amount: minor units to the buyer; fee: minor units of the
    platform fee back to the merchant; units: units that are taken back."""

    amount: int
    fee: int
    units: int


def break_down(
    order: Order, *, amount: int | None = None, units: int | None = None
) -> RefundBreakdown:
    """Break down a refund of `amount` minor units, of `units`, or of all that remains.

    Partial refunds add up to the order exactly: each is the cumulative amount due so far, rounded
    down, less what was refunded before, so the last one takes the remainder. An amount that is
    computed from `units` is one that the order's payment method can refund.
    Raises RefundTooLarge, and AmountNotPayable for an `amount` that the gateway cannot refund.
    """
    money_left = order.amount - order.refunded_amount
    units_left = order.quantity - order.refunded_units
    if amount is None and units is None:
        units = units_left
    if units is not None:
        if units > units_left:
            raise RefundTooLarge(left=Money(money_left, order.currency), units_left=units_left)
        amount = money_left if units == units_left else _price_of(order, units, maximum=money_left)
    assert amount is not None  # noqa: S101 – one of the two is given
    if amount > money_left:
        raise RefundTooLarge(left=Money(money_left, order.currency), units_left=units_left)
    if order.payment_method == PaymentMethod.GATEWAY:
        require_payable(Money(amount, order.currency))
    if money_left and amount == money_left:
        units = units_left
    return RefundBreakdown(amount, _fee_of(order, amount), units or 0)


def goes_to_gateway(order: Order, amount: int) -> bool:
    """Whether a refund of this amount is paid by the gateway, and not to the buyer's wallet."""
    return order.payment_method == PaymentMethod.GATEWAY and amount > 0


def _price_of(order: Order, units: int, *, maximum: int) -> int:
    """The price of the next `units` units that were not refunded yet."""
    step = granularity(order.currency) if order.payment_method == PaymentMethod.GATEWAY else 1

    def cumulative(count: int) -> int:
        due = order.amount * count // order.quantity
        return due - due % step

    before, after = order.refunded_units, order.refunded_units + units
    return min(cumulative(after) - cumulative(before), maximum)


def _fee_of(order: Order, amount: int) -> int:
    if order.amount == 0:
        return 0
    return order.fee * (order.refunded_amount + amount) // order.amount - order.refunded_fee


@dataclass(frozen=True, slots=True)
class LockedOrder:
    """A merchant's order and its product, both locked."""

    order: Order
    stock: Stock


def lock_order(session: Session, *, order_id: UUID, merchant_id: UUID) -> LockedOrder:
    """Lock what a refund changes, the product first, as purchases do.

    Raises OrderNotFound, OrderNotRefundable.
    """
    product_id = repository.get_product_id(session, order_id=order_id, merchant_id=merchant_id)
    if product_id is None:
        raise OrderNotFound
    stock = products.lock_stock(session, [product_id])()[product_id]
    order = repository.lock_order(session, order_id)
    require_refundable(order)
    return LockedOrder(order, stock)


def require_refundable(order: Order) -> None:
    """Raises OrderNotRefundable."""
    if order.status != OrderStatus.COMPLETED:
        raise OrderNotRefundable(status=order.status)


def get_plain_product_id(session: Session, *, order_id: UUID, merchant_id: UUID) -> UUID | None:
    """The product of a merchant's order if `WalletRefund` can refund it, None otherwise."""
    return repository.get_plain_product_id(session, order_id=order_id, merchant_id=merchant_id)


def create_refund(
    session: Session,
    *,
    merchant_id: UUID,
    by: UUID,
    order_id: UUID,
    amount: Decimal | None = None,
    units: int | None = None,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> RefundDetails:
    """Refund `amount` or `units` of an order, or all that remains. amount: units of its currency.

    by: the user who refunds, the merchant or an administrator. Raises OrderNotFound,
    OrderNotRefundable, AmountInvalid and what `break_down` and `refund_locked` raise.
    """
    locked = lock_order(session, order_id=order_id, merchant_id=merchant_id)
    minor = None if amount is None else Money.of(amount, locked.order.currency).minor
    made = refund_locked(
        session,
        locked,
        break_down(locked.order, amount=minor, units=units),
        by=by,
        reason=reason,
        idempotency_key=idempotency_key,
    )
    return RefundDetails(made, locked.order.number)


def refund_locked(
    session: Session,
    locked: LockedOrder,
    breakdown: RefundBreakdown,
    *,
    by: UUID,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> Refund:
    """Refund `breakdown` of a locked order and restock what can be sold again.

    by: the user who refunds. After the commit the caller enqueues `tasks.request_refund` for a
    PENDING refund.
    Raises InsufficientFunds, WalletLocked, WalletNotFound, BalanceTooLarge.
    """
    order, stock = locked.order, locked.stock
    accounts = wallets.require_accounts(
        session, order.user_id, order.merchant_id, currency=order.currency
    )
    refund, entry = decide(
        order,
        breakdown,
        payer=accounts[order.merchant_id],
        buyer=accounts[order.user_id],
        by=by,
        reason=reason,
        idempotency_key=idempotency_key,
    )
    moved = [] if entry is None else wallets.balance_events(ledger.post(session, entry))
    restored = 0
    if refund.units:
        line = OrderLine.of(order, kind=stock.kind)
        restored = delivery.revoke(session, line, units=refund.units)
    record(refund, order, stock, restored_units=restored)
    products.write_stock(session, [stock])
    repository.insert_refunds(session, [refund])
    events.record(session, [refunded_event(refund, order), *moved])
    return refund


def decide(
    order: Order,
    breakdown: RefundBreakdown,
    *,
    payer: Account,
    buyer: Account,
    by: UUID,
    reason: str | None,
    idempotency_key: str | None,
    refund_id: UUID | None = None,
) -> tuple[Refund, Entry | None]:
    """The refund of a locked order, and the entry that pays for it if there is anything to pay.

    payer: the merchant's wallet; refund_id: its id, and that of the entry. Changes nothing.
    Raises InsufficientFunds, WalletLocked, BalanceTooLarge.
    """
    at_gateway = goes_to_gateway(order, breakdown.amount)
    payer.require_can_pay(breakdown.amount - breakdown.fee)
    if not at_gateway:
        buyer.require_can_receive(breakdown.amount)
    payee = system_account(SystemCode.GATEWAY, order.currency) if at_gateway else buyer
    refund = _refund(
        order, breakdown, by=by, reason=reason, key=idempotency_key, refund_id=refund_id
    )
    if at_gateway:
        _leave_pending(refund)
    entry = _entry(refund, order, payer=payer, payee=payee) if refund.amount else None
    return refund, entry


def record(refund: Refund, order: Order, stock: Stock, *, restored_units: int) -> None:
    """Record the refund on its order and the stock, in memory."""
    refund.restored_units = restored_units
    stock.restock(restored_units)
    order.refunded_amount += refund.amount
    order.refunded_fee += refund.fee
    order.refunded_units += refund.units
    order.restored_units += restored_units
    order.updated_at = max(refund.created_at, order.updated_at)
    if order.refunded_amount == order.amount and order.refunded_units == order.quantity:
        order.status = OrderStatus.REFUNDED.value


def _refund(
    order: Order,
    breakdown: RefundBreakdown,
    *,
    by: UUID,
    reason: str | None,
    key: str | None,
    refund_id: UUID | None,
) -> Refund:
    now = clock.now()
    return RefundRow(
        id=refund_id or new_id(),
        order_id=order.id,
        merchant_id=order.merchant_id,
        initiator_id=by,
        amount=breakdown.amount,
        fee=breakdown.fee,
        currency=order.currency,
        units=breakdown.units,
        restored_units=0,
        reason=reason,
        destination=PaymentMethod.WALLET.value,
        status=RefundStatus.SUCCEEDED.value,
        failure_reason=None,
        idempotency_key=key,
        created_at=now,
        settled_at=now,
        settled_by=None,
        settlement_reason=None,
        attempts=0,
        next_attempt_at=None,
        flagged_at=None,
    )


def _leave_pending(refund: Refund) -> None:
    """Leave the refund to the job that is enqueued after the commit, or to the scheduled job."""
    refund.destination, refund.status = PaymentMethod.GATEWAY.value, RefundStatus.PENDING.value
    refund.settled_at = None
    refund.next_attempt_at = refund.created_at + POLLING.backoff.first


def _entry(refund: Refund, order: Order, *, payer: Account, payee: Account) -> Entry:
    """The reverse of the purchase, in proportion."""
    text = f"Refund of order {order.number}"
    postings = [
        Posting(
            payer,
            -refund.amount,
            TransactionType.REFUND_OUT,
            text,
            obligation(payer, refund.amount, TransactionType.REFUND_OUT),
        ),
        Posting(payee, refund.amount, TransactionType.REFUND, text),
    ]
    if refund.fee:  # first, because the merchant may need it to pay
        platform = system_account(SystemCode.FEES, refund.currency)
        postings[:0] = [
            Posting(platform, -refund.fee, TransactionType.FEE_REFUND, text),
            Posting(payer, refund.fee, TransactionType.FEE_REFUND, text),
        ]
    return Entry(
        id=refund.id,
        kind="REFUND",
        postings=tuple(postings),
        reference=("refund", refund.id),
        initiator_id=refund.initiator_id,
        idempotency_key=refund.idempotency_key,
    )


def is_by_platform(refund: Refund) -> bool:
    """Whether an administrator made the refund for the merchant."""
    return refund.initiator_id != refund.merchant_id


def refunded_event(refund: Refund, order: Order) -> OrderRefunded:
    return OrderRefunded.of(
        refund,
        aggregate_id=order.id,
        refund_id=refund.id,
        order_number=order.number,
        user_id=order.user_id,
        product_id=order.product_id,
        status=order.status,
        by_platform=True if is_by_platform(refund) else OMITTED,
    )


def list_refunds(
    session: Session, page: PageRequest, *, order_id: UUID, user_id: UUID
) -> Page[RefundDetails]:
    """The refunds of an order, oldest first, for its buyer and its merchant.

    Raises OrderNotFound for anyone else.
    """
    row = repository.get_order_for(session, order_id=order_id, user_id=user_id)
    if row is None:
        raise OrderNotFound
    found = repository.list_refunds(session, page, order_id=order_id)
    return found.with_data(RefundDetails(refund, row.Order.number) for refund in found.data)
