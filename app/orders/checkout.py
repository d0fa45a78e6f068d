"""Deciding a purchase: pure functions of rows that the transaction holds."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.auth.service import Caller
from app.common.db import new_id
from app.coupons.errors import CouponInvalid
from app.coupons.service import Terms
from app.orders.errors import CannotBuyOwnProduct, PurchaseLimitReached
from app.orders.models import OrderStatus, PaymentMethod
from app.products.errors import ProductInactive, ProductNotFound, ProductOutOfStock
from app.products.service import Stock
from app.wallets.errors import WalletNotFound
from app.wallets.ledger import Account, Entry, Posting, system_account
from app.wallets.models import SystemCode, TransactionType


@dataclass(frozen=True, slots=True)
class Basket:
    """What somebody wants to buy.

    coupon_code: in upper case; notes, metadata: the buyer's own, given back as they are.
    """

    product_id: UUID
    quantity: int = 1
    coupon_code: str | None = None
    notes: str | None = None
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """A basket and who wants it. id: of the order it becomes if it is accepted."""

    buyer: Caller
    basket: Basket
    idempotency_key: str | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it is written, column by column (see models.Order)."""

    id: UUID
    user_id: UUID
    merchant_id: UUID
    product_id: UUID
    payment_method: str
    status: str
    quantity: int
    unit_price: int
    discount: int
    amount: int
    fee: int
    currency: str
    coupon_id: UUID | None
    coupon_code: str | None
    notes: str | None
    metadata: dict[str, Any] | None
    idempotency_key: str | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    refunded_amount: int = 0
    refunded_units: int = 0
    stripe_session_id: str | None = None
    stripe_payment_intent_id: str | None = None
    failed_at: datetime | None = None
    failure_reason: str | None = None

    @property
    def meta(self) -> dict[str, Any] | None:
        return self.metadata


@dataclass(frozen=True, slots=True)
class Sale:
    """An accepted purchase: the order, and the movement of money that pays for it.

    entry: None when a coupon left nothing to pay; coupon: not counted yet.
    """

    order: NewOrder
    entry: Entry | None
    stock: Stock
    buyer: Caller
    coupon: Terms | None


def decide(
    purchase: Purchase,
    *,
    product: Stock | None,
    buyer: Account | None,
    merchant: Account | None,
    coupon: Terms | None = None,
    units_before: int = 0,
    fee_bps: int,
    now: datetime,
) -> Sale:
    """Accept the purchase or refuse it; nothing is changed.

    product, buyer, merchant, coupon: the locked rows, None where there is none; units_before: of
    this product that the buyer has, asked for only if that is limited; fee_bps: the platform's
    usual share in hundredths of a percent.
    Raises ProductNotFound, ProductInactive, CannotBuyOwnProduct, ProductOutOfStock,
    PurchaseLimitReached, CouponInvalid, CouponUsedUp, WalletNotFound, WalletLocked,
    InsufficientFunds, BalanceTooLarge.
    """
    if product is None or product.deleted_at is not None:
        raise ProductNotFound
    if product.merchant_id == purchase.buyer.id:
        raise CannotBuyOwnProduct
    if not (product.is_active and product.is_ready):
        raise ProductInactive
    if purchase.basket.quantity > product.available_units:
        raise ProductOutOfStock(
            name=product.name, requested=purchase.basket.quantity, available=product.available_units
        )
    _require_within_limit(purchase, product, units_before)
    full = product.price * purchase.basket.quantity
    discount = _discount(purchase, product, coupon, full, now)
    if buyer is None or merchant is None:
        raise WalletNotFound
    amount = full - discount
    buyer.require_can_pay(amount)
    merchant.require_can_receive(amount)
    fee = platform_fee(amount, fee_bps if product.fee_bps is None else product.fee_bps)
    entry = _entry(purchase, product, buyer, merchant, amount=amount, fee=fee) if amount else None
    return Sale(
        order=_order(purchase, product, coupon, discount=discount, fee=fee, now=now),
        entry=entry,
        stock=product,
        buyer=purchase.buyer,
        coupon=coupon,
    )


def _require_within_limit(purchase: Purchase, product: Stock, units_before: int) -> None:
    most = product.purchase_limit
    if most is not None and units_before + purchase.basket.quantity > most:
        raise PurchaseLimitReached(most=most, have=units_before, requested=purchase.basket.quantity)


def _discount(
    purchase: Purchase, product: Stock, coupon: Terms | None, full: int, now: datetime
) -> int:
    if purchase.basket.coupon_code is None:
        return 0
    if coupon is None:
        raise CouponInvalid("No such coupon.")
    return coupon.discount(full, product_id=product.id, user_id=purchase.buyer.id, now=now)


def platform_fee(amount: int, bps: int) -> int:
    """The platform's share of `amount` minor units, rounded half up to a whole one."""
    return (amount * bps + 5_000) // 10_000


def _order(
    purchase: Purchase,
    product: Stock,
    coupon: Terms | None,
    *,
    discount: int,
    fee: int,
    now: datetime,
) -> NewOrder:
    return NewOrder(
        id=purchase.id,
        user_id=purchase.buyer.id,
        merchant_id=product.merchant_id,
        product_id=product.id,
        payment_method=PaymentMethod.WALLET.value,
        status=OrderStatus.COMPLETED.value,
        quantity=purchase.basket.quantity,
        unit_price=product.price,
        discount=discount,
        amount=product.price * purchase.basket.quantity - discount,
        fee=fee,
        currency=product.currency,
        coupon_id=coupon.id if coupon else None,
        coupon_code=coupon.code if coupon else None,
        notes=purchase.basket.notes,
        metadata=purchase.basket.metadata,
        idempotency_key=purchase.idempotency_key,
        completed_at=now,
        created_at=now,
        updated_at=now,
    )


def _entry(
    purchase: Purchase,
    product: Stock,
    buyer: Account,
    merchant: Account,
    *,
    amount: int,
    fee: int,
) -> Entry:
    postings = [
        Posting(buyer, -amount, TransactionType.PAYMENT, f"Purchase: {product.name}"),
        Posting(merchant, amount, TransactionType.EARNING, f"Sale: {product.name}"),
    ]
    if fee:
        house = system_account(SystemCode.FEES, product.currency)
        postings.append(Posting(merchant, -fee, TransactionType.FEE, "Platform fee"))
        postings.append(Posting(house, fee, TransactionType.FEE, "Platform fee"))
    return Entry(
        kind="PURCHASE",
        postings=tuple(postings),
        reference=("order", purchase.id),
        initiator_id=purchase.buyer.id,
        idempotency_key=purchase.idempotency_key,
    )
