"""Concurrent purchases, with real commits."""

from typing import Any
from uuid import UUID

from flask import Flask

from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.factories import Actor

ORDERS = "/api/v1/orders"


def buy(app: Flask, buyer: Actor, product_id: UUID, **more: Any) -> Any:
    """Place an order over HTTP. more: fields of the order, and `headers`."""
    order = {"productId": str(product_id), "paymentMethod": "WALLET"}
    headers = buyer.headers | more.pop("headers", {})
    return app.test_client().post(ORDERS, json=order | more, headers=headers)


def balance(app: Flask, actor: Actor) -> str:
    return app.test_client().get("/api/v1/wallet", headers=actor.headers).json["balance"]


def units_left(app: Flask, product_id: UUID) -> int:
    return app.test_client().get(f"/api/v1/products/{product_id}").json["availableUnits"]


def test_200_concurrent_buyers_get_exactly_50_units(committing: Flask) -> None:
    seller = factories.merchant()
    product_id = factories.product(seller, price="10.00", units=50)
    buyers = [factories.buyer("10.00") for _ in range(200)]

    answers = all_at_once(lambda buyer: buy(committing, buyer, product_id), buyers)

    assert outcomes(answers) == {(201, None): 50, (400, "PRODUCT_OUT_OF_STOCK"): 150}
    assert units_left(committing, product_id) == 0
    assert balance(committing, seller) == "500.00"
    assert broken_invariants() == []


def test_one_merchant_sells_50_products_to_100_buyers(committing: Flask) -> None:
    seller = factories.merchant()
    product_ids = [factories.product(seller, price="3.00", units=2) for _ in range(50)]
    buyers = [factories.buyer("3.00") for _ in range(100)]

    answers = all_at_once(
        lambda purchase: buy(committing, *purchase), list(zip(buyers, product_ids * 2, strict=True))
    )

    assert outcomes(answers) == {(201, None): 100}
    assert {units_left(committing, product_id) for product_id in product_ids} == {0}
    assert balance(committing, seller) == "300.00"
    assert broken_invariants() == []


def test_a_balance_for_5_units_buys_5_of_32(committing: Flask) -> None:
    sellers = [factories.merchant() for _ in range(4)]
    product_ids = [factories.product(seller, price="10.00", units=32) for seller in sellers]
    buyer = factories.buyer("50.00")

    answers = all_at_once(
        lambda product_id: buy(committing, buyer, product_id), product_ids * 8, threads=32
    )

    assert outcomes(answers) == {(201, None): 5, (400, "INSUFFICIENT_FUNDS"): 27}
    assert balance(committing, buyer) == "0.00"
    assert broken_invariants() == []


def test_one_idempotency_key_buys_once(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), price="10.00", units=50)
    buyer = factories.buyer("500.00")
    key = {"Idempotency-Key": "the-same-key"}

    answers = all_at_once(
        lambda _: buy(committing, buyer, product_id, headers=key), range(50), threads=32
    )

    assert set(outcomes(answers)) <= {(201, None), (409, "IDEMPOTENCY_IN_PROGRESS")}
    bought = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.data for answer in bought}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in bought].count(None) == 1
    again = buy(committing, buyer, product_id, headers=key)
    assert (again.status_code, again.data) == (201, bought[0].data)
    assert units_left(committing, product_id) == 49
    assert balance(committing, buyer) == "490.00"
    assert broken_invariants() == []


def test_one_key_with_different_bodies_buys_once(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), price="1.00", units=50)
    buyer = factories.buyer("500.00")
    key = {"Idempotency-Key": "the-same-key"}

    answers = all_at_once(
        lambda quantity: buy(committing, buyer, product_id, quantity=quantity, headers=key),
        range(1, 9),
        threads=8,
    )

    counts = outcomes(answers)
    assert counts[201, None] == 1
    assert set(counts) <= {
        (201, None),
        (409, "IDEMPOTENCY_IN_PROGRESS"),
        (422, "IDEMPOTENCY_KEY_REUSED"),
    }
    assert broken_invariants() == []


def test_merchants_buying_from_each_other_do_not_deadlock(committing: Flask) -> None:
    """Opposite purchases lock each other's wallets."""
    merchants = [factories.actor("MERCHANT", balance="100.00") for _ in range(4)]
    shops = {
        merchant: factories.product(merchant, price="1.00", units=100) for merchant in merchants
    }
    purchases_to_make = [
        (buyer, shops[seller]) for buyer in merchants for seller in merchants if buyer != seller
    ] * 8

    answers = all_at_once(lambda purchase: buy(committing, *purchase), purchases_to_make)

    assert outcomes(answers) == {(201, None): len(purchases_to_make)}
    assert [balance(committing, merchant) for merchant in merchants] == ["100.00"] * 4
    assert broken_invariants() == []


def test_price_and_stock_can_change_during_sales(committing: Flask) -> None:
    seller = factories.merchant()
    product_id = factories.product(seller, price="1.00", units=40)
    buyers = [factories.buyer("2.00") for _ in range(40)]
    changes = [{"price": "2.00"}, {"availableUnits": 30}, {"price": "1.00"}, {"name": "New"}] * 4

    def act(thing: Actor | dict[str, Any]) -> Any:
        if isinstance(thing, Actor):
            return buy(committing, thing, product_id)
        return committing.test_client().patch(
            f"/api/v1/products/{product_id}", json=thing, headers=seller.headers
        )

    mixed = [thing for i, buyer in enumerate(buyers) for thing in (buyer, *changes[i : i + 1])]
    answers = all_at_once(act, mixed)

    counts = outcomes(answers)
    sold = counts[201, None]
    assert set(counts) <= {(201, None), (200, None), (400, "PRODUCT_OUT_OF_STOCK")}
    assert counts[200, None] == len(changes)
    assert sold >= 30
    prices = {a.json["amount"] for a in answers if a.status_code == 201}
    assert prices <= {"1.00", "2.00"}
    sales = committing.test_client().get(f"{ORDERS}/merchant/sales", headers=seller.headers).json
    assert sales["meta"]["total"] == sold
    assert broken_invariants() == []


def test_deleting_a_product_stops_its_sales_and_keeps_earlier_orders(committing: Flask) -> None:
    seller = factories.merchant()
    product_id = factories.product(seller, price="1.00", units=100)
    buyers: list[Actor | None] = [factories.buyer("1.00") for _ in range(40)]

    def act(buyer: Actor | None) -> Any:
        if buyer is not None:
            return buy(committing, buyer, product_id)
        return committing.test_client().delete(
            f"/api/v1/products/{product_id}", headers=seller.headers
        )

    answers = all_at_once(act, [*buyers[:20], None, *buyers[20:]])

    counts = outcomes(answers)
    assert set(counts) <= {(201, None), (200, None), (404, "PRODUCT_NOT_FOUND")}
    assert counts[200, None] == 1
    assert balance(committing, seller) == f"{counts[201, None]}.00"
    assert broken_invariants() == []
