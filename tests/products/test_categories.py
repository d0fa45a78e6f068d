"""Categories, and the products in them."""

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.common.db import transaction
from tests import factories
from tests.factories import Actor
from tests.images.helpers import API
from tests.products.bulk.helpers import counts, export, import_csv, problems, rows_of
from tests.products.helpers import create, names, patch
from tests.responses import refusal


@pytest.fixture
def admin(client: FlaskClient) -> Actor:
    return factories.admin()


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


def add(client: FlaskClient, admin: Actor, slug: str, name: str | None = None) -> TestResponse:
    body = {"slug": slug, "name": name or slug.title()}
    return client.post(f"{API}/admin/categories", json=body, headers=admin.headers)


def listed(client: FlaskClient) -> list[tuple[str, str]]:
    answer = client.get(f"{API}/categories")
    return [(row["slug"], row["name"]) for row in answer.json["data"]]


class TestManaging:
    def test_categories_are_listed_by_name(self, client: FlaskClient, admin: Actor) -> None:
        created = add(client, admin, "zoo", "Animals")
        add(client, admin, "audio-books", "Books to hear")

        assert (created.status_code, created.json["slug"]) == (201, "zoo")
        assert listed(client) == [("zoo", "Animals"), ("audio-books", "Books to hear")]

    def test_a_slug_is_used_once(self, client: FlaskClient, admin: Actor) -> None:
        first = add(client, admin, "books")
        assert refusal(add(client, admin, "books", "Others")) == (409, "CATEGORY_EXISTS")

        client.delete(f"{API}/admin/categories/{first.json['id']}", headers=admin.headers)
        assert add(client, admin, "books", "Others").status_code == 201
        assert listed(client) == [("books", "Others")]

    @pytest.mark.parametrize("slug", ["", "Books", "a b", "-a", "a--b", "a-", "é", "a\n", "x" * 51])
    def test_other_slugs_are_refused(self, client: FlaskClient, admin: Actor, slug: str) -> None:
        answer = add(client, admin, slug, "Name")
        assert "slug" in problems(answer)

    def test_a_category_is_renamed(self, client: FlaskClient, admin: Actor) -> None:
        path = f"{API}/admin/categories/{add(client, admin, 'books').json['id']}"

        answer = client.patch(path, json={"name": " Printed books "}, headers=admin.headers)

        assert (answer.status_code, answer.json["name"]) == (200, "Printed books")
        assert listed(client) == [("books", "Printed books")]

    def test_changes_are_in_the_audit_log(self, client: FlaskClient, admin: Actor) -> None:
        path = f"{API}/admin/categories/{add(client, admin, 'books').json['id']}"
        client.patch(path, json={"name": "Printed books"}, headers=admin.headers)
        client.delete(path, headers=admin.headers)

        assert refusal(client.delete(path, headers=admin.headers)) == (404, "CATEGORY_NOT_FOUND")
        query = text("SELECT action FROM audit_log WHERE actor_id = :id ORDER BY id")
        with transaction() as session:
            actions = session.scalars(query, {"id": admin.id}).all()
        assert actions == ["category.create", "category.rename", "category.delete"]


