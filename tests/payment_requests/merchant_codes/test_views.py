"""Merchant codes, over HTTP."""

from typing import Any
from unittest.mock import ANY
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.payment_requests.helpers import CODES, created_code, pay_code
from tests.responses import created, refusal
from tests.shops.helpers import with_shop
from tests.transfers.helpers import API, balance, deactivate, history


@pytest.fixture
def shop(client: FlaskClient) -> Actor:
    return with_shop(client, factories.merchant(), name="Corner Café")


@pytest.fixture
def espresso(app: Flask, shop: Actor) -> UUID:
    return factories.product(shop, price="3.50", units=10, name="Espresso")


@pytest.fixture
def buyer(app: Flask) -> Actor:
    return factories.buyer("100.00")


def scan(client: FlaskClient, code: dict[str, Any]) -> Any:
    return client.get(f"{CODES}/by-token/{code['token']}")


def end(client: FlaskClient, merchant: Actor, code: dict[str, Any]) -> Any:
    return client.post(f"{CODES}/{code['id']}/deactivate", headers=merchant.headers)


class TestCreating:
    def test_the_response_has_what_is_printed(
        self, client: FlaskClient, shop: Actor, espresso: UUID
    ) -> None:
        code = created_code(client, shop, productId=str(espresso), label="Counter")

        assert list(code) == [
            "id",
            "productId",
            "amount",
            "currency",
            "label",
            "isActive",
            "token",
            "link",
            "createdAt",
            "updatedAt",
        ]
        assert (code["productId"], code["amount"]) == (str(espresso), None)
        assert (code["label"], code["isActive"]) == ("Counter", True)
        assert code["link"] == f"http://localhost:3000/pay/{code['token']}"
        assert client.get(f"{CODES}/{code['id']}", headers=shop.headers).json == code

    def test_product_amount_and_label_are_optional(self, client: FlaskClient, shop: Actor) -> None:
        code = created_code(client, shop)

        assert (code["productId"], code["amount"], code["label"]) == (None, None, None)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"amount": "0"}, "amount"),
            ({"amount": "1.005"}, "amount"),
            ({"label": "x" * 81}, "label"),
            ({"productId": "x"}, "productId"),
            ({"price": "1.00"}, "price"),
        ],
    )
    def test_invalid_fields_are_refused(
        self, client: FlaskClient, shop: Actor, fields: dict[str, Any], field: str
    ) -> None:
        answer = client.post(CODES, json=fields, headers=shop.headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_a_code_has_a_product_or_an_amount_but_not_both(
        self, client: FlaskClient, shop: Actor, espresso: UUID
    ) -> None:
        body = {"productId": str(espresso), "amount": "1.00"}
        answer = client.post(CODES, json=body, headers=shop.headers)

        assert answer.json["details"] == {"amount": ["Send productId or amount, not both."]}

    def test_only_the_merchant_s_own_active_products_are_accepted(
        self, client: FlaskClient, shop: Actor, espresso: UUID
    ) -> None:
        body = {"productId": str(espresso)}
        path = f"{API}/products/{espresso}"
        other = client.post(CODES, json=body, headers=factories.merchant().headers)
        client.patch(path, json={"isActive": False}, headers=shop.headers)
        inactive = client.post(CODES, json=body, headers=shop.headers)
        client.delete(path, headers=shop.headers)
        deleted = client.post(CODES, json=body, headers=shop.headers)
        unknown = {"productId": "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"}

        assert refusal(other) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert refusal(inactive) == (400, "PRODUCT_INACTIVE")
        assert refusal(deleted) == (404, "PRODUCT_NOT_FOUND")
        assert refusal(client.post(CODES, json=unknown, headers=shop.headers))[0] == 404

    def test_the_list_has_the_merchant_s_codes_newest_first(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        codes = [created_code(client, shop, label=str(n))["id"] for n in range(5)]
        created_code(client, factories.merchant())
        first = client.get(CODES, query_string={"limit": 3}, headers=shop.headers).json
        cursor = {"limit": 3, "cursor": first["meta"]["nextCursor"]}
        second = client.get(CODES, query_string=cursor, headers=shop.headers).json

        assert [row["id"] for row in first["data"] + second["data"]] == codes[::-1]
        assert (first["meta"]["total"], second["meta"]["nextCursor"]) == (5, None)


class TestScanning:
    def test_a_product_is_shown_with_its_current_price(
        self, client: FlaskClient, shop: Actor, espresso: UUID
    ) -> None:
        code = created_code(client, shop, productId=str(espresso), label="Counter")
        client.patch(f"{API}/products/{espresso}", json={"price": "4.00"}, headers=shop.headers)

        answer = scan(client, code)

        assert answer.json == {
            "merchant": {
                "name": "Corner Café",
                "supportEmail": None,
                "verified": True,
                "verifiedSince": ANY,
            },
            "label": "Counter",
            "product": {
                "id": str(espresso),
                "name": "Espresso",
                "price": "4.00",
                "currency": "USD",
                "availableUnits": 10,
                "isActive": True,
            },
            "amount": None,
            "currency": "USD",
        }

    def test_an_amount_is_shown_unless_the_payer_chooses_it(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        assert scan(client, created_code(client, shop, amount="3.50")).json["amount"] == "3.50"
        open_amount = scan(client, created_code(client, shop)).json
        assert (open_amount["amount"], open_amount["product"]) == (None, None)

    def test_a_merchant_without_a_name_has_a_neutral_one(self, client: FlaskClient) -> None:
        merchant = factories.merchant()
        answer = scan(client, created_code(client, merchant))

        shown = answer.json["merchant"]
        name = f"Merchant {str(merchant.id)[-6:].upper()}"
        assert (shown["name"], shown["supportEmail"]) == (name, None)

    @pytest.mark.parametrize("token", ["x", "A" * 22, "A" * 21 + "%00"])
    def test_an_unknown_token_is_not_found(self, client: FlaskClient, token: str) -> None:
        assert client.get(f"{CODES}/by-token/{token}").json["error"] == "MERCHANT_CODE_NOT_FOUND"

    def test_a_deactivated_code_is_not_found(
        self, client: FlaskClient, shop: Actor, buyer: Actor
    ) -> None:
        code = created_code(client, shop, amount="1.00")

        ended = end(client, shop, code)

        assert (ended.status_code, ended.json["isActive"]) == (200, False)
        assert end(client, shop, code).json == ended.json
        assert refusal(scan(client, code)) == (404, "MERCHANT_CODE_NOT_FOUND")
        assert refusal(pay_code(client, buyer, code)) == (404, "MERCHANT_CODE_NOT_FOUND")
        assert client.get(f"{CODES}/{code['id']}", headers=shop.headers).status_code == 200

    def test_a_code_of_a_deactivated_merchant_is_not_found(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        codes = [created_code(client, shop), created_code(client, shop, productId=str(espresso))]
        deactivate(client, shop)

        for code in codes:
            assert refusal(scan(client, code)) == (404, "MERCHANT_CODE_NOT_FOUND")
            for body in ({}, {"amount": "1.00"}):
                answer = pay_code(client, buyer, code, json=body)
                assert refusal(answer) == (404, "MERCHANT_CODE_NOT_FOUND")
        assert balance(client, buyer) == "100.00"

    def test_another_merchant_cannot_deactivate_a_code(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        code = created_code(client, shop)

        answer = end(client, factories.merchant(), code)

        assert refusal(answer) == (404, "MERCHANT_CODE_NOT_FOUND")
        assert scan(client, code).status_code == 200


class TestPaying:
    def test_paying_a_code_with_a_product_creates_an_order(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        code = created_code(client, shop, productId=str(espresso))
        through_shop = client.post(
            f"{API}/orders",
            json={"productId": str(espresso), "paymentMethod": "WALLET", "quantity": 2},
            headers=buyer.headers,
        ).json

        answer = pay_code(client, buyer, code, json={"quantity": 2})

        order = created(answer)
        assert list(order) == list(through_shop)
        assert (order["status"], order["amount"], order["quantity"]) == ("COMPLETED", "7.00", 2)
        assert client.get(f"{API}/orders/{order['id']}", headers=buyer.headers).status_code == 200
        sales = client.get(f"{API}/orders/merchant/sales", headers=shop.headers).json
        assert sales["meta"]["total"] == 2
        assert client.get(f"{API}/products/{espresso}").json["availableUnits"] == 6
        assert history(client, buyer)[0]["type"] == "PAYMENT"

    def test_the_default_quantity_is_one(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        code = created_code(client, shop, productId=str(espresso))

        assert pay_code(client, buyer, code).json["quantity"] == 1
        assert pay_code(client, buyer, code, json={}).json["amount"] == "3.50"

    def test_an_order_by_code_is_refused_like_any_other(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        code = created_code(client, shop, productId=str(espresso))

        assert refusal(pay_code(client, shop, code)) == (400, "CANNOT_BUY_OWN_PRODUCT")
        too_many = pay_code(client, buyer, code, json={"quantity": 11})
        assert refusal(too_many) == (400, "PRODUCT_OUT_OF_STOCK")
        poor = pay_code(client, factories.actor(), code)
        assert refusal(poor) == (400, "INSUFFICIENT_FUNDS")
        client.delete(f"{API}/products/{espresso}", headers=shop.headers)
        assert refusal(pay_code(client, buyer, code)) == (404, "PRODUCT_NOT_FOUND")

    def test_paying_a_code_without_a_product_is_a_transfer_to_the_merchant(
        self, client: FlaskClient, shop: Actor, buyer: Actor, change_settings: Any
    ) -> None:
        change_settings(platform_fee_bps=500)
        code = created_code(client, shop, amount="3.50", label="Counter")

        paid = pay_code(client, buyer, code).json

        assert (paid["direction"], paid["amount"], paid["note"]) == ("OUT", "3.50", "Counter")
        assert (paid["referenceType"], paid["referenceId"]) == ("merchant_code", code["id"])
        assert balance(client, shop) == "3.50"  # a transfer has no platform fee
        assert history(client, shop)[0]["type"] == "TRANSFER_IN"

    def test_the_payer_chooses_an_open_amount_but_not_a_fixed_one(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        fixed, left_open = created_code(client, shop, amount="3.50"), created_code(client, shop)
        for_product = created_code(client, shop, productId=str(espresso))

        assert pay_code(client, buyer, left_open, json={"amount": "9.00"}).json["amount"] == "9.00"
        for code, body, field in (
            (left_open, {}, "amount"),
            (fixed, {"amount": "0.01"}, "amount"),
            (for_product, {"amount": "0.01"}, "amount"),
            (fixed, {"quantity": 2}, "quantity"),
        ):
            answer = pay_code(client, buyer, code, json=body)
            assert refusal(answer) == (400, "VALIDATION_ERROR")
            assert list(answer.json["details"]) == [field]
        assert balance(client, buyer) == "91.00"

    def test_a_code_can_be_paid_many_times(
        self, client: FlaskClient, shop: Actor, buyer: Actor
    ) -> None:
        code = created_code(client, shop, amount="1.00")

        assert {pay_code(client, buyer, code).status_code for _ in range(5)} == {201}
        assert balance(client, shop) == "5.00"

    def test_paying_oneself_is_refused(self, client: FlaskClient, shop: Actor) -> None:
        code = created_code(client, shop, amount="1.00")

        assert refusal(pay_code(client, shop, code)) == (400, "CANNOT_TRANSFER_TO_SELF")

    @pytest.mark.parametrize("with_product", [True, False])
    def test_a_repeated_payment_is_replayed_even_after_deactivation(
        self,
        client: FlaskClient,
        shop: Actor,
        espresso: UUID,
        buyer: Actor,
        with_product: bool,
    ) -> None:
        terms = {"productId": str(espresso)} if with_product else {"amount": "3.50"}
        code = created_code(client, shop, **terms)
        key = {"Idempotency-Key": "once"}
        first = pay_code(client, buyer, code, headers=key)
        again = pay_code(client, buyer, code, headers=key)
        end(client, shop, code)
        later = pay_code(client, buyer, code, headers=key)

        assert first.status_code == 201
        for repetition in (again, later):
            assert (repetition.status_code, repetition.data) == (201, first.data)
            assert repetition.headers["Idempotent-Replayed"] == "true"
        assert balance(client, buyer) == "96.50"
