"""Concurrent uses of a coupon."""

from flask import Flask

from tests import factories
from tests.concurrency import all_at_once, broken_invariants
from tests.coupons.helpers import create_coupon, uses
from tests.orders.helpers import buy


def test_concurrent_uses_cannot_exceed_the_limit(committing: Flask) -> None:
    client = committing.test_client()
    seller = factories.merchant()
    product_id = factories.product(seller, price="1.00", units=1000)
    coupon = create_coupon(client, seller, maxUses=50, maxUsesPerUser=3).json
    buyers = [factories.buyer("100.00") for _ in range(20)]

    def attempt(n: int) -> int:
        answer = buy(committing.test_client(), buyers[n % 20], product_id, couponCode="SPRING")
        return answer.status_code

    outcomes = all_at_once(attempt, range(200))

    assert (outcomes.count(201), outcomes.count(400)) == (50, 150)
    assert uses(client, seller, coupon["id"]) == 50
    assert broken_invariants() == []
