"""What is on sale, over HTTP."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from app.auth.models import Role
from app.common import cache, db
from app.products.models import Product, Restock
from tests import factories
from tests.answers import error_body, refusal
from tests.factories import Actor

PRODUCTS = "/api/v1/products"
UUID_TEXT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UNKNOWN = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"


def create(client: FlaskClient, seller: Actor, **fields: Any) -> TestResponse:
    body = {"name": "Course", "price": "10.00", "availableUnits": 5} | fields
    return client.post(PRODUCTS, json=body, headers=seller.headers)


def patch(client: FlaskClient, seller: Actor, product_id: Any, **changes: Any) -> TestResponse:
    return client.patch(f"{PRODUCTS}/{product_id}", json=changes, headers=seller.headers)


def names(client: FlaskClient, **query: Any) -> list[str]:
    answer = client.get(PRODUCTS, query_string=query)
    assert answer.status_code == 200
    return [row["name"] for row in answer.json]


def order(client: FlaskClient, buyer: Actor, product_id: Any, quantity: int = 1) -> TestResponse:
    return client.post(
        "/api/v1/orders",
        json={"productId": str(product_id), "paymentMethod": "WALLET", "quantity": quantity},
        headers=buyer.headers,
    )


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SELECTs of products that run meanwhile."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "FROM products" in statement:
            seen.append(statement)

    engine = db.current().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


class TestPuttingOnSale:
    def test_the_answer_is_the_contract_s_to_the_byte(self, client: FlaskClient) -> None:
        seller = factories.merchant()

        answer = create(client, seller, price=179.99, description="Twelve hours")

        assert answer.status_code == 201
        assert re.fullmatch(
            rf'{{"id":"{UUID_TEXT}","name":"Course","description":"Twelve hours",'
            r'"price":"179.99","currency":"USD","availableUnits":5,"initialUnits":5,'
            rf'"isActive":true,"createdAt":"{TIME}","updatedAt":"{TIME}","deletedAt":null,'
            rf'"merchantId":"{seller.id}","merchant":{{"id":"{seller.id}",'
            rf'"email":"{re.escape(seller.email)}","firstName":null,"lastName":null}}}}',
            answer.text,
        )

    def test_it_shows_in_the_list_at_once(self, client: FlaskClient) -> None:
        assert names(client) == []

        create(client, factories.merchant())

        assert names(client) == ["Course"]

    def test_a_product_without_units_can_be_made_and_is_not_listed(
        self, client: FlaskClient
    ) -> None:
        answer = create(client, factories.merchant(), availableUnits=0)

        assert answer.status_code == 201
        assert names(client) == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "   "),
            ("name", 5),
            ("name", None),
            ("name", "x" * 201),
            ("description", 5),
            ("description", "x" * 5001),
            ("price", 0),
            ("price", "-1.00"),
            ("price", "1.005"),
            ("price", None),
            ("price", True),
            ("price", "free"),
            ("price", "92233720368547758.08"),
            ("availableUnits", -1),
            ("availableUnits", 1.0),
            ("availableUnits", 1.5),
            ("availableUnits", "5"),
            ("availableUnits", True),
            ("availableUnits", None),
            ("availableUnits", 2**31),
            ("merchantId", UNKNOWN),
            ("isActive", False),
        ],
    )
    def test_what_is_no_product_is_refused(
        self, client: FlaskClient, field: str, value: Any
    ) -> None:
        answer = create(client, factories.merchant(), **{field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    @pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
    def test_only_merchants_may(self, client: FlaskClient, role: Role) -> None:
        answer = create(client, factories.actor(role))

        assert refusal(answer) == (403, "FORBIDDEN")
        assert answer.json["message"] == "Access denied. Required roles: MERCHANT"

    def test_strangers_may_not(self, client: FlaskClient) -> None:
        assert refusal(client.post(PRODUCTS, json={})) == (401, "UNAUTHORIZED")


class TestLookingAtOne:
    def test_everybody_may_and_the_merchant_s_email_stays_private(
        self, client: FlaskClient
    ) -> None:
        product_id = factories.product(factories.merchant())

        for headers in ({}, factories.actor().headers):
            answer = client.get(f"{PRODUCTS}/{product_id}", headers=headers)
            assert answer.status_code == 200
            assert answer.json["merchant"]["email"] is None

    def test_its_merchant_sees_their_own_email(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)

        answer = client.get(f"{PRODUCTS}/{product_id}", headers=seller.headers)

        assert answer.json["merchant"]["email"] == seller.email

    def test_a_merchant_who_made_it_public_shows_it(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        client.patch("/api/v1/auth/me", json={"emailPublic": True}, headers=seller.headers)

        assert client.get(f"{PRODUCTS}/{product_id}").json["merchant"]["email"] == seller.email
        assert client.get(PRODUCTS).json[0]["merchant"]["email"] == seller.email

    def test_making_it_private_again_shows_in_the_list_at_once(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        factories.product(seller)
        client.patch("/api/v1/auth/me", json={"emailPublic": True}, headers=seller.headers)
        assert client.get(PRODUCTS).json[0]["merchant"]["email"] == seller.email

        client.patch("/api/v1/auth/me", json={"emailPublic": False}, headers=seller.headers)

        assert client.get(PRODUCTS).json[0]["merchant"]["email"] is None

    def test_it_is_never_staler_than_the_last_purchase(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant(), units=5)
        assert client.get(f"{PRODUCTS}/{product_id}").json["availableUnits"] == 5

        order(client, factories.buyer(), product_id, 2)

        assert client.get(f"{PRODUCTS}/{product_id}").json["availableUnits"] == 3

    def test_sold_out_and_inactive_ones_still_have_a_page(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        sold_out = factories.product(seller, units=0)
        inactive = factories.product(seller)
        patch(client, seller, inactive, isActive=False)

        for product_id in (sold_out, inactive):
            assert client.get(f"{PRODUCTS}/{product_id}").status_code == 200

    def test_a_deleted_one_is_there_for_its_owner_only(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)

        for headers in ({}, factories.merchant().headers, {"Authorization": "Bearer x"}):
            answer = client.get(f"{PRODUCTS}/{product_id}", headers=headers)
            assert refusal(answer) == (404, "PRODUCT_NOT_FOUND")
        own = client.get(f"{PRODUCTS}/{product_id}", headers=seller.headers)
        assert own.status_code == 200
        assert own.json["deletedAt"] is not None

    def test_an_unknown_one_is_404(self, client: FlaskClient) -> None:
        assert refusal(client.get(f"{PRODUCTS}/{UNKNOWN}")) == (404, "PRODUCT_NOT_FOUND")

    @pytest.mark.parametrize("product_id", ["1", "abc", "null", UNKNOWN[:-1], "%00", "..", "é"])
    def test_a_malformed_id_is_404_too(self, client: FlaskClient, product_id: str) -> None:
        answer = client.get(f"{PRODUCTS}/{product_id}")

        assert answer.status_code == 404
        assert answer.json["error"] == "NOT_FOUND"

    def test_an_etag_saves_sending_it_again_until_it_changes(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        etag = client.get(f"{PRODUCTS}/{product_id}").headers["ETag"]

        again = client.get(f"{PRODUCTS}/{product_id}", headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
        patch(client, seller, product_id, price="11.00")
        changed = client.get(f"{PRODUCTS}/{product_id}", headers={"If-None-Match": etag})

        assert changed.status_code == 200
        assert changed.json["price"] == "11.00"
        assert changed.headers["ETag"] != etag


class TestTheList:
    def test_it_is_a_bare_array_newest_first(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for name in ("first", "second", "third"):
            factories.product(seller, name=name)

        assert names(client) == ["third", "second", "first"]

    def test_a_row_is_the_product_as_its_page_shows_it(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())

        (row,) = client.get(PRODUCTS).json

        assert row == client.get(f"{PRODUCTS}/{product_id}").json

    def test_empty_it_is_an_empty_array(self, client: FlaskClient) -> None:
        answer = client.get(PRODUCTS)

        assert answer.text == "[]"
        assert json.loads(answer.headers["X-Pagination"]) == {
            "total": 0,
            "page": 1,
            "limit": 100,
            "totalPages": 0,
            "nextCursor": None,
        }

    def test_inactive_deleted_and_sold_out_ones_are_left_out(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        factories.product(seller, name="sold out", units=0)
        inactive = factories.product(seller, name="inactive")
        deleted = factories.product(seller, name="deleted")
        factories.product(seller, name="on sale")
        patch(client, seller, inactive, isActive=False)
        client.delete(f"{PRODUCTS}/{deleted}", headers=seller.headers)

        assert names(client) == ["on sale"]

    def test_100_come_unless_asked_otherwise(self, client: FlaskClient) -> None:
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
    def test_a_search_looks_into_name_and_description_ignoring_case(
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
    def test_wildcards_in_a_search_are_plain_characters(
        self, client: FlaskClient, q: str, found: list[str]
    ) -> None:
        seller = factories.merchant()
        for name in ("plain", "50% off", "snake_case", "back\\slash", "it's"):
            factories.product(seller, name=name)

        assert names(client, q=q) == found

    def test_prices_are_filtered_with_both_ends_included(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for price in ("9.99", "10.00", "20.00", "20.01"):
            factories.product(seller, name=price, price=price)

        assert names(client, minPrice="10", maxPrice="20.00") == ["20.00", "10.00"]
        assert names(client, minPrice="20.01") == ["20.01"]
        assert names(client, maxPrice="9.99") == ["9.99"]
        assert names(client, minPrice="0", maxPrice="0") == []

    def test_one_merchant_s_products_can_be_asked_for(self, client: FlaskClient) -> None:
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
    def test_a_walk_by_cursor_sees_every_product_once(
        self, client: FlaskClient, sort: str, limit: int
    ) -> None:
        seller = factories.merchant()
        made = {
            str(factories.product(seller, name=name, price=price))
            for name, price in (
                ("b", "2.00"),
                ("a", "1.00"),
                ("b", "1.00"),
                ("Ä", "2.00"),
                ("b", "2.00"),
            )
        }
        whole = [row["id"] for row in client.get(PRODUCTS, query_string={"sort": sort}).json]
        assert set(whole) == made
        walked: list[str] = []
        query: dict[str, Any] = {"sort": sort, "limit": limit}

        for _ in range(10):
            answer = client.get(PRODUCTS, query_string=query)
            walked += [row["id"] for row in answer.json]
            cursor = json.loads(answer.headers["X-Pagination"])["nextCursor"]
            if cursor is None:
                break
            query["cursor"] = cursor

        assert walked == whole

    def test_a_walk_is_not_disturbed_by_new_products(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for name in ("1", "2", "3", "4"):
            factories.product(seller, name=name)
        first = client.get(PRODUCTS, query_string={"limit": 2})
        factories.product(seller, name="new")

        second = client.get(first.headers["Link"].split(">")[0].removeprefix("<"))

        assert [row["name"] for row in first.json + second.json] == ["4", "3", "2", "1"]

    def test_the_link_header_leads_through_all_pages_and_keeps_the_filters(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        for number in range(5):
            factories.product(seller, name=f"50% {number}", price=f"{number + 1}.00")
        factories.product(seller, name="other")
        walked: list[str] = []
        url = f"{PRODUCTS}?q=50%25&sort=price&limit=2&page=1"

        for _ in range(5):
            answer = client.get(url)
            walked += [row["name"] for row in answer.json]
            if "Link" not in answer.headers:
                break
            match = re.fullmatch(r'<(/[!-~]+)>; rel="next"', answer.headers["Link"])
            assert match is not None
            url = match[1]

        assert walked == [f"50% {number}" for number in range(5)]

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
    def test_what_makes_no_sense_is_400(self, client: FlaskClient, query: dict[str, str]) -> None:
        answer = client.get(PRODUCTS, query_string=query)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == list(query)

    def test_a_cursor_of_another_order_is_400(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        for _ in range(3):
            factories.product(seller)
        answer = client.get(PRODUCTS, query_string={"sort": "price", "limit": 1})
        cursor = json.loads(answer.headers["X-Pagination"])["nextCursor"]

        for sort in ("newest", "name"):
            wrong = client.get(PRODUCTS, query_string={"sort": sort, "cursor": cursor})
            assert refusal(wrong) == (400, "VALIDATION_ERROR")

    def test_an_etag_saves_sending_it_again_until_it_changes(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        factories.product(seller)
        etag = client.get(PRODUCTS).headers["ETag"]

        again = client.get(PRODUCTS, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        factories.product(seller, name="new")

        assert client.get(PRODUCTS, headers={"If-None-Match": etag}).status_code == 200


class TestTheCache:
    def test_the_second_look_runs_no_sql(self, client: FlaskClient) -> None:
        factories.product(factories.merchant())
        with statements() as first:
            one = client.get(PRODUCTS)
        with statements() as second:
            two = client.get(PRODUCTS)

        assert first != []
        assert second == []
        assert one.data == two.data
        assert one.headers["X-Pagination"] == two.headers["X-Pagination"]

    def test_different_questions_have_different_answers(self, client: FlaskClient) -> None:
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
        store = app.extensions["redis"]

        entries = [key for key in store.keys("products:*") if not key.endswith(b":tag")]

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
    def test_a_merchant_s_change_shows_at_once(
        self, client: FlaskClient, change: dict[str, Any], seen: list[tuple[str, str, int]]
    ) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        assert names(client) == ["Course"]

        patch(client, seller, product_id, **change)

        rows = client.get(PRODUCTS).json
        assert [(row["name"], row["price"], row["availableUnits"]) for row in rows] == seen

    def test_a_deleted_product_leaves_at_once(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        assert names(client) == ["Course"]

        client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)

        assert names(client) == []

    def test_a_sold_out_product_leaves_at_once(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant(), units=2)
        assert names(client) == ["Course"]

        order(client, factories.buyer(), product_id, 2)

        assert names(client) == []

    def test_a_refused_change_does_not_empty_it(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())
        client.get(PRODUCTS)

        patch(client, factories.merchant(), product_id, name="Mine now")

        with statements() as run:
            assert names(client) == ["Course"]
        assert run == []

    def test_without_redis_everything_works(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nowhere = cache.Region(cache.connect("redis://127.0.0.1:1/0"), "products", ttl=60)
        monkeypatch.setattr("app.products.service._catalogue", nowhere)
        seller = factories.merchant()

        product_id = create(client, seller).json["id"]
        assert names(client) == ["Course"]
        patch(client, seller, product_id, name="Renamed")
        assert names(client) == ["Renamed"]
        client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)
        assert names(client) == []

    def test_what_changed_during_an_outage_shows_when_redis_is_back(
        self, client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "_REST_SECONDS", 0)
        store = Outage(app.extensions["redis"])
        region = cache.Region(store, "products", ttl=60)  # type: ignore[arg-type]
        monkeypatch.setattr("app.products.service._catalogue", region)
        seller = factories.merchant()
        product_id = factories.product(seller)
        assert names(client) == ["Course"]

        store.away = True
        patch(client, seller, product_id, name="Renamed")
        store.away = False

        assert names(client) == ["Renamed"]
        with statements() as run:
            assert names(client) == ["Renamed"]
        assert run == []


class Outage:
    """A Redis that can be taken away."""

    def __init__(self, client: "redis.Redis[bytes]") -> None:
        self.client = client
        self.away = False

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise redis.ConnectionError("away")
        return getattr(self.client, name)


class TestMyProducts:
    def read(self, client: FlaskClient, seller: Actor, **query: Any) -> TestResponse:
        return client.get(
            f"{PRODUCTS}/merchant/my-products", query_string=query, headers=seller.headers
        )

    def test_all_of_mine_come_newest_first_and_nobody_else_s(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        factories.product(seller, name="sold out", units=0)
        inactive = factories.product(seller, name="inactive")
        factories.product(factories.merchant(), name="another's")
        patch(client, seller, inactive, isActive=False)

        rows = self.read(client, seller).json

        assert [row["name"] for row in rows] == ["inactive", "sold out"]
        assert rows[0]["merchant"]["email"] == seller.email

    def test_deleted_ones_come_on_request(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller, name="deleted")
        client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)

        assert self.read(client, seller).json == []
        assert self.read(client, seller, includeDeleted="false").json == []
        (row,) = self.read(client, seller, includeDeleted="true").json
        assert row["deletedAt"] is not None

    @pytest.mark.parametrize("value", ["1", "yes", "TRUE", ""])
    def test_the_request_is_true_or_false(self, client: FlaskClient, value: str) -> None:
        answer = self.read(client, factories.merchant(), includeDeleted=value)

        assert refusal(answer) == (400, "VALIDATION_ERROR")

    def test_users_have_none_to_see(self, client: FlaskClient) -> None:
        assert refusal(self.read(client, factories.actor())) == (403, "FORBIDDEN")


class TestChanging:
    def test_what_is_not_named_stays(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        before = create(client, seller, description="Text").json

        after = patch(client, seller, before["id"], price="12.50").json

        assert after.pop("updatedAt") >= before.pop("updatedAt")
        assert after == before | {"price": "12.50"}

    def test_a_description_can_be_taken_away(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = create(client, seller, description="Text").json["id"]

        assert patch(client, seller, product_id, description=None).json["description"] is None

    def test_a_restock_is_recorded_as_a_difference(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller, units=5)

        for units in (8, 8, 2):
            answer = patch(client, seller, product_id, availableUnits=units)
            assert answer.json["availableUnits"] == units

        with db.transaction() as session:
            rows = session.scalars(select(Restock).order_by(Restock.id)).all()
            product = session.get_one(Product, product_id)
        assert [(row.delta, row.actor_id) for row in rows] == [(3, seller.id), (-6, seller.id)]
        assert product.initial_units == 5

    def test_other_changes_are_no_restock(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        patch(client, seller, factories.product(seller), name="New", price="3.00")

        with db.transaction() as session:
            assert session.scalars(select(Restock)).all() == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", None),
            ("name", ""),
            ("price", None),
            ("price", 0),
            ("price", "0.001"),
            ("availableUnits", -1),
            ("availableUnits", None),
            ("availableUnits", "5"),
            ("isActive", None),
            ("isActive", "true"),
            ("isActive", 1),
            ("currency", "EUR"),
            ("merchantId", UNKNOWN),
            ("initialUnits", 1),
            ("deletedAt", None),
        ],
    )
    def test_what_is_no_change_is_refused(
        self, client: FlaskClient, field: str, value: Any
    ) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)

        answer = patch(client, seller, product_id, **{field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_another_merchant_may_not(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())

        answer = patch(client, factories.merchant(), product_id, name="Mine now")

        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert client.get(f"{PRODUCTS}/{product_id}").json["name"] == "Course"

    def test_a_user_may_not(self, client: FlaskClient) -> None:
        answer = patch(client, factories.actor(), factories.product(factories.merchant()))

        assert refusal(answer) == (403, "FORBIDDEN")

    def test_unknown_and_deleted_ones_are_404(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        deleted = factories.product(seller)
        client.delete(f"{PRODUCTS}/{deleted}", headers=seller.headers)

        for product_id in (UNKNOWN, deleted):
            answer = patch(client, seller, product_id, isActive=True)
            assert refusal(answer) == (404, "PRODUCT_NOT_FOUND")


class TestDeleting:
    def delete(self, client: FlaskClient, seller: Actor, product_id: UUID | str) -> TestResponse:
        return client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)

    def test_it_leaves_the_shop(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)

        answer = self.delete(client, seller, product_id)

        assert answer.status_code == 200
        assert answer.text == '{"message":"Product deleted successfully"}'
        assert client.get(f"{PRODUCTS}/{product_id}").status_code == 404
        assert refusal(self.delete(client, seller, product_id)) == (404, "PRODUCT_NOT_FOUND")

    def test_its_orders_keep_it(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller)
        order_id = order(client, buyer, product_id).json["id"]

        self.delete(client, seller, product_id)

        kept = client.get(f"/api/v1/orders/{order_id}", headers=buyer.headers)
        assert kept.json["product"]["name"] == "Course"

    def test_another_merchant_may_not(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())

        answer = self.delete(client, factories.merchant(), product_id)

        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert error_body(answer)["message"] == "You are not the owner of this product"
        assert client.get(f"{PRODUCTS}/{product_id}").status_code == 200

    def test_an_unknown_one_is_404(self, client: FlaskClient) -> None:
        answer = self.delete(client, factories.merchant(), UNKNOWN)

        assert refusal(answer) == (404, "PRODUCT_NOT_FOUND")
