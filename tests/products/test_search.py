"""Searches of the catalogue."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common.db import transaction
from app.products import repository
from tests import factories
from tests.factories import Actor

PRODUCTS = "/api/v1/products"


def sell(seller: Actor, name: str, description: str | None = None) -> None:
    product_id = factories.product(seller, name=name)
    with transaction() as session:
        product = repository.get_product_for_update(session, product_id)
        assert product is not None
        product.description = description


def found(client: FlaskClient, q: str, **query: Any) -> list[str]:
    answer = client.get(PRODUCTS, query_string={"q": q, **query})
    assert answer.status_code == 200, answer.text
    return [product["name"] for product in answer.json]


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


@pytest.mark.parametrize("q", ["cafe", "CAFÉ", "caf", "é r", "fé", "creme", "brûlée"])
def test_case_and_accents_do_not_matter(client: FlaskClient, seller: Actor, q: str) -> None:
    sell(seller, "Café recipes", "With Crème Brulee")
    sell(seller, "Something else", "Tea")

    assert found(client, q) == ["Café recipes"]


@pytest.mark.parametrize("q", ["zwartekat", "nobreak", "no\u200bbreak", "cre\u200bme", "kat  no"])
def test_what_nobody_can_see_does_not_matter(client: FlaskClient, seller: Actor, q: str) -> None:
    name = "Zwarte\u200bkat no\u00adbreak Cr\u00e8me"
    body = {"name": name, "price": "1.00", "availableUnits": 1}
    made = client.post(PRODUCTS, json=body, headers=seller.headers)

    assert made.json["name"] == "Zwartekat nobreak Cr\u00e8me"
    assert found(client, q) == [made.json["name"]]


def test_names_come_before_descriptions_and_newer_before_older(
    client: FlaskClient, seller: Actor
) -> None:
    for name, description in (
        ("Piano for beginners", None),
        ("Scales", "Exercises for the piano"),
        ("Jazz piano", None),
        ("Chords", "For piano and guitar"),
    ):
        sell(seller, name, description)

    ranked = ["Jazz piano", "Piano for beginners", "Chords", "Scales"]
    assert found(client, "piano") == found(client, "piano", sort="relevance") == ranked
    newest = ["Chords", "Jazz piano", "Scales", "Piano for beginners"]
    assert found(client, "piano", sort="newest") == newest


def test_a_search_continues_with_its_cursor(client: FlaskClient, seller: Actor) -> None:
    for number in range(5):
        sell(seller, f"Course {number}" if number % 2 else f"Lecture {number}", "A course")
    pages: list[Sequence[str]] = []
    query = {"q": "course", "limit": "2"}
    while True:
        answer = client.get(PRODUCTS, query_string=query)
        pages.append([product["name"] for product in answer.json])
        meta = json.loads(answer.headers["X-Pagination"])
        assert meta["total"] == 5
        if meta["nextCursor"] is None:
            break
        query["cursor"] = meta["nextCursor"]

    assert pages == [["Course 3", "Course 1"], ["Lecture 4", "Lecture 2"], ["Lecture 0"]]


def test_without_a_search_relevance_is_newest(client: FlaskClient, seller: Actor) -> None:
    for name in ("First", "Second"):
        sell(seller, name)

    answer = client.get(PRODUCTS, query_string={"sort": "relevance"})

    assert [product["name"] for product in answer.json] == ["Second", "First"]


def test_of_many_matches_the_newest_are_ranked(
    client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MAX_MATCHES", 2)
    for name in ("Course A", "Course B", "Course C"):
        sell(seller, name)

    answer = client.get(PRODUCTS, query_string={"q": "course", "limit": "1"})
    meta = json.loads(answer.headers["X-Pagination"])

    assert found(client, "course") == ["Course C", "Course B"]
    assert (meta["total"], meta["totalIsCapped"]) == (2, True)
    assert len(found(client, "course", sort="newest")) == 3


def test_texts_without_a_trigram_are_looked_for_in_the_newest_products(
    client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factories.merchant()
    monkeypatch.setattr(repository, "NEWEST", 2)
    sell(other, "Gopher 0")
    for name in ("Gopher 1", "Gopher 2", "Gopher 3"):
        sell(seller, name)

    newest = ["Gopher 3", "Gopher 2"]
    assert found(client, "go") == found(client, "o", sort="newest") == newest
    assert found(client, "goph") == [*newest, "Gopher 1", "Gopher 0"]
    # Of those that match the other filters.
    assert found(client, "go", merchantId=str(other.id)) == ["Gopher 0"]


@pytest.mark.parametrize("q", ["музыка", "МУЗЫКА", "C++", "★★", "音楽"])
def test_texts_of_any_script_are_found(client: FlaskClient, seller: Actor, q: str) -> None:
    sell(seller, "C++ ★★", "Музыка и 音楽")
    sell(seller, "Something else", "C and D")

    assert found(client, q) == ["C++ ★★"]


@pytest.mark.parametrize(
    "q", ["\uff05\uff05", "\uff3f\uff3f", "100\uff05 off", "a\uff3cb", "'; --", "%(x)s", "\\'"]
)
def test_characters_that_fold_to_wildcards_are_literal(
    client: FlaskClient, seller: Actor, q: str
) -> None:
    """Such as the full-width percent sign, low line and backslash."""
    sell(seller, f"With {q} in it")
    sell(seller, "100 anything off", "ab")

    assert found(client, q) == [f"With {q} in it"]


def test_a_text_is_not_found_across_name_and_description(
    client: FlaskClient, seller: Actor
) -> None:
    sell(seller, "Guide", "for beginners")

    assert found(client, "guide for") == []
