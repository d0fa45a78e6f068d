"""What a buyer can reserve without paying, so that others can still buy."""

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.service import Caller
from app.common.errors import AppError
from app.ledger_lock.service import ledger_transaction
from app.orders.checkouts import service as checkouts
from app.orders.purchases.pricing import Basket
from tests import factories
from tests.concurrency import all_at_once
from tests.coupons.helpers import create_coupon
from tests.factories import Actor
from tests.gateway.orders import create_order
from tests.orders.helpers import ORDERS, units
from tests.responses import refusal

REACHED = (400, "RESERVATION_LIMIT_REACHED")


class TestUnits:
    @pytest.mark.parametrize(
        ("stock", "limit"), [(5, 5), (10, 10), (12, 10), (40, 10), (44, 11), (1000, 250)]
    )
    def test_a_buyer_can_reserve_a_quarter_of_the_stock_or_ten_units(
        self,
        client: FlaskClient,
        gateway: object,
        seller: Actor,
        buyer: Actor,
        stock: int,
        limit: int,
    ) -> None:
        product_id = factories.product(seller, units=stock)

        if stock > limit:
            answer = create_order(client, buyer, product_id, quantity=limit + 1)
            assert refusal(answer) == REACHED
            assert answer.json["details"] == {
                "limit": limit,
                "reserved": 0,
                "requested": limit + 1,
            }
        assert create_order(client, buyer, product_id, quantity=limit).status_code == 201
        assert units(client, product_id) == stock - limit

    def test_the_limit_is_of_all_open_checkouts_of_the_buyer(
        self, client: FlaskClient, gateway: object, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=100)
        made = [create_order(client, buyer, product_id, quantity=n).json for n in (20, 4)]

        answer = create_order(client, buyer, product_id, quantity=2, key="r-1")

        assert refusal(answer) == REACHED
        assert answer.json["details"] == {"limit": 25, "reserved": 24, "requested": 2}
        assert create_order(client, buyer, product_id).status_code == 201
        cancel = f"{ORDERS}/{made[1]['order']['id']}/cancel"
        assert client.post(cancel, headers=buyer.headers).status_code == 200
        again = create_order(client, buyer, product_id, quantity=2, key="r-1")
        assert again.status_code == 201
        assert create_order(client, factories.buyer(), product_id, quantity=10).status_code == 201

    def test_a_merchant_sets_the_limit_of_a_product(
        self, client: FlaskClient, gateway: object, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=100)
        path = f"/api/v1/products/{product_id}"

        changed = client.patch(path, json={"reservationLimit": 2}, headers=seller.headers)

        assert changed.json["reservationLimit"] == 2
        assert refusal(create_order(client, buyer, product_id, quantity=3)) == REACHED
        assert create_order(client, buyer, product_id, quantity=2).status_code == 201
        client.patch(path, json={"reservationLimit": None}, headers=seller.headers)
        assert create_order(client, buyer, product_id, quantity=3).status_code == 201

    @pytest.mark.parametrize("limit", [0, -1, 1_000_001, "2", 1.5])
    def test_another_limit_is_refused(
        self, client: FlaskClient, seller: Actor, limit: object
    ) -> None:
        path = f"/api/v1/products/{factories.product(seller)}"

        answer = client.patch(path, json={"reservationLimit": limit}, headers=seller.headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("method", ["GATEWAY", "WALLET"])
    def test_more_than_the_stock_is_refused(
        self, client: FlaskClient, gateway: object, seller: Actor, method: str
    ) -> None:
        product_id = factories.product(seller, units=3, price="1.00")
        body = {"productId": str(product_id), "paymentMethod": method, "quantity": 4}

        answer = client.post(ORDERS, json=body, headers=factories.buyer().headers)

        assert refusal(answer) == (400, "PRODUCT_OUT_OF_STOCK")
        assert units(client, product_id) == 3

    def test_purchases_from_the_wallet_reserve_nothing_and_have_no_such_limit(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        product_id = factories.product(seller, units=40, price="1.00")
        body = {"productId": str(product_id), "paymentMethod": "WALLET", "quantity": 40}

        answer = client.post(ORDERS, json=body, headers=factories.buyer("40.00").headers)

        assert answer.status_code == 201


class TestCouponUses:
    @pytest.mark.parametrize(("max_uses", "limit"), [(2, 1), (5, 1), (8, 2), (16, 4)])
    def test_a_buyer_can_reserve_a_quarter_of_the_uses_of_a_coupon(
        self,
        client: FlaskClient,
        gateway: object,
        seller: Actor,
        buyer: Actor,
        max_uses: int,
        limit: int,
    ) -> None:
        create_coupon(client, seller, code="FEW", maxUses=max_uses)
        order = {"product_id": factories.product(seller, units=50), "couponCode": "FEW"}

        made = [create_order(client, buyer, **order).status_code for _ in range(limit)]

        assert made == [201] * limit
        assert refusal(create_order(client, buyer, **order)) == (409, "TOO_MANY_CHECKOUTS")
        if max_uses > limit:
            assert create_order(client, factories.buyer(), **order).status_code == 201


def test_concurrent_orders_together_stay_within_the_limit(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), units=40)
    buyer = factories.buyer("1.00")
    caller = Caller(buyer.id, buyer.email, "USER")

    def reserve(quantity: int) -> UUID | AppError:
        try:
            return ledger_transaction(
                lambda session: checkouts.create_order(
                    session,
                    buyer=caller,
                    basket=Basket(product_id, quantity),
                    claim=None,
                    fee_bps=0,
                )
            )
        except AppError as error:
            return error

    outcomes = all_at_once(reserve, [3] * 8)

    assert len([one for one in outcomes if isinstance(one, UUID)]) == 3
    assert {one.code for one in outcomes if isinstance(one, AppError)} == {
        "RESERVATION_LIMIT_REACHED"
    }
