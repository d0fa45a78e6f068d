"""`expectedAmount`: nothing is paid if the total is not what the payer was shown."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.concurrency import all_at_once
from tests.coupons.helpers import create_coupon
from tests.factories import Actor
from tests.operations.access_matrix import Route, operations_of
from tests.orders.helpers import ORDERS, balance, buy, nothing_happened
from tests.payment_requests.helpers import close_request, created_code, created_request, pay_code
from tests.responses import created, error_body, refusal


def set_price(client: FlaskClient, seller: Actor, product_id: object, price: str) -> None:
    path = f"/api/v1/products/{product_id}"
    assert client.patch(path, json={"price": price}, headers=seller.headers).status_code == 200


class TestOrders:
    def test_the_expected_total_is_paid(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, price="10.00")
        create_coupon(client, seller, code="SPRING", value="25")
        body = {"quantity": 2, "couponCode": "SPRING", "expectedAmount": "15.00"}
        assert created(buy(client, buyer, product_id, **body))["amount"] == "15.00"

    @pytest.mark.parametrize("price", ["9.99", "10.01"])
    def test_another_total_is_refused_with_both_amounts(
        self, client: FlaskClient, price: str
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, price="10.00")
        set_price(client, seller, product_id, price)

        answer = buy(client, buyer, product_id, expectedAmount="10.00")

        assert refusal(answer) == (409, "PRICE_CHANGED")
        assert error_body(answer)["details"] == {"expectedAmount": "10.00", "amount": price}
        assert nothing_happened(client, buyer)

    def test_a_free_order_can_be_expected(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller)
        create_coupon(client, seller, code="GIFT", value="100")
        created(buy(client, buyer, product_id, couponCode="GIFT", expectedAmount="0.00"))
        answer = buy(client, buyer, product_id, expectedAmount="0")
        assert refusal(answer) == (409, "PRICE_CHANGED")

    @pytest.mark.parametrize("amount", ["10.005", "-1", "ten", None])
    def test_an_invalid_expectation_is_refused(self, client: FlaskClient, amount: Any) -> None:
        buyer, product_id = factories.buyer(), factories.product(factories.merchant())
        answer = buy(client, buyer, product_id, expectedAmount=amount)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == ["expectedAmount"]
        assert nothing_happened(client, buyer)

    def test_the_refusal_is_the_response_to_its_key(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, price="10.00")
        body = {
            "productId": str(product_id),
            "paymentMethod": "WALLET",
            "expectedAmount": "9.00",
        }
        headers = buyer.headers | {"Idempotency-Key": "price-1"}
        first = client.post(ORDERS, json=body, headers=headers)
        set_price(client, seller, product_id, "9.00")
        again = client.post(ORDERS, json=body, headers=headers)
        assert refusal(first) == (409, "PRICE_CHANGED")
        assert again.data == first.data

    def test_no_buyer_pays_another_price_while_it_changes(self, committing: Flask) -> None:
        seller, buyer = factories.merchant(), factories.buyer("500.00")
        product_id = factories.product(seller, price="1.00", units=100)

        def work(number: int) -> list[str]:
            client = committing.test_client()
            if number % 4 == 0:
                set_price(client, seller, product_id, "1.00" if number % 8 else "2.00")
                return []
            answer = buy(client, buyer, product_id, expectedAmount="1.00")
            assert answer.status_code == 201 or refusal(answer) == (409, "PRICE_CHANGED")
            return [answer.json["amount"]] if answer.status_code == 201 else []

        paid = [amount for amounts in all_at_once(work, range(40)) for amount in amounts]
        assert set(paid) <= {"1.00"}
        assert balance(committing.test_client(), buyer) == f"{500 - len(paid)}.00"


class TestPaymentLinks:
    def test_a_code_for_a_product_is_paid_at_the_expected_price(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, price="10.00")
        code = created_code(client, seller, productId=str(product_id))
        body = {"quantity": 2, "expectedAmount": "20.00"}
        assert created(pay_code(client, buyer, code, json=body))["amount"] == "20.00"
        set_price(client, seller, product_id, "12.00")
        answer = pay_code(client, buyer, code, json=body)
        assert refusal(answer) == (409, "PRICE_CHANGED")
        assert error_body(answer)["details"] == {"expectedAmount": "20.00", "amount": "24.00"}
        assert balance(client, buyer) == "80.00"

    @pytest.mark.parametrize(
        ("fixed", "chosen"), [("3.50", {}), (None, {"amount": "3.50"})], ids=["fixed", "chosen"]
    )
    def test_a_code_and_a_request_are_paid_with_the_expected_amount_only(
        self, client: FlaskClient, fixed: str | None, chosen: dict[str, str]
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        fields = {"amount": fixed} if fixed else {}
        code = created_code(client, seller, **fields)
        request = created_request(client, seller, **fields)
        for expected, outcome in (("3.49", 409), ("3.50", 201)):
            body = chosen | {"expectedAmount": expected}
            answers = [
                pay_code(client, buyer, code, json=body),
                close_request(client, buyer, request, "pay", json=body),
            ]
            assert [answer.status_code for answer in answers] == [outcome] * 2
            if outcome == 409:
                assert {refusal(answer) for answer in answers} == {(409, "PRICE_CHANGED")}
        assert balance(client, buyer) == "93.00"


class TestEveryOperation:
    def test_whatever_pays_a_price_takes_the_expected_amount(self, app: Flask) -> None:
        """An operation that can run out of stock sells; one that pays a link pays what it shows."""
        document = app.test_client().get("/api/openapi.json").json
        schemas = document["components"]["schemas"]
        found = {
            route: (
                _takes_expected_amount(schemas, operation),
                "PRICE_CHANGED" in _errors(operation),
            )
            for route, operation in operations_of(app).items()
            if "PRODUCT_OUT_OF_STOCK" in _errors(operation)
            or (route[0] == "POST" and route[1].endswith("/pay"))
            or _takes_expected_amount(schemas, operation)
            or "PRICE_CHANGED" in _errors(operation)
        }
        assert len(found) >= 3
        assert found == dict.fromkeys(found, (True, True)), _missing(found)


def _errors(operation: dict[str, Any]) -> str:
    """The documented responses, as text that contains their codes."""
    return str(operation["responses"])


def _takes_expected_amount(schemas: dict[str, Any], operation: dict[str, Any]) -> bool:
    content = operation.get("requestBody", {}).get("content", {})
    for media in content.values():
        name = media["schema"].get("$ref", "").rpartition("/")[2]
        if "expectedAmount" in schemas.get(name, media["schema"]).get("properties", {}):
            return True
    return False


def _missing(found: dict[Route, tuple[bool, bool]]) -> list[Route]:
    return [route for route, both in found.items() if both != (True, True)]
