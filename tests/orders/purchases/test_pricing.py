"""Deciding a purchase: a pure function of locked rows, tested without a database."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from app.auth.models import User
from app.common.errors import AppError
from app.common.money import MAX_MINOR, share_of
from app.orders.errors import CannotBuyOwnProduct, QuantityTooLarge
from app.orders.numbers import EXAMPLE_NUMBER
from app.orders.purchases.pricing import Basket, Purchase, Sale, decide
from app.products.errors import ProductInactive, ProductNotFound, ProductOutOfStock
from app.products.service import Stock
from app.wallets.errors import BalanceTooLarge, InsufficientFunds, WalletLocked, WalletNotFound
from app.wallets.ledger import Account, Authorization, system_account
from app.wallets.models import SystemCode, WalletKind
from app.wallets.outflow import Outflow

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BUYER = User(id=uuid4(), email="buyer@example.com", role="USER")
MERCHANT_ID = uuid4()


def stock(**changes: Any) -> Stock:
    values: dict[str, Any] = {
        "id": uuid4(),
        "merchant_id": MERCHANT_ID,
        "name": "Course",
        "price": 1000,
        "currency": "USD",
        "available_units": 5,
        "is_active": True,
        "deleted_at": None,
        "kind": "PLAIN",
        "is_ready": True,
        "purchase_limit": None,
        "reservation_limit": None,
        "fee_bps": None,
        "merchant_is_active": True,
        "low_stock_units": 5,
    }
    return Stock(**values | changes)


def account(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "id": uuid4(),
        "kind": WalletKind.USER,
        "currency": "USD",
        "user_id": BUYER.id,
        "balance": 10_000,
    }
    return Account(**values | changes)


def decide_purchase(
    product: Stock | None,
    *,
    quantity: int = 1,
    buyer: Account | None = None,
    merchant: Account | None = None,
    fee_bps: int = 0,
) -> Sale:
    return decide(
        Purchase(
            BUYER, Basket(uuid4() if product is None else product.id, quantity), EXAMPLE_NUMBER
        ),
        product=product,
        buyer=buyer or account(),
        merchant=merchant or account(user_id=MERCHANT_ID, balance=0),
        fee_bps=fee_bps,
        now=NOW,
        authorize=authorize,
    )


def authorize(account: Account, outflow: Outflow) -> Authorization:
    return Authorization(account.id, outflow.amount, outflow.kind)


def amounts(sale: Sale) -> list[tuple[str, int]]:
    return [(posting.type.value, posting.amount) for posting in sale.entry.postings]


class TestAccepting:
    def test_the_buyer_pays_the_merchant(self) -> None:
        sale = decide_purchase(stock(), quantity=3)

        assert amounts(sale) == [("PAYMENT", -3000), ("EARNING", 3000)]
        assert sale.entry.reference == ("order", sale.order.id)
        assert (sale.order.status, sale.order.amount, sale.order.fee) == ("COMPLETED", 3000, 0)
        assert sale.order.completed_at == NOW

    def test_the_last_unit_can_be_bought_with_the_last_cent(self) -> None:
        sale = decide_purchase(stock(available_units=2), quantity=2, buyer=account(balance=2000))

        assert sale.order.quantity == 2

    def test_the_arguments_are_not_changed(self) -> None:
        product = stock()
        buyer, merchant = account(), account(user_id=MERCHANT_ID)
        before = deepcopy((buyer, merchant)), product.available_units

        decide_purchase(product, buyer=buyer, merchant=merchant, fee_bps=250)

        assert ((buyer, merchant), product.available_units) == before

    def test_the_same_rows_give_the_same_decision(self) -> None:
        product, buyer = stock(), account()
        merchant = account(user_id=MERCHANT_ID)

        first, second = (decide_purchase(product, buyer=buyer, merchant=merchant) for _ in range(2))

        assert amounts(first) == amounts(second)
        assert first.order.id != second.order.id

    @pytest.mark.parametrize("kind", ["CODES", "LICENCE"])
    def test_units_delivered_one_by_one_are_limited_per_order(self, kind: str) -> None:
        plenty = {"kind": kind, "available_units": 10**6, "price": 1}
        with pytest.raises(QuantityTooLarge):
            decide_purchase(stock(**plenty), quantity=1001)
        assert decide_purchase(stock(**plenty), quantity=1000).order.quantity == 1000

    def test_order_and_entry_have_the_idempotency_key(self) -> None:
        product = stock()
        sale = decide(
            Purchase(BUYER, Basket(product.id), EXAMPLE_NUMBER, idempotency_key="order-1"),
            product=product,
            buyer=account(),
            merchant=account(user_id=MERCHANT_ID),
            fee_bps=0,
            now=NOW,
            authorize=authorize,
        )

        assert sale.order.idempotency_key == sale.entry.idempotency_key == "order-1"
        assert sale.entry.initiator_id == BUYER.id


class TestPlatformFee:
    @pytest.mark.parametrize(
        ("amount", "bps", "fee"),
        [
            (10_000, 0, 0),
            (10_000, 250, 250),
            (10_000, 10_000, 10_000),
            (1, 250, 0),
            (19, 250, 0),  # 0.475
            (20, 250, 1),  # 0.5 rounds up
            (21, 250, 1),
            (99, 100, 1),  # 0.99
            (33, 333, 1),  # 1.0989
            (1, 5_000, 1),
            (1, 4_999, 0),
            (MAX_MINOR, 10_000, MAX_MINOR),
        ],
    )
    def test_the_fee_is_rounded_half_up_to_a_minor_unit(
        self, amount: int, bps: int, fee: int
    ) -> None:
        assert share_of(amount, bps=bps) == fee

    def test_the_merchant_pays_the_fee_to_the_platform(self) -> None:
        sale = decide_purchase(stock(), quantity=2, fee_bps=250)

        assert amounts(sale) == [("PAYMENT", -2000), ("EARNING", 2000), ("FEE", -50), ("FEE", 50)]
        assert sale.entry.postings[3].account.id == system_account(SystemCode.FEES, "USD").id
        assert sale.order.fee == 50

    def test_a_fee_that_rounds_to_zero_is_not_posted(self) -> None:
        sale = decide_purchase(stock(price=10), fee_bps=250)

        assert amounts(sale) == [("PAYMENT", -10), ("EARNING", 10)]

    @pytest.mark.parametrize("price", [1, 7, 99, 12_345])
    @pytest.mark.parametrize("bps", [1, 33, 250, 9_999, 10_000])
    def test_every_entry_sums_to_zero(self, price: int, bps: int) -> None:
        sale = decide_purchase(
            stock(price=price, available_units=100),
            quantity=7,
            buyer=account(balance=MAX_MINOR),
            fee_bps=bps,
        )

        assert sum(posting.amount for posting in sale.entry.postings) == 0
        assert 0 <= sale.order.fee <= sale.order.amount


class TestRefusing:
    @pytest.mark.parametrize(
        ("rows", "refused"),
        [
            ({"product": None}, ProductNotFound),
            ({"product": stock(deleted_at=NOW, is_active=False)}, ProductNotFound),
            ({"product": stock(merchant_id=BUYER.id)}, CannotBuyOwnProduct),
            ({"product": stock(is_active=False)}, ProductInactive),
            ({"product": stock(is_ready=False)}, ProductInactive),
            ({"product": stock(merchant_is_active=False)}, ProductInactive),
            ({"product": stock(available_units=0)}, ProductOutOfStock),
            ({"product": stock(), "quantity": 6}, ProductOutOfStock),
            ({"product": stock(), "buyer": account(is_locked=True)}, WalletLocked),
            ({"product": stock(), "merchant": account(is_locked=True)}, WalletLocked),
            ({"product": stock(), "buyer": account(balance=999)}, InsufficientFunds),
            (
                {"product": stock(), "buyer": account(balance=1000, held=1)},
                InsufficientFunds,
            ),
            (
                {"product": stock(), "merchant": account(balance=MAX_MINOR - 999)},
                BalanceTooLarge,
            ),
            (
                {"product": stock(price=MAX_MINOR), "quantity": 5},
                InsufficientFunds,
            ),
        ],
        ids=lambda value: getattr(value, "__name__", "rows"),
    )
    def test_each_refusal_has_its_error(
        self, rows: dict[str, Any], refused: type[AppError]
    ) -> None:
        with pytest.raises(refused):
            decide_purchase(**rows)

    @pytest.mark.parametrize("missing", ["buyer", "merchant"])
    def test_buyer_and_merchant_need_a_wallet_in_the_product_s_currency(self, missing: str) -> None:
        product = stock()
        accounts: dict[str, Account | None] = {"buyer": account(), "merchant": account()}

        with pytest.raises(WalletNotFound):
            decide(
                Purchase(BUYER, Basket(product.id), EXAMPLE_NUMBER),
                product=product,
                **accounts | {missing: None},
                fee_bps=0,
                now=NOW,
                authorize=authorize,
            )

    def test_out_of_stock_states_the_remaining_units(self) -> None:
        with pytest.raises(ProductOutOfStock) as some:
            decide_purchase(stock(available_units=2), quantity=3)
        with pytest.raises(ProductOutOfStock) as none:
            decide_purchase(stock(available_units=0), quantity=3)

        assert some.value.text == "Product Course has only 2 left"
        assert some.value.details == {"requested": 3, "available": 2}
        assert none.value.text == "Product Course is out of stock"
