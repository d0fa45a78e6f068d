"""Deciding a purchase: pure functions of rows that the transaction holds."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.auth.service import Caller
from app.common.db import new_id
from app.orders.errors import CannotBuyOwnProduct
from app.orders.models import OrderStatus, PaymentMethod
from app.products.errors import ProductInactive, ProductNotFound, ProductOutOfStock
from app.products.service import Stock
from app.wallets.errors import WalletNotFound
from app.wallets.ledger import Account, Entry, Posting, system_account
from app.wallets.models import SystemCode, TransactionType


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a buyer asks for. id: of the order it becomes if it is accepted."""

    buyer: Caller
    product_id: UUID
    quantity: int = 1
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
    amount: int
    fee: int
    currency: str
    idempotency_key: str | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    stripe_session_id: str | None = None
    stripe_payment_intent_id: str | None = None
    notes: str | None = None
    meta: dict[str, Any] | None = None
    failed_at: datetime | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """An accepted purchase: the order, and the movement of money that pays for it."""

    order: NewOrder
    entry: Entry
    stock: Stock
    buyer: Caller


def decide(
    purchase: Purchase,
    *,
    product: Stock | None,
    buyer: Account | None,
    merchant: Account | None,
    fee_bps: int,
    now: datetime,
) -> Sale:
    """Accept the purchase or refuse it; nothing is changed.

    product, buyer, merchant: the locked rows, None where there is none; fee_bps: the platform's
    share in hundredths of a percent.
    Raises ProductNotFound, ProductInactive, CannotBuyOwnProduct, ProductOutOfStock,
    WalletNotFound, WalletLocked, InsufficientFunds, BalanceTooLarge.
    """
    if product is None or product.deleted_at is not None:
        raise ProductNotFound
    if product.merchant_id == purchase.buyer.id:
        raise CannotBuyOwnProduct
    if not product.is_active:
        raise ProductInactive
    if purchase.quantity > product.available_units:
        raise ProductOutOfStock(
            name=product.name, requested=purchase.quantity, available=product.available_units
        )
    if buyer is None or merchant is None:
        raise WalletNotFound
    amount = product.price * purchase.quantity
    buyer.require_can_pay(amount)
    merchant.require_can_receive(amount)
    fee = platform_fee(amount, fee_bps)
    return Sale(
        order=_order(purchase, product, amount=amount, fee=fee, now=now),
        entry=_entry(purchase, product, buyer, merchant, amount=amount, fee=fee),
        stock=product,
        buyer=purchase.buyer,
    )


def platform_fee(amount: int, bps: int) -> int:
    """The platform's share of `amount` minor units, rounded half up to a whole one."""
    return (amount * bps + 5_000) // 10_000


def _order(purchase: Purchase, product: Stock, *, amount: int, fee: int, now: datetime) -> NewOrder:
    return NewOrder(
        id=purchase.id,
        user_id=purchase.buyer.id,
        merchant_id=product.merchant_id,
        product_id=product.id,
        payment_method=PaymentMethod.WALLET.value,
        status=OrderStatus.COMPLETED.value,
        quantity=purchase.quantity,
        unit_price=product.price,
        amount=amount,
        fee=fee,
        currency=product.currency,
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
