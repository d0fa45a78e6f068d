"""Pagination of lists."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import encryption, pagination
from app.common.pagination import PageArgs, PageRequest
from app.common.settings import Settings
from app.orders.purchases.pricing import Basket
from app.orders.purchases.purchase import WalletPurchase
from tests import factories
from tests.factories import Actor
from tests.lists import pages_of
from tests.operations.access_matrix import operations_of
from tests.responses import refusal
from tests.wallets.helpers import deposit

REFUSED = {"cursor": ["Not a cursor of this list with these filters and this order."]}


class TestRequest:
    @pytest.fixture
    def load(self, app: Flask) -> Callable[..., PageRequest]:
        def load(**query: Any) -> PageRequest:
            with app.test_request_context("/things"):
                loaded = PageArgs().load(query)
            assert list(loaded) == ["page"]
            request: PageRequest = loaded["page"]
            return request

        return load

    def test_the_default_is_the_first_page(self, load: Callable[..., PageRequest]) -> None:
        assert load() == PageRequest(page=1, limit=20, list_id=" /things?")

    def test_a_page_number_sets_the_offset(self, load: Callable[..., PageRequest]) -> None:
        assert load(page=3, limit=50).offset == 100

    def test_a_cursor_contains_page_and_total_and_has_no_offset(
        self, load: Callable[..., PageRequest]
    ) -> None:
        page = PageRequest(4, 20, after=("name", 5), total=31, list_id=" /things?")

        request = load(cursor=pagination._encode(page), page=9)

        assert request == page
        assert request.offset == 0


def test_every_list_refuses_the_cursor_of_another_list(app: Flask, client: FlaskClient) -> None:
    seller, admin = seller_with_coupons(client), factories.admin()
    product = factories.product(seller)
    purchase = WalletPurchase(Basket(product), factories.NO_CODE, fee_bps=0)
    with factories.ledger_session() as session:
        order = factories.execute(session, purchase, factories.buyer().id).order
    lists = [
        path
        for (method, path), operation in operations_of(app).items()
        if method == "GET" and any(p["name"] == "cursor" for p in operation.get("parameters", ()))
    ]
    assert len(lists) >= 16
    ids = {"product_id": str(product)}
    origins = {seller: "/api/v1/coupons", admin: "/api/v1/admin/users"}
    cursors = {
        caller: cursor_of(client, f"{url}?limit=1", caller) for caller, url in origins.items()
    }
    for path in lists:
        caller = admin if path.startswith("/api/v1/admin/") else seller
        answer = client.get(
            re.sub(r"{(\w+)}", lambda name: ids.get(name[1], str(order.id)), path),
            query_string={"cursor": cursors[caller]},
            headers=caller.headers,
        )
        if path == origins[caller]:
            assert answer.status_code == 200
        else:
            assert refusal(answer) == (400, "VALIDATION_ERROR"), path
            assert answer.json["details"] == REFUSED


def seller_with_coupons(client: FlaskClient) -> Actor:
    """A merchant with five coupons."""
    seller = factories.merchant()
    for number in range(5):
        body = {"code": f"COUPON-{number}", "kind": "FIXED", "value": "1.00"}
        made = client.post("/api/v1/coupons", json=body, headers=seller.headers)
        assert made.status_code == 201
    return seller


def cursor_of(client: FlaskClient, url: str, caller: Actor) -> str:
    """The cursor of the second page."""
    cursor: str = client.get(url, headers=caller.headers).json["meta"]["nextCursor"]
    assert cursor
    return cursor


class TestForgedCursors:
    URL = "/api/v1/wallet/transactions"

    @pytest.fixture
    def holder(self, client: FlaskClient) -> Actor:
        holder = factories.buyer("1.00")
        for _ in range(3):
            deposit(client, holder, "1.00")
        return holder

    def refused(self, client: FlaskClient, holder: Actor, **query: str) -> bool:
        answer = client.get(self.URL, query_string=query, headers=holder.headers)
        if answer.status_code == 200:
            return False
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert answer.json["details"] == REFUSED
        return True

    @pytest.mark.parametrize("cursor", ["garbage", "", "é", "A" * 22, "=", "A" * 2000])
    def test_text_that_is_no_cursor_is_refused(
        self, client: FlaskClient, holder: Actor, cursor: str
    ) -> None:
        assert self.refused(client, holder, cursor=cursor)

    def test_a_changed_cursor_is_refused(self, client: FlaskClient, holder: Actor) -> None:
        cursor = cursor_of(client, f"{self.URL}?limit=1", holder)
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        assert not self.refused(client, holder, cursor=cursor)
        for position in range(len(content)):
            changed = bytearray(content)
            changed[position] ^= 1
            text = base64.urlsafe_b64encode(changed).decode().rstrip("=")
            assert self.refused(client, holder, cursor=text), position

    def test_a_cursor_has_one_spelling(self, client: FlaskClient, holder: Actor) -> None:
        cursor = cursor_of(client, f"{self.URL}?limit=1", holder)
        padding = -len(cursor) % 4
        for text in {f"{cursor}=", f"{cursor}{padding * '='}="}:
            assert self.refused(client, holder, cursor=text), text

    def test_a_cursor_belongs_to_its_reader(self, client: FlaskClient, holder: Actor) -> None:
        cursor = cursor_of(client, f"{self.URL}?limit=1", holder)
        assert not self.refused(client, holder, cursor=cursor)
        assert self.refused(client, factories.buyer("1.00"), cursor=cursor)

        seller = factories.merchant()
        for _ in range(2):
            factories.product(seller)
        admin, other = factories.admin(), factories.admin()
        cursor = cursor_of(client, "/api/v1/admin/users?limit=1", admin)
        url = f"/api/v1/admin/users?cursor={cursor}"
        assert client.get(url, headers=admin.headers).status_code == 200
        assert client.get(url, headers=other.headers).json["details"] == REFUSED

    def test_a_cursor_belongs_to_its_filters(self, client: FlaskClient, holder: Actor) -> None:
        filters = {"type": "DEPOSIT", "from": "2020-01-01"}
        url = f"{self.URL}?{urlencode(filters)}&limit=1"
        cursor = cursor_of(client, url, holder)

        assert not self.refused(client, holder, cursor=cursor, **filters)
        assert not self.refused(client, holder, cursor=cursor, limit="7", **filters)
        assert self.refused(client, holder, cursor=cursor)
        assert self.refused(client, holder, cursor=cursor, **(filters | {"from": "2021-01-01"}))

    def test_a_cursor_belongs_to_its_order(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for _ in range(3):
            factories.product(seller)
        query = {"merchantId": str(seller.id), "sort": "price", "limit": "1"}
        answer = client.get("/api/v1/products", query_string=query)
        query["cursor"] = json.loads(answer.headers["X-Pagination"])["nextCursor"]

        assert client.get("/api/v1/products", query_string=query).status_code == 200
        query["sort"] = "-price"
        answer = client.get("/api/v1/products", query_string=query)
        assert answer.json["details"] == REFUSED

    def test_a_cursor_outlives_the_rotation_of_keys(
        self, client: FlaskClient, holder: Actor, settings: Settings
    ) -> None:
        cursor = cursor_of(client, f"{self.URL}?limit=1", holder)

        encryption.configure(["n" * 32, *settings.encryption_secrets])
        assert not self.refused(client, holder, cursor=cursor)
        encryption.configure(["n" * 32])
        # Another query: each process reads equal ones once.
        assert self.refused(client, holder, cursor=cursor, limit="2")


class TestTotals:
    """Counting ends where it would read too much."""

    @pytest.fixture
    def holder(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Actor:
        """A merchant with five coupons, of which at most three are counted."""
        monkeypatch.setattr(pagination, "MAX_COUNT", 3)
        return seller_with_coupons(client)

    def pages(self, client: FlaskClient, holder: Actor, limit: int) -> list[dict[str, Any]]:
        return [page["meta"] for page in pages_of(client, holder, "/api/v1/coupons", limit=limit)]

    def test_a_long_list_says_that_its_total_is_capped(
        self, client: FlaskClient, holder: Actor
    ) -> None:
        metas = self.pages(client, holder, 2)

        assert [(meta["total"], meta["totalIsCapped"]) for meta in metas] == [(3, True)] * 3
        assert [meta["page"] for meta in metas] == [1, 2, 3]

    def test_a_list_on_one_page_is_not_counted(
        self, client: FlaskClient, holder: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(pagination, "_count")

        assert [meta["total"] for meta in self.pages(client, holder, 5)] == [5]

    def test_a_page_after_the_end_counts(self, client: FlaskClient, holder: Actor) -> None:
        page = client.get("/api/v1/coupons?page=9&limit=5", headers=holder.headers).json

        assert (page["data"], page["meta"]["total"]) == ([], 3)
