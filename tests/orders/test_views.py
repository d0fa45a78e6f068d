"""Buying and looking at orders, over HTTP."""

from uuid import uuid4

from flask.testing import FlaskClient

from tests import factories


class TestBuying:
    def test_a_purchase_moves_money_and_stock(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="30.00", units=3)

        answer = client.post(
            "/api/v1/orders",
            json={"productId": str(product_id), "paymentMethod": "WALLET", "quantity": 2},
            headers=buyer.headers,
        )

        assert answer.status_code == 201
        assert answer.json["status"] == "COMPLETED"
        assert answer.json["amount"] == "60.00"
        wallet = client.get("/api/v1/wallet", headers=buyer.headers).json
        assert wallet["balance"] == "40.00"
        earned = client.get("/api/v1/wallet", headers=seller.headers).json
        assert earned["balance"] == "60.00"
        assert client.get(f"/api/v1/products/{product_id}").json["availableUnits"] == 1

    def test_an_unknown_product_is_404(self, client: FlaskClient) -> None:
        answer = client.post(
            "/api/v1/orders",
            json={"productId": str(uuid4()), "paymentMethod": "WALLET"},
            headers=factories.buyer().headers,
        )
        assert (answer.status_code, answer.json["error"]) == (404, "PRODUCT_NOT_FOUND")
