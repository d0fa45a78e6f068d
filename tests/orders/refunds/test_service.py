"""Breaking an order down into partial refunds: exact to the cent, never above the order."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.common.money import share_of
from app.orders.errors import RefundTooLarge
from app.orders.models import Order
from app.orders.refunds.service import RefundBreakdown, break_down

#: A refund: an amount, units, or the rest of the order.
PARTS = st.one_of(
    st.tuples(st.just("amount"), st.integers(1, 2_000)),
    st.tuples(st.just("units"), st.integers(1, 12)),
    st.just(("rest", 0)),
)


def bought(*, amount: int, quantity: int, bps: int) -> Order:
    return Order(
        amount=amount,
        quantity=quantity,
        fee=share_of(amount, bps=bps),
        currency="USD",
        payment_method="WALLET",
        refunded_amount=0,
        refunded_fee=0,
        refunded_units=0,
    )


def refund(order: Order, kind: str, size: int) -> RefundBreakdown:
    breakdown = break_down(order, **({} if kind == "rest" else {kind: size}))
    order.refunded_amount += breakdown.amount
    order.refunded_fee += breakdown.fee
    order.refunded_units += breakdown.units
    return breakdown


@settings(max_examples=400, deadline=None)
@example(amount=1, quantity=3, bps=10_000, parts=[("units", 2), ("units", 1)])
@example(amount=0, quantity=2, bps=250, parts=[("units", 1)])
@given(
    amount=st.integers(0, 5_000),
    quantity=st.integers(1, 20),
    bps=st.integers(0, 10_000),
    parts=st.lists(PARTS, max_size=12),
)
def test_partial_refunds_add_up_to_the_order_and_never_exceed_it(
    amount: int, quantity: int, bps: int, parts: list[tuple[str, int]]
) -> None:
    order = bought(amount=amount, quantity=quantity, bps=bps)
    for kind, size in [*parts, ("rest", 0)]:
        if (order.refunded_amount, order.refunded_units) == (amount, quantity):
            break  # fully refunded
        try:
            breakdown = refund(order, kind, size)
        except RefundTooLarge:
            left = amount - order.refunded_amount
            assert size > (left if kind == "amount" else quantity - order.refunded_units)
            continue
        assert breakdown.amount + breakdown.units > 0
        assert 0 <= breakdown.fee <= breakdown.amount
        assert order.refunded_amount <= amount
        assert order.refunded_fee <= order.fee
        assert order.refunded_units <= quantity
    assert (order.refunded_amount, order.refunded_fee, order.refunded_units) == (
        amount,
        order.fee,
        quantity,
    )


@settings(max_examples=200, deadline=None)
@given(amount=st.integers(0, 5_000), quantity=st.integers(1, 20))
def test_refunds_of_single_units_differ_by_at_most_a_cent(amount: int, quantity: int) -> None:
    order = bought(amount=amount, quantity=quantity, bps=333)
    paid = [refund(order, "units", 1).amount for _ in range(quantity)]
    assert sum(paid) == amount
    assert max(paid) - min(paid) <= 1
