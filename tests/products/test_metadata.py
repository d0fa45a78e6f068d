"""Metadata of products: the merchant's own data, over HTTP and in CSV."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.orders.helpers import ORDERS, buy
from tests.products.bulk.helpers import (
    counts,
    export,
    import_csv,
    own_products,
    problems,
    rows_of,
    table_of,
)
from tests.products.helpers import PRODUCTS, create, patch
from tests.responses import refusal

SKU = {"sku": "GUIDE-2", "näme": "=1;\n=2 \"quoted\" 'x'"}


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


def test_it_is_created_changed_and_cleared(client: FlaskClient, seller: Actor) -> None:
    made = create(client, seller, metadata=SKU).json
    assert made["metadata"] == SKU
    assert own_products(client, seller) == [made]

    for changed in ({"sku": "GUIDE-3"}, {}, None):
        assert patch(client, seller, made["id"], metadata=changed).json["metadata"] == changed
    patch(client, seller, made["id"], metadata=SKU)
    assert patch(client, seller, made["id"], name="Atlas").json["metadata"] == SKU


def test_only_the_merchant_sees_it(client: FlaskClient, seller: Actor) -> None:
    made = create(client, seller, metadata=SKU).json
    path = f"{PRODUCTS}/{made['id']}"
    buyer = factories.buyer()

    assert client.get(path, headers=seller.headers).json["metadata"] == SKU
    for headers in ({}, buyer.headers, factories.merchant().headers):
        assert client.get(path, headers=headers).json["metadata"] is None
    assert [row["metadata"] for row in client.get(PRODUCTS).json] == [None]
    order = buy(client, buyer, made["id"]).json
    for text in (
        client.get(f"{ORDERS}/{order['id']}", headers=buyer.headers).text,
        client.get(ORDERS, headers=buyer.headers).text,
    ):
        assert "GUIDE-2" not in text


@pytest.mark.parametrize(
    "value", [{"n": 5}, {"": "x"}, {"x": "y" * 501}, {str(n): "" for n in range(21)}, ["a"], "{}"]
)
def test_the_rules_are_those_of_orders(client: FlaskClient, seller: Actor, value: Any) -> None:
    buyer, product_id = factories.buyer(), factories.product(seller)

    answers = [
        create(client, seller, metadata=value),
        patch(client, seller, str(product_id), metadata=value),
        buy(client, buyer, product_id, metadata=value),
    ]

    assert {refusal(answer) for answer in answers} == {(400, "VALIDATION_ERROR")}
    assert len({str(answer.json["details"]) for answer in answers}) == 1


def test_an_export_restores_it(client: FlaskClient, seller: Actor) -> None:
    create(client, seller)
    create(client, seller, metadata={})
    made = create(client, seller, metadata=SKU).json
    table = export(client, seller).data
    assert counts(import_csv(client, seller, table)) == (0, 0, 3)

    patch(client, seller, made["id"], metadata={"sku": "another"})
    assert counts(import_csv(client, seller, table)) == (0, 1, 2)
    copies = [row | {"id": ""} for row in rows_of(export(client, seller))]
    other = factories.merchant()
    assert counts(import_csv(client, other, table_of(copies))) == (3, 0, 0)

    for user in (seller, other):
        found = [row["metadata"] for row in own_products(client, user)]
        assert sorted(found, key=str) == sorted([None, {}, SKU], key=str)


def test_an_empty_cell_clears_it_and_no_column_keeps_it(client: FlaskClient, seller: Actor) -> None:
    made = create(client, seller, metadata=SKU).json

    import_csv(client, seller, f"id,name\n{made['id']},Atlas")
    assert own_products(client, seller)[0]["metadata"] == SKU
    import_csv(client, seller, f"id,metadata\n{made['id']},")
    assert own_products(client, seller)[0]["metadata"] is None


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("sku", 'Must be a JSON object, such as {"sku": "GUIDE-2"}.'),
        ('{"a": "\\u0000"}', 'Must be a JSON object, such as {"sku": "GUIDE-2"}.'),
        ('{"a": "1", "a": "2"}', 'Must be a JSON object, such as {"sku": "GUIDE-2"}.'),
        ('["a"]', "Not a valid mapping type."),
        ('{"a": 1}', None),
    ],
)
def test_a_cell_that_is_no_metadata_is_refused(
    client: FlaskClient, seller: Actor, cell: str, problem: str | None
) -> None:
    row = {"name": "Guide", "price": "5.00", "availableUnits": "1", "metadata": cell}

    found = problems(import_csv(client, seller, table_of([row])))

    assert [name.split(":")[0] for name in found] == ["line 2"]
    if problem is not None:
        assert found == {"line 2: metadata": [problem]}
