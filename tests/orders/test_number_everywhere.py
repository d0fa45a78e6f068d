"""Whatever names an order by its id names it by its number, too."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common.db import transaction
from app.events.base import EVENT_TYPES, data_fields
from app.events.models import OutboxEvent
from app.sales.repository import EXPORTED
from tests import factories
from tests.delivery.codes.helpers import listed, stocked
from tests.delivery.licences.helpers import licence_product
from tests.orders.helpers import ORDERS, buy
from tests.orders.refunds.helpers import API, decide, refund, request_refund
from tests.responses import refusal
from tests.sales.helpers import SALES
from tests.statements.helpers import get_statement, rows_of
from tests.statements.test_pdf import open_pdf, texts
from tests.test_api_document import nodes


def number_of(client: FlaskClient) -> tuple[Any, Any, dict[str, Any]]:
    """A merchant, a buyer, and an order."""
    seller, buyer = factories.merchant(), factories.buyer()
    return seller, buyer, buy(client, buyer, factories.product(seller)).json


def test_every_schema_and_event_with_the_id_of_an_order_has_its_number(
    client: FlaskClient,
) -> None:
    document = client.get("/api/openapi.json").json
    named = [node for node in nodes(document) if "orderId" in node.get("properties", {})]
    assert len(named) >= 5
    for schema in named:
        assert "orderNumber" in schema["properties"]
    for kind in EVENT_TYPES.values():
        if "order_id" in data_fields(kind):
            assert "order_number" in data_fields(kind), kind
    assert {"orderId", "orderNumber"} <= set(EXPORTED)


@pytest.mark.parametrize("role", ["buyer", "merchant"])
@pytest.mark.parametrize(
    "typed",
    [str, lambda number: "\u200e" + number.replace("-", "\u2011") + "\u00a0"],
    ids=["as shown", "pasted"],
)
def test_an_order_is_found_by_its_number(client: FlaskClient, role: str, typed: Any) -> None:
    seller, buyer, order = number_of(client)
    buy(client, buyer, order["productId"])
    user, path = {"buyer": (buyer, ORDERS), "merchant": (seller, SALES)}[role]
    query = {"number": typed(order["number"])}

    answer = client.get(path, query_string=query, headers=user.headers).json
    assert answer["data"] == [order]
    assert answer["meta"]["total"] == 1
    for other in (factories.actor(), factories.merchant()):
        path = SALES if other.email.startswith("merchant") else ORDERS
        assert client.get(path, query_string=query, headers=other.headers).json["data"] == []


@pytest.mark.parametrize("path", [ORDERS, SALES, f"{SALES}/export"])
@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("4821-0937-559", "Not an order number: a digit is wrong or two are swapped."),
        ("4821", "Not an order number: it has 11 or 13 digits, such as 4821-0937-558."),
    ],
)
def test_a_mistyped_number_is_refused(
    client: FlaskClient, path: str, number: str, problem: str
) -> None:
    answer = client.get(path, query_string={"number": number}, headers=factories.merchant().headers)

    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert answer.json["details"] == {"number": [problem]}


def test_refunds_and_requests_for_them_name_the_order(client: FlaskClient) -> None:
    seller, buyer, order = number_of(client)
    requested = request_refund(client, buyer, order["id"], amount="1.00").json
    approved = decide(client, seller, requested["id"], "approve").json
    refunded = refund(client, seller, order["id"], amount="2.00").json
    listed = client.get(f"{ORDERS}/{order['id']}/refunds", headers=buyer.headers).json
    requests = client.get(f"{API}/refund-requests", headers=seller.headers).json["data"]

    for named in (requested, approved, refunded, *listed, *requests):
        assert named["orderNumber"] == order["number"]
    assert len(listed) == 2


def test_history_and_statements_name_the_order(client: FlaskClient) -> None:
    seller, buyer, order = number_of(client)
    refund(client, seller, order["id"], amount="2.00")

    for user in (buyer, seller):
        history = client.get(f"{API}/wallet/transactions", headers=user.headers).json["data"]
        found = {line["id"]: line["orderNumber"] for line in history}
        expected = [None, order["number"]] if user is buyer else [order["number"]]
        assert set(found.values()) == set(expected)
        assert list(found.values()).count(order["number"]) == 2
        statement = get_statement(client, user).json["transactions"]
        assert {line["id"]: line["orderNumber"] for line in statement} == found
        rows = [row for row in rows_of(get_statement(client, user, "csv")) if row["transactionId"]]
        assert {row["transactionId"]: row["orderNumber"] or None for row in rows} == found
        pages = texts(open_pdf(get_statement(client, user, "pdf")))
        assert " ".join(pages).count(f"order {order['number']}") >= 2
    assert f"Refund of order {order['number']}" in [line["description"] for line in statement]


def test_what_was_delivered_names_the_order(client: FlaskClient) -> None:
    buyer = factories.buyer()
    seller, codes = stocked(client, "A", "B")
    licences = licence_product(seller)
    first, second = (buy(client, buyer, product).json for product in (codes, licences))

    for order in (first, second):
        shown = client.get(f"{ORDERS}/{order['id']}/delivery", headers=buyer.headers).json
        assert (shown["orderId"], shown["orderNumber"]) == (order["id"], order["number"])
    sold, free = listed(client, seller, codes)
    assert (sold["orderNumber"], free["orderNumber"]) == (first["number"], None)
    path = f"{API}/products/{licences}/licences"
    (licence,) = client.get(path, headers=seller.headers).json["data"]
    assert licence["orderNumber"] == second["number"]


def test_events_name_the_order(client: FlaskClient) -> None:
    seller, _, order = number_of(client)
    refund(client, seller, order["id"])

    with transaction() as session:
        query = select(OutboxEvent).where(OutboxEvent.aggregate_id == UUID(order["id"]))
        data = {event.type: event.data for event in session.scalars(query)}
    assert data["order-completed"]["number"] == order["number"]
    assert data["order-refunded"]["orderNumber"] == order["number"]
