"""Many buyers at once, with real commits."""

from flask import Flask

from app.verify import violations
from tests import factories
from tests.crowd import all_at_once


def test_200_buyers_get_exactly_the_50_units_there_are(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), price="10.00", units=50)
    buyers = [factories.buyer("10.00") for _ in range(200)]
    order = {"productId": str(product_id), "paymentMethod": "WALLET"}

    answers = all_at_once(
        lambda buyer: committing.test_client().post(
            "/api/v1/orders", json=order, headers=buyer.headers
        ),
        buyers,
        threads=32,
    )

    outcomes = [(a.status_code, a.json.get("error")) for a in answers]
    assert outcomes.count((201, None)) == 50
    assert outcomes.count((400, "PRODUCT_OUT_OF_STOCK")) == 150
    assert [rows for _, rows in violations() if rows] == []