class TestProducts:
    def test_a_product_is_put_into_a_category(
        self, client: FlaskClient, admin: Actor, seller: Actor
    ) -> None:
        for slug in ("books", "music"):
            add(client, admin, slug)

        product = create(client, seller, category="books").json
        assert product["category"] == "books"
        for changes, expected in (
            ({"category": "music"}, "music"),
            ({"name": "Song"}, "music"),
            ({"category": None}, None),
        ):
            answer = patch(client, seller, product["id"], **changes)
            assert answer.json["category"] == expected
            found = client.get(f"{API}/products/{product['id']}").json
            assert found["category"] == expected

    def test_an_unknown_category_is_refused(self, client: FlaskClient, seller: Actor) -> None:
        product_id = factories.product(seller)

        for answer in (
            create(client, seller, category="books"),
            patch(client, seller, product_id, category="books"),
            client.get(f"{API}/products?category=books"),
            client.get(f"{API}/products?category="),
        ):
            assert "category" in problems(answer)

    def test_the_catalogue_of_a_category_is_filtered_sorted_searched_and_counted(
        self, client: FlaskClient, admin: Actor, seller: Actor
    ) -> None:
        for slug in ("books", "music"):
            add(client, admin, slug)
        for name, price, category in (
            ("Alpha", "3.00", "books"),
            ("Beta", "1.00", "books"),
            ("Alphabet", "2.00", "books"),
            ("Alphorn", "1.50", "music"),
            ("Alpine", "1.00", None),
        ):
            create(client, seller, name=name, price=price, category=category)

        assert names(client, category="books") == ["Alphabet", "Beta", "Alpha"]
        assert names(client, category="books", sort="price") == ["Beta", "Alphabet", "Alpha"]
        assert names(client, category="books", sort="-name") == ["Beta", "Alphabet", "Alpha"]
        assert names(client, category="books", q="alph") == ["Alphabet", "Alpha"]
        assert names(client, category="books", maxPrice="2.00") == ["Alphabet", "Beta"]
        assert names(client, category="music") == ["Alphorn"]
        assert len(names(client)) == 5
        page = client.get(f"{API}/products?category=books&limit=1")
        assert json.loads(page.headers["X-Pagination"])["total"] == 3

    def test_products_of_a_deleted_category_have_none(
        self, client: FlaskClient, admin: Actor, seller: Actor
    ) -> None:
        category_id = add(client, admin, "books").json["id"]
        create(client, seller, name="Course", category="books")
        (before,) = client.get(f"{API}/products").json  # cached

        client.delete(f"{API}/admin/categories/{category_id}", headers=admin.headers)

        (after,) = client.get(f"{API}/products").json
        assert (before["category"], after["category"]) == ("books", None)
        assert client.get(f"{API}/products?category=books").status_code == 400
        add(client, admin, "books")
        assert names(client, category="books") == []


class TestCsv:
    @pytest.fixture(autouse=True)
    def categories(self, client: FlaskClient, admin: Actor) -> dict[str, str]:
        return {slug: add(client, admin, slug).json["id"] for slug in ("books", "music")}

    def categories_of(self, client: FlaskClient, seller: Actor) -> dict[str, str]:
        return {row["name"]: row["category"] for row in rows_of(export(client, seller))}

    def test_categories_are_imported_and_exported(self, client: FlaskClient, seller: Actor) -> None:
        rows = ("name,price,availableUnits,category", "A,1,1,books", "B,1,1,", "C,1,1,music")
        table = "\r\n".join(rows)
        assert import_csv(client, seller, table).status_code == 200
        assert self.categories_of(client, seller) == {"A": "books", "B": "", "C": "music"}

        ids = {row["name"]: row["id"] for row in rows_of(export(client, seller))}
        changes = f"id,category\r\n{ids['A']},\r\n{ids['B']},books\r\n{ids['C']},music\r\n"
        answer = import_csv(client, seller, changes)
        assert counts(answer) == (0, 2, 1)
        assert self.categories_of(client, seller) == {"A": "", "B": "books", "C": "music"}

    def test_an_export_with_a_deleted_category_is_imported_without_effect(
        self, client: FlaskClient, seller: Actor, admin: Actor, categories: dict[str, str]
    ) -> None:
        create(client, seller, category="books")
        client.delete(f"{API}/admin/categories/{categories['books']}", headers=admin.headers)
        table = export(client, seller).data

        answer = import_csv(client, seller, table)

        assert counts(answer) == (0, 0, 1)

    def test_an_unknown_category_is_an_error_of_its_line(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        table = "name,price,availableUnits,category\r\nA,1.00,1,books\r\nB,1.00,1,films\r\n"

        answer = import_csv(client, seller, table)

        assert list(problems(answer)) == ["line 3: category"]
        assert self.categories_of(client, seller) == {}
