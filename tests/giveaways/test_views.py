"""Giveaways over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.auth import service as auth
from app.common import clock, db
from app.products.models import ProductKind
from tests import factories
from tests.clock import freeze_clock
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.delivery.codes.helpers import stock, stocked
from tests.delivery.helpers import bought, get_delivery, order, product
from tests.delivery.licences.helpers import events_of, licence_product, post_licence
from tests.factories import Actor
from tests.giveaways.helpers import URL, claim, create, created
from tests.responses import refusal
from tests.shops.helpers import with_shop


def file_of(client: FlaskClient, seller: Actor, giveaway: dict[str, Any]) -> TestResponse:
    return client.get(
        f"{URL}/{giveaway['id']}/file", query_string={"bom": "false"}, headers=seller.headers
    )


def summary(client: FlaskClient, seller: Actor) -> dict[str, Any]:
    answer = client.get("/api/v1/orders/merchant/summary", headers=seller.headers)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json
    return {name: value for name, value in body.items() if name not in ("from", "to")}


class TestBatch:
    def test_codes_leave_the_stock_as_a_file(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A", "-CODE-B", "CODE-C")

        giveaway = created(client, seller, product_id, "BATCH", 2)

        assert (giveaway["status"], giveaway["units"], giveaway["link"]) == ("USED_UP", 2, None)
        assert stock(client, product_id) == 1
        for _ in range(2):
            answer = file_of(client, seller, giveaway)
            assert answer.text == "code\r\nCODE-A\r\n-CODE-B\r\n"
            assert answer.headers["Content-Type"].startswith("text/csv")
        assert bought(factories.buyer(), product_id)
        (event,) = events_of("giveaway-created")
        assert (event["name"], event["kind"], event["units"]) == ("Conference", "BATCH", 2)
        assert broken_invariants() == []

    def test_it_is_no_sale(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A", "CODE-B")
        before = summary(client, seller)
        giveaway = created(client, seller, product_id, "BATCH", 1)
        link = created(client, seller, product_id, "LINK", 1)
        claimed = claim(client, factories.buyer(), link).json
        url = f"/api/v1/orders/{claimed['id']}/refunds"
        assert client.post(url, json={}, headers=seller.headers).status_code == 201

        assert summary(client, seller) == before
        sales = client.get("/api/v1/orders/merchant/sales", headers=seller.headers).json
        assert sales["data"] == []
        export = client.get("/api/v1/orders/merchant/sales/export", headers=seller.headers).text
        assert giveaway["id"] not in export
        assert claimed["id"] not in export
        assert broken_invariants() == []

    def test_a_repeated_request_is_the_same_batch(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A", "CODE-B")
        key = {"Idempotency-Key": "conference"}
        first, second = (
            created(client, seller, product_id, "BATCH", 1, headers=key) for _ in range(2)
        )
        assert first == second
        assert stock(client, product_id) == 1
        assert file_of(client, seller, first).text == "code\r\nCODE-A\r\n"

    def test_licence_keys_of_a_batch_are_valid(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = licence_product(seller, units=3)
        giveaway = created(client, seller, product_id, "BATCH", 3)
        column, *keys = file_of(client, seller, giveaway).text.split()
        assert (column, len(keys)) == ("key", 3)
        for key in keys:
            assert post_licence(client, "validate", key).json["valid"] is True
        assert broken_invariants() == []

    def test_a_batch_can_be_taken_back(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A", "CODE-B")
        giveaway = created(client, seller, product_id, "BATCH", 2)
        (given,) = client.get(f"{URL}/{giveaway['id']}/claims", headers=seller.headers).json["data"]
        assert (given["userId"], given["units"]) == (str(seller.id), 2)
        refund = client.post(
            f"/api/v1/orders/{given['orderId']}/refunds", json={"units": 1}, headers=seller.headers
        )
        assert refund.status_code == 201, refund.text
        assert stock(client, product_id) == 1
        assert file_of(client, seller, giveaway).text == "code\r\nCODE-A\r\n"
        refund = client.post(
            f"/api/v1/orders/{given['orderId']}/refunds", json={}, headers=seller.headers
        )
        assert refund.status_code == 201, refund.text
        assert file_of(client, seller, giveaway).text == "code\r\n"
        assert broken_invariants() == []

    def test_what_cannot_be_given_is_refused(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A")
        plain = product(seller, ProductKind.PLAIN, units=5)
        licences = licence_product(seller, units=5_000)
        sold_out = create(client, seller, product_id, "BATCH", 2)
        assert refusal(sold_out) == (409, "GIVEAWAY_SOLD_OUT")
        assert refusal(create(client, seller, plain, "BATCH", 1)) == (400, "PRODUCT_NOT_EXPORTABLE")
        assert refusal(create(client, seller, licences, "BATCH", 1_001))[0] == 400
        stranger = create(client, factories.merchant(), product_id, "BATCH", 1)
        assert refusal(stranger) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        past = clock.format_timestamp(clock.now() - timedelta(days=1))
        assert refusal(create(client, seller, plain, "LINK", 1, expiresAt=past))[0] == 400
        client.patch(
            f"/api/v1/products/{product_id}", json={"isActive": False}, headers=seller.headers
        )
        inactive = create(client, seller, product_id, "BATCH", 1)
        assert refusal(inactive) == (400, "PRODUCT_INACTIVE")
        assert client.get(URL, headers=seller.headers).json["data"] == []


class TestPage:
    def test_the_link_opens_a_page_that_says_what_it_is(self, client: FlaskClient) -> None:
        seller = with_shop(client, factories.merchant(), name="Corner Bakery")
        product_id = factories.product(seller, name="Field Guide", units=1)
        giveaway = created(client, seller, product_id, "LINK", 1)
        assert giveaway["link"] == f"http://localhost:3000/giveaways/{giveaway['token']}"

        answer = client.get(f"/giveaways/{giveaway['token']}")

        assert (answer.status_code, answer.mimetype) == (200, "text/html")
        for words in (
            "Conference",
            "Field Guide",
            "a gift from Corner Bakery",
            "Sign up to claim it",
        ):
            assert words in answer.text
        claim(client, factories.actor(), giveaway)
        ended = client.get(f"/giveaways/{giveaway['token']}").text
        assert "Everything of this giveaway has been given away." in ended
        assert "Sign in" not in ended

    @pytest.mark.parametrize("token", ["A" * 22, "x", "assets"])
    def test_a_mistyped_link_is_explained(self, client: FlaskClient, token: str) -> None:
        answer = client.get(f"/giveaways/{token}")

        assert answer.status_code == 404
        assert "The link is mistyped." in answer.text


class TestLink:
    def test_a_user_claims_one_without_money(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A", "CODE-B")
        giveaway = created(client, seller, product_id, "LINK", 2)
        user = factories.actor()
        path = f"/api/v1/giveaways/by-token/{giveaway['token']}"
        offer = client.get(path).json
        assert (offer["name"], offer["status"], offer["productName"]) == (
            *("Conference", "OPEN", "Voucher"),
        )

        answer = claim(client, user, giveaway)

        assert answer.status_code == 201, answer.text
        claimed = answer.json
        assert (claimed["status"], claimed["amount"], claimed["giveawayId"]) == (
            *("COMPLETED", "0.00", giveaway["id"]),
        )
        assert get_delivery(client, user, claimed["id"]).json["codes"] == ["CODE-A"]
        again = claim(client, user, giveaway)
        assert refusal(again) == (409, "GIVEAWAY_ALREADY_CLAIMED")
        (given,) = client.get(f"{URL}/{giveaway['id']}/claims", headers=seller.headers).json["data"]
        assert (given["orderId"], given["email"]) == (claimed["id"], user.email)
        assert client.get(f"{URL}/{giveaway['id']}", headers=seller.headers).json["units"] == 1
        assert refusal(claim(client, seller, giveaway)) == (400, "CANNOT_BUY_OWN_PRODUCT")
        assert broken_invariants() == []

    def test_a_repeated_claim_with_its_key_is_one(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A", "CODE-B")
        giveaway, user = created(client, seller, product_id, "LINK", 2), factories.buyer()
        key = {"Idempotency-Key": "claim"}
        first, second = (claim(client, user, giveaway, **key) for _ in range(2))
        assert (first.status_code, first.data) == (second.status_code, second.data)
        assert stock(client, product_id) == 1

    def test_it_ends_when_it_is_used_up_closed_or_expired(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = factories.merchant()
        product_id = product(seller, ProductKind.PLAIN, units=9)
        used_up = created(client, seller, product_id, "LINK", 1)
        closed = created(client, seller, product_id, "LINK", 1)
        soon = clock.now() + timedelta(seconds=60)
        expiring = created(
            client, seller, product_id, "LINK", 1, expiresAt=clock.format_timestamp(soon)
        )
        assert claim(client, factories.buyer(), used_up).status_code == 201
        url = f"{URL}/{closed['id']}/close"
        for _ in range(2):
            assert client.post(url, headers=seller.headers).json["status"] == "CLOSED"
        assert len(events_of("giveaway-closed")) == 1
        user = factories.buyer()
        freeze_clock(monkeypatch, soon)
        for giveaway, status in ((used_up, "USED_UP"), (closed, "CLOSED"), (expiring, "EXPIRED")):
            answer = claim(client, user, giveaway)
            assert refusal(answer) == (409, "GIVEAWAY_ENDED")
            assert answer.json["details"]["status"] == status

    def test_what_guards_purchases_guards_claims(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A", "CODE-B")
        giveaway, user = created(client, seller, product_id, "LINK", 9), factories.buyer()
        url = f"/api/v1/products/{product_id}"
        client.patch(url, json={"purchaseLimit": 1}, headers=seller.headers)
        assert order(client, user, product_id).status_code == 201
        limited = claim(client, user, giveaway)
        assert refusal(limited)[1] == "PURCHASE_LIMIT_REACHED"
        client.patch(url, json={"isActive": False}, headers=seller.headers)
        inactive = claim(client, factories.buyer(), giveaway)
        assert refusal(inactive) == (400, "PRODUCT_INACTIVE")
        client.patch(url, json={"isActive": True}, headers=seller.headers)
        assert claim(client, factories.buyer(), giveaway).status_code == 201
        sold_out = claim(client, factories.buyer(), giveaway)
        assert refusal(sold_out) == (409, "GIVEAWAY_SOLD_OUT")
        with db.transaction() as session:
            auth.set_active(
                session, actor_id=None, user_id=seller.id, active=False, reason="On request"
            )
        assert refusal(claim(client, factories.buyer(), giveaway)) == (400, "PRODUCT_INACTIVE")
        assert broken_invariants() == []

    def test_an_unknown_link_is_refused(self, client: FlaskClient) -> None:
        for token in ("x" * 22, "short"):
            path = f"{URL}/by-token/{token}"
            assert refusal(client.get(path)) == (404, "GIVEAWAY_NOT_FOUND")
            answer = client.post(f"{path}/claim", headers=factories.buyer().headers)
            assert refusal(answer) == (404, "GIVEAWAY_NOT_FOUND")

    def test_only_its_merchant_sees_it(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "CODE-A")
        giveaway = created(client, seller, product_id, "LINK", 1)
        assert refusal(file_of(client, seller, giveaway)) == (400, "GIVEAWAY_HAS_NO_FILE")
        other = factories.merchant()
        for path in ("", "/claims", "/file"):
            answer = client.get(f"{URL}/{giveaway['id']}{path}", headers=other.headers)
            assert refusal(answer) == (404, "GIVEAWAY_NOT_FOUND")


def test_concurrent_claims_stay_within_the_limit(committing: Flask) -> None:
    client = committing.test_client()
    seller, product_id = stocked(client, *(f"CODE-{number}" for number in range(6)))
    giveaway = created(client, seller, product_id, "LINK", 3)
    users = [factories.buyer() for _ in range(5)]

    def claim_until_answered(number: int) -> Any:
        while True:  # the service may be busy
            answer = claim(committing.test_client(), users[number % 5], giveaway)
            if answer.status_code != 503:
                return answer

    answers = all_at_once(claim_until_answered, range(10), threads=5)

    assert outcomes(answers)[201, None] == 3
    assert {code for _, code in outcomes(answers)} == {
        *(None, "GIVEAWAY_ENDED", "GIVEAWAY_ALREADY_CLAIMED"),
    }
    assert stock(client, product_id) == 3
    assert broken_invariants() == []
