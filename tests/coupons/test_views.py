"""Coupons: creating them, buying with them, and their usage limits."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.attempts import service as attempts
from app.attempts.budgets import COUPON_CODES
from app.common import clock
from tests import factories
from tests.concurrency import broken_invariants
from tests.coupons.helpers import COUPONS, create_coupon, uses
from tests.factories import Actor
from tests.orders.helpers import balance, buy, nothing_happened
from tests.responses import created, error_body, refusal


def hours(count: int) -> str | None:
    return clock.format_timestamp(clock.now() + timedelta(hours=count))


class TestCreation:
    def test_a_created_coupon_is_shown_and_listed(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)

        answer = create_coupon(
            client, seller, code="spring-26", value="12.5", productId=str(product_id), maxUses=7
        )

        body = created(answer)
        assert (body["code"], body["kind"], body["value"]) == ("SPRING-26", "PERCENT", "12.50")
        assert (body["productId"], body["maxUses"], body["uses"]) == (str(product_id), 7, 0)
        assert client.get(f"{COUPONS}/{body['id']}", headers=seller.headers).json == body
        listed = client.get(COUPONS, headers=seller.headers).json
        assert (listed["data"], listed["meta"]["total"]) == ([body], 1)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"value": "100.01"}, "value"),
            ({"value": "12.345"}, "value"),
            ({"value": 0}, "value"),
            ({"kind": "FIXED", "value": "0.005"}, "value"),
            ({"kind": "HALF"}, "kind"),
            ({"code": "AB"}, "code"),
            ({"code": "MIT UMLÄUT"}, "code"),
            ({"code": 12345}, "code"),
            ({"maxUses": 0}, "maxUses"),
            ({"maxUsesPerUser": "1"}, "maxUsesPerUser"),
            ({"startsAt": "2026-12-02", "endsAt": "2026-12-01"}, "endsAt"),
            ({"productId": "x"}, "productId"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_an_invalid_field_is_refused_and_named(
        self, client: FlaskClient, changes: dict[str, Any], field: str
    ) -> None:
        answer = create_coupon(client, factories.merchant(), **changes)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == [field]

    def test_a_code_is_unique_per_merchant_and_reusable_after_deletion(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        first = create_coupon(client, seller).json

        assert refusal(create_coupon(client, seller, code="spring")) == (409, "COUPON_CODE_TAKEN")
        assert create_coupon(client, factories.merchant()).status_code == 201
        gone = client.delete(f"{COUPONS}/{first['id']}", headers=seller.headers)
        assert gone.status_code == 204
        assert create_coupon(client, seller).status_code == 201

    def test_only_merchants_can_create_coupons_for_their_own_products(
        self, client: FlaskClient
    ) -> None:
        assert refusal(create_coupon(client, factories.buyer())) == (403, "FORBIDDEN")
        theirs = factories.product(factories.merchant())
        answer = create_coupon(client, factories.merchant(), productId=str(theirs))
        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")

    def test_a_coupon_of_another_merchant_is_not_found(self, client: FlaskClient) -> None:
        coupon_id = create_coupon(client, factories.merchant()).json["id"]
        headers = factories.merchant().headers
        for answer in (
            client.get(f"{COUPONS}/{coupon_id}", headers=headers),
            client.patch(f"{COUPONS}/{coupon_id}", json={"maxUses": 3}, headers=headers),
            client.delete(f"{COUPONS}/{coupon_id}", headers=headers),
        ):
            assert refusal(answer) == (404, "COUPON_NOT_FOUND")

    def test_dates_and_limit_can_be_changed_but_not_below_the_number_of_uses(
        self, client: FlaskClient
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller)
        path = f"{COUPONS}/{create_coupon(client, seller).json['id']}"
        for _ in range(2):
            buy(client, buyer, product_id, couponCode="SPRING")

        def patch(**changes: Any) -> Any:
            return client.patch(path, json=changes, headers=seller.headers)

        assert patch(maxUses=2, endsAt=hours(1)).json["maxUses"] == 2
        assert refusal(patch(maxUses=1)) == (400, "COUPON_USED_UP")
        assert refusal(patch(startsAt=hours(2))) == (400, "COUPON_INVALID")
        assert patch(isActive=False).json["isActive"] is False


class TestCodes:
    def test_a_code_that_is_not_chosen_is_long_and_random(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        body = {"kind": "PERCENT", "value": "25"}
        codes = {
            created(client.post(COUPONS, json=body, headers=seller.headers))["code"]
            for _ in range(20)
        }

        assert len(codes) == 20
        assert all(re.fullmatch(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", code) for code in codes)

    def test_a_random_code_can_be_used(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        body = {"kind": "PERCENT", "value": "100"}
        code = created(client.post(COUPONS, json=body, headers=seller.headers))["code"]

        answer = buy(client, factories.actor(), product_id, couponCode=code.lower())

        assert created(answer)["amount"] == "0.00"


class TestGuessing:
    """Codes cost an attempt each, whether or not they exist."""

    def guess(self, app: Flask, buyer: Actor, product_id: UUID, code: str) -> int:
        return buy(app.test_client(), buyer, product_id, couponCode=code).status_code

    def test_a_caller_has_a_budget_for_codes_that_also_right_ones_spend(
        self, rate_limited: Flask
    ) -> None:
        client = rate_limited.test_client()
        seller, guesser = factories.merchant(), factories.actor()
        product_id = factories.product(seller)
        create_coupon(client, seller, code="SPRING", value="100")
        allowed = COUPON_CODES.per_caller
        assert allowed is not None

        first = self.guess(rate_limited, guesser, product_id, "SPRING")
        wrong = [
            self.guess(rate_limited, guesser, product_id, f"WRONG{number}")
            for number in range(1, allowed)
        ]
        create_coupon(client, seller, code="SUMMER", value="100")

        assert (first, set(wrong)) == (201, {400})
        assert self.guess(rate_limited, guesser, product_id, "WRONG") == 429
        assert self.guess(rate_limited, guesser, product_id, "SUMMER") == 429
        assert self.guess(rate_limited, factories.actor(), product_id, "SUMMER") == 201

    def test_repeating_a_code_is_not_another_attempt(
        self, rate_limited: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller, buyer = factories.merchant(), factories.actor()
        product_id = factories.product(seller)
        create_coupon(rate_limited.test_client(), seller, code="SPRING", value="100")
        spent = []
        spend = attempts.spend
        monkeypatch.setattr(attempts, "spend", lambda *args: spent.append(1) or spend(*args))

        statuses = [self.guess(rate_limited, buyer, product_id, "spring") for _ in range(3)]

        assert (statuses, len(spent)) == ([201] * 3, 1)

    def test_orders_without_a_code_spend_nothing(
        self, rate_limited: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(attempts, "spend", None)
        product_id = factories.product(factories.merchant())

        answer = buy(rate_limited.test_client(), factories.actor(balance="100"), product_id)

        assert answer.status_code == 201


class TestBuying:
    @pytest.mark.parametrize(
        ("terms", "quantity", "discount", "amount"),
        [
            ({"value": "25"}, 2, "15.00", "45.00"),
            ({"value": "33.33"}, 1, "10.00", "20.00"),  # 9.999 rounds half up
            ({"value": "0.01"}, 1, "0.00", "30.00"),
            ({"kind": "FIXED", "value": "12.34"}, 2, "12.34", "47.66"),
            ({"kind": "FIXED", "value": "500"}, 1, "30.00", "0.00"),
            ({"value": "100"}, 2, "60.00", "0.00"),
        ],
    )
    def test_the_order_has_the_discount_and_the_reduced_amount(
        self,
        client: FlaskClient,
        change_settings: Any,
        terms: dict[str, Any],
        quantity: int,
        discount: str,
        amount: str,
    ) -> None:
        change_settings(platform_fee_bps=1000)
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="30.00")
        coupon = create_coupon(client, seller, **terms).json

        order = buy(client, buyer, product_id, quantity=quantity, couponCode="spring").json

        assert (order["discount"], order["amount"], order["couponCode"]) == (
            discount,
            amount,
            "SPRING",
        )
        left = 100 - float(amount)
        assert balance(client, buyer) == f"{left:.2f}"
        assert balance(client, seller) == f"{float(amount) * 0.9:.2f}"
        assert uses(client, seller, coupon["id"]) == 1
        assert client.get(f"/api/v1/orders/{order['id']}", headers=buyer.headers).json[
            "discount"
        ] == (discount)
        assert broken_invariants() == []

    def test_a_fixed_discount_applies_only_to_its_currency(
        self, client: FlaskClient, change_settings: Any
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="100.00")
        change_settings(default_currency="KWD")  # after the product was created
        create_coupon(client, seller, code="FIVE", kind="FIXED", value="5")  # 5.000 dinars
        create_coupon(client, seller, code="HALF", value="50")
        answer = buy(client, buyer, product_id, couponCode="FIVE")
        assert refusal(answer) == (400, "COUPON_INVALID")
        assert buy(client, buyer, product_id, couponCode="HALF").json["amount"] == "50.00"

    def test_an_unusable_coupon_refuses_the_purchase(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id, other = factories.product(seller), factories.product(seller)
        create_coupon(client, seller, code="LATER", startsAt=hours(1))
        create_coupon(client, seller, code="EARLIER", startsAt=hours(-2), endsAt=hours(-1))
        create_coupon(client, seller, code="OTHER", productId=str(other))
        create_coupon(client, factories.merchant(), code="THEIRS")
        off = create_coupon(client, seller, code="OFF").json["id"]
        client.patch(f"{COUPONS}/{off}", json={"isActive": False}, headers=seller.headers)
        gone = create_coupon(client, seller, code="GONE").json["id"]
        client.delete(f"{COUPONS}/{gone}", headers=seller.headers)

        for code in ("LATER", "EARLIER", "OTHER", "THEIRS", "OFF", "GONE", "NOSUCH"):
            answer = buy(client, buyer, product_id, couponCode=code)
            assert refusal(answer) == (400, "COUPON_INVALID"), code
        assert nothing_happened(client, buyer)

    def test_limits_apply_in_total_and_per_user(self, client: FlaskClient) -> None:
        seller, first, second = factories.merchant(), factories.buyer(), factories.buyer()
        product_id = factories.product(seller)
        create_coupon(client, seller, maxUses=3, maxUsesPerUser=2)

        def attempt(buyer: factories.Actor) -> str:
            answer = buy(client, buyer, product_id, couponCode="SPRING")
            return "201" if answer.status_code == 201 else error_body(answer)["error"]

        outcomes = [attempt(buyer) for buyer in (first, first, first, second, second)]

        assert outcomes == ["201", "201", "COUPON_USED_UP", "201", "COUPON_USED_UP"]
        assert broken_invariants() == []

    def test_a_refused_purchase_does_not_use_the_coupon(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller, price="30.00")
        coupon = create_coupon(client, seller).json

        answer = buy(client, factories.buyer("1.00"), product_id, couponCode="SPRING")

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert uses(client, seller, coupon["id"]) == 0
