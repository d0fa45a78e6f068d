"""The catalogue and its cache."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import cache, redis_client
from app.common.process_state import Slot
from app.products.catalogue import catalogue_cache
from tests import factories
from tests.products.helpers import (
    PRODUCTS,
    UNKNOWN,
    Outage,
    create,
    names,
    order,
    patch,
    statements,
)
from tests.responses import refusal

Configure = Callable[[Slot[Any], Any], None]


class TestList:
    def test_it_is_a_bare_array_newest_first(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for name in ("first", "second", "third"):
            factories.product(seller, name=name)

        assert names(client) == ["third", "second", "first"]

    def test_a_row_equals_the_single_product(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())

        (row,) = client.get(PRODUCTS).json

        assert row == client.get(f"{PRODUCTS}/{product_id}").json

    def test_without_products_it_is_an_empty_array(self, client: FlaskClient) -> None:
        answer = client.get(PRODUCTS)

        assert answer.text == "[]"
        assert json.loads(answer.headers["X-Pagination"]) == {
            "total": 0,
            "page": 1,
            "limit": 100,
            "totalPages": 0,
            "totalIsCapped": False,
            "nextCursor": None,
        }

    def test_inactive_deleted_and_sold_out_products_are_omitted(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        factories.product(seller, name="sold out", units=0)
        inactive = factories.product(seller, name="inactive")
        deleted = factories.product(seller, name="deleted")
        factories.product(seller, name="on sale")
        patch(client, seller, inactive, isActive=False)
        client.delete(f"{PRODUCTS}/{deleted}", headers=seller.headers)

        assert names(client) == ["on sale"]

    def test_a_page_has_100_products_by_default(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for number in range(102):
            factories.product(seller, name=str(number))

        answer = client.get(PRODUCTS)

        assert len(answer.json) == 100
        pagination = json.loads(answer.headers["X-Pagination"])
        assert (pagination["total"], pagination["totalPages"]) == (102, 2)
        assert len(client.get(PRODUCTS, query_string={"page": 2}).json) == 2
        assert len(client.get(PRODUCTS, query_string={"limit": 3}).json) == 3

    @pytest.mark.parametrize("q", ["adv", "ADVANCED", "course a", "zwölf", "100%"])
    def test_a_search_matches_name_and_description_ignoring_case(
        self, client: FlaskClient, q: str
    ) -> None:
        seller = factories.merchant()
        create(client, seller, name="Course Advanced", description="Zwölf Stunden, 100% Praxis")
        create(client, seller, name="Something else")

        assert names(client, q=q) == ["Course Advanced"]

    @pytest.mark.parametrize(
        ("q", "found"),
        [("%", ["50% off"]), ("_", ["snake_case"]), ("\\", ["back\\slash"]), ("'", ["it's"])],
    )
    def test_wildcards_in_a_search_are_literal(
        self, client: FlaskClient, q: str, found: list[str]
    ) -> None:
        seller = factories.merchant()
        for name in ("plain", "50% off", "snake_case", "back\\slash", "it's"):
            factories.product(seller, name=name)

        assert names(client, q=q) == found

    def test_price_limits_are_inclusive(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for price in ("9.99", "10.00", "20.00", "20.01"):
            factories.product(seller, name=price, price=price)

        assert names(client, minPrice="10", maxPrice="20.00") == ["20.00", "10.00"]
        assert names(client, minPrice="20.01") == ["20.01"]
        assert names(client, maxPrice="9.99") == ["9.99"]
        assert names(client, minPrice="0", maxPrice="0") == []

    def test_it_can_be_filtered_by_merchant(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        factories.product(seller, name="theirs")
        factories.product(factories.merchant(), name="another's")

        assert names(client, merchantId=seller.id) == ["theirs"]
        assert names(client, merchantId=UNKNOWN) == []

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ("newest", ["c", "a", "b"]),
            ("oldest", ["b", "a", "c"]),
            ("price", ["c", "b", "a"]),
            ("-price", ["a", "b", "c"]),
            ("name", ["a", "b", "c"]),
            ("-name", ["c", "b", "a"]),
        ],
    )
    def test_it_can_be_sorted(self, client: FlaskClient, sort: str, expected: list[str]) -> None:
        seller = factories.merchant()
        for name, price in (("b", "2.00"), ("a", "3.00"), ("c", "1.00")):
            factories.product(seller, name=name, price=price)

        assert names(client, sort=sort) == expected

    @pytest.mark.parametrize("limit", [1, 2, 3, 50])
    @pytest.mark.parametrize("sort", ["newest", "oldest", "price", "-price", "name", "-name"])
    def test_pages_by_cursor_contain_every_product_once(
        self, client: FlaskClient, sort: str, limit: int
    ) -> None:
        seller = factories.merchant()
        created = {
            str(factories.product(seller, name=name, price=price))
            for name, price in (
                ("b", "2.00"),
                ("a", "1.00"),
                ("b", "1.00"),
                ("Ä", "2.00"),
                ("b", "2.00"),
            )
        }
        all_ids = [row["id"] for row in client.get(PRODUCTS, query_string={"sort": sort}).json]
        assert set(all_ids) == created
        listed: list[str] = []
        query: dict[str, Any] = {"sort": sort, "limit": limit}

        for _ in range(10):
            answer = client.get(PRODUCTS, query_string=query)
            listed += [row["id"] for row in answer.json]
            cursor = json.loads(answer.headers["X-Pagination"])["nextCursor"]
            if cursor is None:
                break
            query["cursor"] = cursor

        assert listed == all_ids

    def test_new_products_do_not_affect_later_pages(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for name in ("1", "2", "3", "4"):
            factories.product(seller, name=name)
        first = client.get(PRODUCTS, query_string={"limit": 2})
        factories.product(seller, name="new")

        second = client.get(first.headers["Link"].split(">")[0].removeprefix("<"))

        assert [row["name"] for row in first.json + second.json] == ["4", "3", "2", "1"]

    def test_the_link_header_keeps_the_filters(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for number in range(5):
            factories.product(seller, name=f"50% {number}", price=f"{number + 1}.00")
        factories.product(seller, name="other")
        listed: list[str] = []
        url = f"{PRODUCTS}?q=50%25&sort=price&limit=2&page=1"

        for _ in range(5):
            answer = client.get(url)
            listed += [row["name"] for row in answer.json]
            if "Link" not in answer.headers:
                break
            match = re.fullmatch(r'<(/[!-~]+)>; rel="next"', answer.headers["Link"])
            assert match is not None
            url = match[1]

        assert listed == [f"50% {number}" for number in range(5)]

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": "0"},
            {"limit": "101"},
            {"limit": "abc"},
            {"page": "0"},
            {"page": "1.5"},
            {"sort": "stock"},
            {"sort": ""},
            {"q": ""},
            {"q": "x" * 101},
            {"minPrice": "-1"},
            {"minPrice": "abc"},
            {"minPrice": "0.001"},
            {"maxPrice": "NaN"},
            {"maxPrice": "9" * 25},
            {"merchantId": "me"},
            {"merchantId": "{" + UNKNOWN + "}"},
            {"cursor": "garbage"},
            {"cursor": ""},
        ],
        ids=str,
    )
    def test_an_invalid_query_is_refused(self, client: FlaskClient, query: dict[str, str]) -> None:
        answer = client.get(PRODUCTS, query_string=query)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == list(query)

    def test_a_cursor_of_another_sort_order_is_refused(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for _ in range(3):
            factories.product(seller)
        answer = client.get(PRODUCTS, query_string={"sort": "price", "limit": 1})
        cursor = json.loads(answer.headers["X-Pagination"])["nextCursor"]

        for sort in ("newest", "name"):
            wrong = client.get(PRODUCTS, query_string={"sort": sort, "cursor": cursor})
            assert refusal(wrong) == (400, "VALIDATION_ERROR")

    def test_an_etag_matches_until_the_response_changes(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        factories.product(seller)
        etag = client.get(PRODUCTS).headers["ETag"]

        again = client.get(PRODUCTS, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        factories.product(seller, name="new")

        assert client.get(PRODUCTS, headers={"If-None-Match": etag}).status_code == 200


class TestCache:
    def test_a_cached_page_runs_no_sql(self, client: FlaskClient) -> None:
        factories.product(factories.merchant())
        with statements() as first:
            one = client.get(PRODUCTS)
        with statements() as second:
            two = client.get(PRODUCTS)

        assert first != []
        assert second == []
        assert one.data == two.data
        assert one.headers["X-Pagination"] == two.headers["X-Pagination"]

    def test_different_queries_are_cached_separately(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for name, price in (("a", "1.00"), ("b", "2.00")):
            factories.product(seller, name=name, price=price)

        for _ in range(2):
            assert names(client) == ["b", "a"]
            assert names(client, sort="price") == ["a", "b"]
            assert names(client, limit=1) == ["b"]
            assert names(client, limit=1, page=2) == ["a"]
            assert names(client, merchantId=UNKNOWN) == []
            assert names(client, maxPrice="1.00") == ["a"]

    def test_an_entry_expires_within_a_minute(self, client: FlaskClient, app: Flask) -> None:
        factories.product(factories.merchant())
        client.get(PRODUCTS)
        store = cache.client()

        entries = [key for key in store.keys("cache:products:*") if not key.endswith(b":tag")]

        assert len(entries) == 1
        assert 0 < store.ttl(entries[0]) <= 60

    @pytest.mark.parametrize(
        ("change", "seen"),
        [
            ({"name": "New"}, [("New", "10.00", 5)]),
            ({"price": "12.00"}, [("Course", "12.00", 5)]),
            ({"availableUnits": 9}, [("Course", "10.00", 9)]),
            ({"availableUnits": 0}, []),
            ({"isActive": False}, []),
        ],
        ids=str,
    )
    def test_a_change_takes_effect_immediately(
        self, client: FlaskClient, change: dict[str, Any], seen: list[tuple[str, str, int]]
    ) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        assert names(client) == ["Course"]

        patch(client, seller, product_id, **change)

        rows = client.get(PRODUCTS).json
        assert [(row["name"], row["price"], row["availableUnits"]) for row in rows] == seen

    def test_a_deleted_product_disappears_immediately(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        assert names(client) == ["Course"]

        client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)

        assert names(client) == []

    def test_a_sold_out_product_disappears_immediately(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant(), units=2)
        assert names(client) == ["Course"]

        order(client, factories.buyer(), product_id, 2)

        assert names(client) == []

    def test_a_refused_change_does_not_invalidate_it(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())
        client.get(PRODUCTS)

        patch(client, factories.merchant(), product_id, name="Mine now")

        with statements() as run:
            assert names(client) == ["Course"]
        assert run == []

    def test_without_redis_changes_take_effect_immediately(
        self, client: FlaskClient, configure: Configure
    ) -> None:
        nowhere = cache.Region(redis_client.connect("redis://127.0.0.1:1/0"), "products", ttl=60)
        configure(catalogue_cache, nowhere)
        seller = factories.merchant()

        product_id = create(client, seller).json["id"]
        assert names(client) == ["Course"]
        patch(client, seller, product_id, name="Renamed")
        assert names(client) == ["Renamed"]
        client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)
        assert names(client) == []

    def test_a_change_during_a_redis_outage_is_visible_afterwards(
        self, client: FlaskClient, configure: Configure
    ) -> None:
        store = Outage(cache.client())
        region = cache.Region(store, "products", ttl=60)  # type: ignore[arg-type]
        configure(catalogue_cache, region)
        seller = factories.merchant()
        product_id = factories.product(seller)
        assert names(client) == ["Course"]

        store.is_down = True
        patch(client, seller, product_id, name="Renamed")
        store.is_down = False

        assert names(client) == ["Renamed"]
        with statements() as run:
            assert names(client) == ["Renamed"]
        assert run == []
