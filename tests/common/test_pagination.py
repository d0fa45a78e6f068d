"""Pagination of lists."""

import base64
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import pagination
from app.common.pagination import PageArgs, PageRequest
from app.orders.purchases.pricing import Basket
from app.orders.purchases.purchase import WalletPurchase
from tests import factories
from tests.factories import Actor
from tests.lists import pages_of
from tests.operations.access_matrix import operations_of
from tests.responses import refusal


def cursor_of(*content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def load(**query: Any) -> PageRequest:
    loaded = PageArgs().load(query)
    assert list(loaded) == ["page"]
    request: PageRequest = loaded["page"]
    return request


class TestRequest:
    def test_the_default_is_the_first_page(self) -> None:
        assert load() == PageRequest(page=1, limit=20, after=None, total=None)

    def test_a_page_number_sets_the_offset(self) -> None:
        assert load(page=3, limit=50).offset == 100

    def test_a_cursor_contains_page_and_total_and_has_no_offset(self) -> None:
        request = load(cursor=cursor_of(31, 4, "name", 5), page=9)

        assert request == PageRequest(page=4, limit=20, after=("name", 5), total=31)
        assert request.offset == 0


def test_every_list_refuses_the_cursor_of_another_list(app: Flask, client: FlaskClient) -> None:
    seller = factories.merchant()
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
    for path in lists:
        for content in (["no id"], [1, 2], [None], [], ["a", "b", "c"]):
            answer = client.get(
                path.format(product_id=product, order_id=order.id),
                query_string={"cursor": cursor_of(10, 2, *content)},
                headers=seller.headers,
            )
            assert refusal(answer) == (400, "VALIDATION_ERROR"), (path, content)
            assert answer.json["details"] == {"cursor": ["Invalid cursor."]}


@pytest.mark.parametrize("cursor", [cursor_of(10, 0, 5), cursor_of(-1, 2, 5), "garbage", ""])
def test_an_invalid_cursor_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get(
        "/api/v1/wallet/transactions",
        query_string={"cursor": cursor},
        headers=factories.buyer().headers,
    )

    assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestTotals:
    """Counting ends where it would read too much."""

    @pytest.fixture
    def holder(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Actor:
        """A merchant with five coupons, of which at most three are counted."""
        monkeypatch.setattr(pagination, "MAX_COUNT", 3)
        seller = factories.merchant()
        for number in range(5):
            body = {"code": f"COUPON-{number}", "kind": "FIXED", "value": "1.00"}
            made = client.post("/api/v1/coupons", json=body, headers=seller.headers)
            assert made.status_code == 201
        return seller

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
