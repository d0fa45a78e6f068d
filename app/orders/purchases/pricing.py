"""Deciding a purchase: pure functions of rows that the transaction has locked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.auth.service import Caller
from app.common.ids import new_id
from app.common.money import MAX_MINOR, AmountInvalid, Money, share_of
from app.coupons.errors import CouponInvalid
from app.coupons.service import LockedCoupon
from app.delivery import service as delivery
from app.gateway.amounts import granularity
from app.orders.errors import (
    CannotBuyOwnProduct,
    NothingToPay,
    PriceChanged,
    PurchaseLimitReached,
    QuantityTooLarge,
    ReservationLimitReached,
    TooManyCheckouts,
)
from app.orders.models import Order, OrderRow, OrderStatus, PaymentMethod
from app.products.errors import ProductInactive, ProductNotFound, ProductOutOfStock
from app.products.service import Stock
from app.wallets.errors import WalletNotFound
from app.wallets.ledger import Account, Authorization, Entry, Posting, system_account
from app.wallets.models import SystemCode, TransactionType
from app.wallets.outflow import Outflow, obligation


@dataclass(frozen=True, slots=True)
class Basket:
    """What a buyer wants to buy.

    coupon_code: in upper case; notes, metadata: the buyer's own, returned unchanged;
    expected_amount: the total that the buyer was shown, None to pay whatever it is.
    """

    product_id: UUID
    quantity: int = 1
    coupon_code: str | None = None
    notes: str | None = None
    metadata: dict[str, Any] | None = None
    expected_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """A basket and its buyer. number, id: of the order that it becomes if it is accepted.

    giveaway_id: of the giveaway to which it belongs, None for a sale.
    """

    buyer: Caller
    basket: Basket
    number: str
    idempotency_key: str | None = None
    id: UUID = field(default_factory=new_id)
    giveaway_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """An accepted purchase: the order and the journal entry that pays for it.

    entry: None when a coupon covers the whole price, or while it is under review; coupon: its use
    is not counted yet.
    """

    order: Order
    entry: Entry | None
    stock: Stock
    buyer: Caller
    coupon: LockedCoupon | None


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a buyer has reserved and not paid: orders in all, units of the product and uses of the
    coupon in question."""

    orders: int = 0
    units: int = 0
    coupon_uses: int = 0


#: Maximum number of unpaid orders of a buyer, because their reservations block other buyers.
MAX_OPEN_CHECKOUTS: Final = 10

#: Authorizes the outflow of a purchase, or raises why not.
Authorize = Callable[[Account, Outflow], Authorization]


def decide(
    purchase: Purchase,
    *,
    product: Stock | None,
    buyer: Account | None,
    merchant: Account | None,
    coupon: LockedCoupon | None = None,
    units_before: int = 0,
    fee_bps: int,
    now: datetime,
    authorize: Authorize,
) -> Sale:
    """Accept or refuse a purchase from the wallet. Changes nothing.

    product, buyer, merchant, coupon: the locked rows, None where there is none; units_before:
    units of the product that the buyer owns, if it has a purchase limit; fee_bps: the platform's
    default fee in basis points; authorize: the outflow policy, asked when nothing else can refuse.
    Raises ProductNotFound, ProductInactive, CannotBuyOwnProduct, ProductOutOfStock,
    QuantityTooLarge, PurchaseLimitReached, AmountInvalid, CouponInvalid, CouponUsedUp,
    PriceChanged, WalletNotFound, WalletLocked, InsufficientFunds, BalanceTooLarge, and what
    `authorize` raises.
    """
    price = _price(purchase, product, coupon, units_before=units_before, fee_bps=fee_bps, now=now)
    if buyer is None or merchant is None:
        raise WalletNotFound
    # The wallets first: the policy consumes a code, and is not asked about a free order.
    buyer.require_can_pay(price.amount)
    merchant.require_can_receive(price.amount)
    order = _order(purchase, price, OrderStatus.COMPLETED, PaymentMethod.WALLET, now=now)
    entry = None
    if order.amount:
        authorization = authorize(
            buyer,
            Outflow(
                TransactionType.PAYMENT,
                order.amount,
                payee_id=order.merchant_id,
                product_kind=price.stock.kind,
                has_coupon=price.coupon is not None,
            ),
        )
        entry = payment_entry(
            order, price.stock.name, buyer, merchant, kind="PURCHASE", authorization=authorization
        )
    return Sale(order, entry, price.stock, purchase.buyer, price.coupon)


