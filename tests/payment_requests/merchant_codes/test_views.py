"""Codes that merchants print, over HTTP."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.answers import refusal
from tests.factories import Actor
from tests.payment_requests.helpers import CODES, coded, pay_code
from tests.transfers.helpers import API, balance, deactivate, history, named


@pytest.fixture
def shop(client: FlaskClient) -> Actor:
    return named(client, factories.merchant(), "Corner", "Café")


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


class TestMaking:
    def test_the_answer_has_what_is_printed(
        self, client: FlaskClient, shop: Actor, espresso: UUID
    ) -> None:
        code = coded(client, shop, productId=str(espresso), label="Counter")

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

    def test_a_code_needs_no_terms(self, client: FlaskClient, shop: Actor) -> None:
        code = coded(client, shop)

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
    def test_bad_terms_are_refused(
        self, client: FlaskClient, shop: Actor, fields: dict[str, Any], field: str
    ) -> None:
        answer = client.post(CODES, json=fields, headers=shop.headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_a_product_has_its_price_already(
        self, client: FlaskClient, shop: Actor, espresso: UUID
    ) -> None:
        body = {"productId": str(espresso), "amount": "1.00"}
        answer = client.post(CODES, json=body, headers=shop.headers)

        assert answer.json["details"] == {"amount": ["A product has its price already."]}

    def test_only_an_active_product_of_one_s_own(
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

    def test_a_list_has_all_of_mine_newest_first(self, client: FlaskClient, shop: Actor) -> None:
        made = [coded(client, shop, label=str(n))["id"] for n in range(5)]
        coded(client, factories.merchant())
        first = client.get(CODES, query_string={"limit": 3}, headers=shop.headers).json
        cursor = {"limit": 3, "cursor": first["meta"]["nextCursor"]}
        second = client.get(CODES, query_string=cursor, headers=shop.headers).json

        assert [row["id"] for row in first["data"] + second["data"]] == made[::-1]
        assert (first["meta"]["total"], second["meta"]["nextCursor"]) == (5, None)


class TestScanning:
    def test_a_product_is_shown_with_its_price_of_now(
        self, client: FlaskClient, shop: Actor, espresso: UUID
    ) -> None:
        code = coded(client, shop, productId=str(espresso), label="Counter")
        client.patch(f"{API}/products/{espresso}", json={"price": "4.00"}, headers=shop.headers)

        answer = scan(client, code)

        assert answer.json == {
            "merchant": {"name": "Corner Café"},
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

    def test_an_amount_is_shown_or_left_open(self, client: FlaskClient, shop: Actor) -> None:
        assert scan(client, coded(client, shop, amount="3.50")).json["amount"] == "3.50"
        open_amount = scan(client, coded(client, shop)).json
        assert (open_amount["amount"], open_amount["product"]) == (None, None)

    def test_a_merchant_without_a_name_is_masked(self, client: FlaskClient) -> None:
        answer = scan(client, coded(client, factories.merchant()))

        assert answer.json["merchant"] == {"name": "m•••@e•••.com"}

    @pytest.mark.parametrize("token", ["x", "A" * 22, "A" * 21 + "%00"])
    def test_no_other_token_leads_anywhere(self, client: FlaskClient, token: str) -> None:
        assert client.get(f"{CODES}/by-token/{token}").json["error"] == "MERCHANT_CODE_NOT_FOUND"

    def test_a_code_out_of_use_is_nothing(
        self, client: FlaskClient, shop: Actor, buyer: Actor
    ) -> None:
        code = coded(client, shop, amount="1.00")

        ended = end(client, shop, code)

        assert (ended.status_code, ended.json["isActive"]) == (200, False)
        assert end(client, shop, code).json == ended.json
        assert refusal(scan(client, code)) == (404, "MERCHANT_CODE_NOT_FOUND")
        assert refusal(pay_code(client, buyer, code)) == (404, "MERCHANT_CODE_NOT_FOUND")
        assert client.get(f"{CODES}/{code['id']}", headers=shop.headers).status_code == 200

    def test_so_is_one_of_a_merchant_who_was_deactivated(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        codes = [coded(client, shop), coded(client, shop, productId=str(espresso))]
        deactivate(client, shop)

        for code in codes:
            assert refusal(scan(client, code)) == (404, "MERCHANT_CODE_NOT_FOUND")
            for body in ({}, {"amount": "1.00"}):
                answer = pay_code(client, buyer, code, json=body)
                assert refusal(answer) == (404, "MERCHANT_CODE_NOT_FOUND")
        assert balance(client, buyer) == "100.00"

    def test_nobody_ends_the_code_of_another(self, client: FlaskClient, shop: Actor) -> None:
        code = coded(client, shop)

        answer = end(client, factories.merchant(), code)

        assert refusal(answer) == (404, "MERCHANT_CODE_NOT_FOUND")
        assert scan(client, code).status_code == 200


class TestPaying:
    def test_with_a_product_it_is_an_order_like_any_other(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        code = coded(client, shop, productId=str(espresso))
        through_shop = client.post(
            f"{API}/orders",
            json={"productId": str(espresso), "paymentMethod": "WALLET", "quantity": 2},
            headers=buyer.headers,
        ).json

        answer = pay_code(client, buyer, code, json={"quantity": 2})

        assert answer.status_code == 201
        order = answer.json
        assert list(order) == list(through_shop)
        assert (order["status"], order["amount"], order["quantity"]) == ("COMPLETED", "7.00", 2)
        assert client.get(f"{API}/orders/{order['id']}", headers=buyer.headers).status_code == 200
        sales = client.get(f"{API}/orders/merchant/sales", headers=shop.headers).json
        assert sales["meta"]["total"] == 2
        assert client.get(f"{API}/products/{espresso}").json["availableUnits"] == 6
        assert history(client, buyer)[0]["type"] == "PAYMENT"

    def test_one_unit_unless_more_are_asked_for(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        code = coded(client, shop, productId=str(espresso))

        assert pay_code(client, buyer, code).json["quantity"] == 1
        assert pay_code(client, buyer, code, json={}).json["amount"] == "3.50"

    def test_it_is_refused_like_any_other_order(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        code = coded(client, shop, productId=str(espresso))

        assert refusal(pay_code(client, shop, code)) == (400, "CANNOT_BUY_OWN_PRODUCT")
        too_many = pay_code(client, buyer, code, json={"quantity": 11})
        assert refusal(too_many) == (400, "PRODUCT_OUT_OF_STOCK")
        poor = pay_code(client, factories.actor(), code)
        assert refusal(poor) == (400, "INSUFFICIENT_FUNDS")
        client.delete(f"{API}/products/{espresso}", headers=shop.headers)
        assert refusal(pay_code(client, buyer, code)) == (404, "PRODUCT_NOT_FOUND")

    def test_without_a_product_it_is_a_transfer_to_the_merchant(
        self, client: FlaskClient, shop: Actor, buyer: Actor, change_settings: Any
    ) -> None:
        change_settings(platform_fee_bps=500)
        code = coded(client, shop, amount="3.50", label="Counter")

        paid = pay_code(client, buyer, code).json

        assert (paid["direction"], paid["amount"], paid["note"]) == ("OUT", "3.50", "Counter")
        assert (paid["referenceType"], paid["referenceId"]) == ("merchant_code", code["id"])
        assert balance(client, shop) == "3.50"  # nothing was sold, so there is no fee
        assert history(client, shop)[0]["type"] == "TRANSFER_IN"

    def test_an_open_amount_is_chosen_and_a_fixed_one_is_not(
        self, client: FlaskClient, shop: Actor, espresso: UUID, buyer: Actor
    ) -> None:
        fixed, left_open = coded(client, shop, amount="3.50"), coded(client, shop)
        for_product = coded(client, shop, productId=str(espresso))

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

    def test_a_code_is_paid_again_and_again(
        self, client: FlaskClient, shop: Actor, buyer: Actor
    ) -> None:
        code = coded(client, shop, amount="1.00")

        assert {pay_code(client, buyer, code).status_code for _ in range(5)} == {201}
        assert balance(client, shop) == "5.00"

    def test_nobody_pays_themselves(self, client: FlaskClient, shop: Actor) -> None:
        code = coded(client, shop, amount="1.00")

        assert refusal(pay_code(client, shop, code)) == (400, "CANNOT_TRANSFER_TO_SELF")

    @pytest.mark.parametrize("with_product", [True, False])
    def test_a_repeated_payment_is_answered_again_even_when_the_code_has_ended(
        self,
        client: FlaskClient,
        shop: Actor,
        espresso: UUID,
        buyer: Actor,
        with_product: bool,
    ) -> None:
        terms = {"productId": str(espresso)} if with_product else {"amount": "3.50"}
        code = coded(client, shop, **terms)
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
