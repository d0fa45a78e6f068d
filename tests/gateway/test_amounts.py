"""Every computed amount that goes to the gateway is one that it accepts, in every currency."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.common.ids import new_id
from app.common.money import EXPONENTS, Money, share_of
from app.coupons.service import LockedCoupon
from app.gateway.amounts import granularity, is_payable
from app.gateway.errors import AmountNotPayable
from app.orders.errors import NothingToPay, RefundTooLarge
from app.orders.models import Order
from app.orders.numbers import EXAMPLE_NUMBER
from app.orders.purchases.pricing import Basket, Purchase, Reserved, decide, reserve
from app.orders.refunds.service import break_down
from tests.orders.purchases.test_pricing import (
    BUYER,
    MERCHANT_ID,
    NOW,
    account,
    authorize,
    stock,
)

CURRENCIES = st.sampled_from(sorted(EXPONENTS))
#: A refund: an amount in steps of the currency, units, or the rest of the order.
PARTS = st.one_of(
    st.tuples(st.just("amount"), st.integers(1, 300)),
    st.tuples(st.just("units"), st.integers(1, 12)),
)


def order(money: Money, quantity: int, *, method: str = "GATEWAY") -> Order:
    return Order(
        amount=money.minor,
        quantity=quantity,
        fee=share_of(money.minor, bps=250),
        currency=money.currency,
        payment_method=method,
        refunded_amount=0,
        refunded_fee=0,
        refunded_units=0,
    )


def percent_coupon(bps: int) -> LockedCoupon:
    return LockedCoupon(
        id=new_id(),
        code="SPRING",
        merchant_id=MERCHANT_ID,
        product_id=None,
        kind="PERCENT",
        value=bps,
        currency="USD",
        starts_at=None,
        ends_at=None,
        max_uses=None,
        max_uses_per_user=None,
        uses=0,
        is_active=True,
    )


@pytest.mark.parametrize("currency", EXPONENTS)
def test_the_gateway_takes_at_most_two_decimals(currency: str) -> None:
    """https://docs.stripe.com/currencies: the last digit of three-decimal currencies is 0."""
    assert granularity(currency) == 10 ** max(EXPONENTS[currency] - 2, 0)


@settings(max_examples=400, deadline=None)
@given(
    currency=CURRENCIES,
    steps=st.integers(1, 500),
    quantity=st.integers(1, 20),
    parts=st.lists(PARTS, max_size=12),
)
def test_refunds_are_payable_and_add_up_to_the_order(
    currency: str, steps: int, quantity: int, parts: list[tuple[str, int]]
) -> None:
    step = granularity(currency)
    made = order(Money(steps * step, currency), quantity)
    for kind, size in [*parts, ("rest", 0)]:
        if (made.refunded_amount, made.refunded_units) == (made.amount, quantity):
            break
        asked = {} if kind == "rest" else {kind: size * step if kind == "amount" else size}
        try:
            part = break_down(made, **asked)
        except RefundTooLarge:
            continue
        assert is_payable(Money(part.amount, currency))
        made.refunded_amount += part.amount
        made.refunded_fee += part.fee
        made.refunded_units += part.units
    assert (made.refunded_amount, made.refunded_fee, made.refunded_units) == (
        made.amount,
        made.fee,
        quantity,
    )


def test_the_last_unit_takes_the_remainder() -> None:
    """Three of 1.000 KWD less 33.33 %, one unit back at a time."""
    made = order(Money(2000, "KWD"), 3)
    amounts = []
    for _ in range(3):
        part = break_down(made, units=1)
        made.refunded_amount += part.amount
        made.refunded_units += part.units
        amounts.append(part.amount)
    assert amounts == [660, 670, 670]


def test_an_amount_that_the_gateway_cannot_refund_is_refused_when_it_is_asked_for() -> None:
    with pytest.raises(AmountNotPayable):
        break_down(order(Money(2000, "KWD"), 3), amount=665)
    by_wallet = order(Money(2000, "KWD"), 3, method="WALLET")
    assert break_down(by_wallet, amount=665).amount == 665
    assert break_down(by_wallet, units=1).amount == 666


@settings(max_examples=400, deadline=None)
@given(
    currency=CURRENCIES,
    steps=st.integers(1, 500),
    quantity=st.integers(1, 5),
    bps=st.integers(1, 10_000),
)
def test_a_discounted_total_is_payable_by_card(
    currency: str, steps: int, quantity: int, bps: int
) -> None:
    product = stock(currency=currency, price=steps * granularity(currency))
    purchase = Purchase(BUYER, Basket(product.id, quantity, coupon_code="SPRING"), EXAMPLE_NUMBER)
    coupon = percent_coupon(bps)
    rows = {"product": product, "coupon": coupon, "fee_bps": 0, "now": NOW}
    merchant = account(user_id=MERCHANT_ID, currency=currency)
    exact = decide(
        purchase,
        buyer=account(balance=10**9, currency=currency),
        merchant=merchant,
        authorize=authorize,
        **rows,
    ).order.amount
    try:
        by_card = reserve(
            purchase, merchant=merchant, units_before=0, reserved=Reserved(), **rows
        ).order.amount
    except NothingToPay:
        by_card = 0
    assert is_payable(Money(by_card, currency))
    assert 0 <= exact - by_card < granularity(currency)