def under_review(
    purchase: Purchase,
    *,
    product: Stock | None,
    coupon: LockedCoupon | None,
    units_before: int,
    fee_bps: int,
    now: datetime,
) -> Sale:
    """The order of a purchase that `decide` would accept, whose money is held for a review.

    Raises what `decide` has not raised.
    """
    price = _price(purchase, product, coupon, units_before=units_before, fee_bps=fee_bps, now=now)
    order = _order(purchase, price, OrderStatus.PENDING_REVIEW, PaymentMethod.WALLET, now=now)
    return Sale(order, None, price.stock, purchase.buyer, price.coupon)


def reserve(
    purchase: Purchase,
    *,
    product: Stock | None,
    merchant: Account | None,
    coupon: LockedCoupon | None,
    units_before: int,
    reserved: Reserved,
    fee_bps: int,
    now: datetime,
) -> Sale:
    """Accept or refuse a purchase that is paid at the gateway later. Changes nothing.

    Like `decide` without the buyer's wallet. A discounted total is rounded down to an amount that a
    card can be charged. Also raises NothingToPay, TooManyCheckouts, ReservationLimitReached.
    """
    price = _price(
        purchase,
        product,
        coupon,
        units_before=units_before,
        fee_bps=fee_bps,
        now=now,
        method=PaymentMethod.GATEWAY,
    )
    if not price.amount:
        raise NothingToPay
    _require_reservable(price, reserved, units=purchase.basket.quantity)
    if merchant is None:
        raise WalletNotFound
    merchant.require_can_receive(price.amount)
    order = _order(purchase, price, OrderStatus.PENDING, PaymentMethod.GATEWAY, now=now)
    return Sale(order, None, price.stock, purchase.buyer, price.coupon)


def give(purchase: Purchase, *, product: Stock | None, units_before: int, now: datetime) -> Sale:
    """Accept or refuse what a giveaway gives its recipient, at no price. Changes nothing.

    The recipient is the merchant itself, without a purchase limit, for a batch of codes.
    Raises ProductNotFound, ProductInactive, ProductOutOfStock, QuantityTooLarge,
    PurchaseLimitReached.
    """
    price = _price(purchase, product, None, units_before=units_before, fee_bps=0, now=now)
    order = _order(purchase, price, OrderStatus.COMPLETED, PaymentMethod.WALLET, now=now)
    return Sale(order, None, price.stock, purchase.buyer, None)


@dataclass(frozen=True, slots=True)
class _Price:
    """The price of a purchase in minor units, and the rows that it is computed from."""

    stock: Stock
    coupon: LockedCoupon | None
    discount: int
    amount: int
    fee: int


def _require_reservable(price: _Price, reserved: Reserved, *, units: int) -> None:
    maximum = MAX_OPEN_CHECKOUTS
    if reserved.orders >= maximum:
        raise TooManyCheckouts(maximum=maximum)
    if price.coupon is not None:
        uses = price.coupon.max_reservable(reserved=reserved.coupon_uses)
        if uses is not None and reserved.coupon_uses >= uses:
            raise TooManyCheckouts(maximum=uses)
    limit = price.stock.max_reservable(reserved=reserved.units)
    if reserved.units + units > limit:
        raise ReservationLimitReached(limit=limit, reserved=reserved.units, requested=units)


def _price(
    purchase: Purchase,
    product: Stock | None,
    coupon: LockedCoupon | None,
    *,
    units_before: int,
    fee_bps: int,
    now: datetime,
    method: PaymentMethod = PaymentMethod.WALLET,
) -> _Price:
    basket = purchase.basket
    if product is None or product.deleted_at is not None:
        raise ProductNotFound
    is_own = product.merchant_id == purchase.buyer.id
    if is_own and purchase.giveaway_id is None:
        raise CannotBuyOwnProduct
    if not product.is_on_sale:
        raise ProductInactive
    if basket.quantity > product.available_units:
        raise ProductOutOfStock(
            name=product.name, requested=basket.quantity, available=product.available_units
        )
    _require_within_limit(purchase, product, units_before, per_buyer=not is_own)
    full = product.price * basket.quantity
    discount = _discount(purchase, product, coupon, full, now)
    if discount and method is PaymentMethod.GATEWAY:
        discount += (full - discount) % granularity(product.currency)
    amount = full - discount
    require_expected_amount(basket.expected_amount, Money(amount, product.currency))
    fee = share_of(amount, bps=fee_bps if product.fee_bps is None else product.fee_bps)
    return _Price(product, coupon, discount, amount, fee)


def require_expected_amount(expected: Decimal | None, actual: Money) -> None:
    """Raises PriceChanged if the payer was shown another amount, and AmountInvalid.

    expected: in units of the currency of `actual`, None if the payer does not say.
    """
    if expected is None:
        return
    shown = Money.of(expected, actual.currency, field="expectedAmount")
    if shown != actual:
        raise PriceChanged(expected=shown, actual=actual)


def _require_within_limit(
    purchase: Purchase, product: Stock, units_before: int, *, per_buyer: bool
) -> None:
    max_units = delivery.max_units_per_order(product.kind)
    if max_units is not None and purchase.basket.quantity > max_units:
        raise QuantityTooLarge(maximum=max_units)
    limit = product.purchase_limit if per_buyer else None
    if limit is not None and units_before + purchase.basket.quantity > limit:
        raise PurchaseLimitReached(
            limit=limit, bought=units_before, requested=purchase.basket.quantity
        )


def _discount(
    purchase: Purchase, product: Stock, coupon: LockedCoupon | None, full: int, now: datetime
) -> int:
    if purchase.giveaway_id is not None:
        return full
    if purchase.basket.coupon_code is None:
        return 0
    if coupon is None:
        raise CouponInvalid("No such coupon.")
    if full > MAX_MINOR:  # without a coupon, the balance of a wallet would not suffice
        raise AmountInvalid("The total exceeds the maximum amount.", field="quantity")
    return coupon.discount(
        full,
        currency=product.currency,
        product_id=product.id,
        user_id=purchase.buyer.id,
        now=now,
    )


def _order(
    purchase: Purchase,
    price: _Price,
    status: OrderStatus,
    method: PaymentMethod,
    *,
    now: datetime,
) -> Order:
    basket, stock, coupon = purchase.basket, price.stock, price.coupon
    return OrderRow(
        id=purchase.id,
        number=purchase.number,
        user_id=purchase.buyer.id,
        merchant_id=stock.merchant_id,
        product_id=stock.id,
        payment_method=method.value,
        status=status.value,
        quantity=basket.quantity,
        unit_price=stock.price,
        discount=price.discount,
        amount=price.amount,
        fee=price.fee,
        currency=stock.currency,
        coupon_id=coupon.id if coupon else None,
        coupon_code=coupon.code if coupon else None,
        giveaway_id=purchase.giveaway_id,
        notes=basket.notes,
        meta=basket.metadata,
        idempotency_key=purchase.idempotency_key,
        refunded_amount=0,
        refunded_fee=0,
        refunded_units=0,
        restored_units=0,
        stripe_session_id=None,
        stripe_payment_intent_id=None,
        completed_at=now if status is OrderStatus.COMPLETED else None,
        failed_at=None,
        failure_reason=None,
        created_at=now,
        updated_at=now,
    )


def payment_entry(
    order: Order,
    product_name: str,
    payer: Account,
    merchant: Account,
    *,
    kind: str,
    authorization: Authorization | None = None,
) -> Entry:
    """The journal entry that pays for an order.

    payer: the buyer's wallet, with its authorization, or the gateway.
    """
    purchase = f"Purchase: {product_name}"
    postings = [
        Posting(payer, -order.amount, TransactionType.PAYMENT, purchase, authorization),
        Posting(merchant, order.amount, TransactionType.EARNING, f"Sale: {product_name}"),
    ]
    if order.fee:
        platform, fee = system_account(SystemCode.FEES, order.currency), TransactionType.FEE
        owed = obligation(merchant, order.fee, fee)
        postings.append(Posting(merchant, -order.fee, fee, "Platform fee", owed))
        postings.append(Posting(platform, order.fee, fee, "Platform fee"))
    return Entry(
        kind=kind,
        postings=tuple(postings),
        reference=("order", order.id),
        initiator_id=order.user_id,
        idempotency_key=order.idempotency_key,
    )
