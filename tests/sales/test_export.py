"""The CSV export of sales, over HTTP."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.common import csv_documents
from app.common.db import reading
from app.sales import repository, service
from tests import factories
from tests.coupons.helpers import create_coupon
from tests.factories import Actor
from tests.orders.helpers import buy
from tests.orders.refunds.helpers import refund
from tests.responses import refusal
from tests.sales.helpers import DAY, HOUR, NOON, SALES, add_orders, export, ids


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHUNK", 10)


def start_export(client: FlaskClient, seller: Actor) -> TestResponse:
    """An export of which nothing has been read yet. The caller closes it."""
    return client.get(f"{SALES}/export", headers=seller.headers)


def test_a_row_has_all_fields_of_an_order(
    client: FlaskClient, seller: Actor, change_settings: Callable[..., None]
) -> None:
    change_settings(platform_fee_bps=250)
    buyer = factories.buyer()
    product_id = factories.product(seller, price="19.99", name="Guide, second edition")
    create_coupon(client, seller, code="SPRING", kind="FIXED", value="4.00")
    own = {"notes": "For Grace,\n=1", "metadata": {"cart": "c-1", "note": "=1;\n=2"}}
    order = buy(client, buyer, product_id, quantity=2, couponCode="spring", **own).json
    refund(client, seller, order["id"], units=1)

    (row,) = export(client, seller)

    assert row == {
        "orderId": order["id"],
        "createdAt": order["createdAt"],
        "completedAt": order["completedAt"],
        "status": "COMPLETED",
        "paymentMethod": "WALLET",
        "productId": str(product_id),
        "product": "Guide, second edition",
        "buyerId": str(buyer.id),
        "buyerEmail": buyer.email,
        "quantity": "2",
        "unitPrice": "19.99",
        "discount": "4.00",
        "couponCode": "SPRING",
        "amount": "35.98",
        "fee": "0.90",
        "refunded": "17.99",
        "feeRefunded": "0.45",
        "net": "17.54",
        "refundedUnits": "1",
        "currency": "USD",
        "orderNumber": order["number"],
        "notes": "For Grace,\n'=1",
        "metadata": r'{"cart": "c-1", "note": "=1;\n=2"}',
        "timeZone": "UTC",
    }


def test_the_export_is_an_attachment(client: FlaskClient, seller: Actor) -> None:
    with start_export(client, seller) as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="sales.csv"'
        header = ",".join(repository.EXPORTED) + "\r\n"
        assert answer.data == f"\ufeff{header}".encode()
    with client.get(f"{SALES}/export?bom=false", headers=seller.headers) as answer:
        assert answer.data == header.encode()


def test_an_unpaid_order_has_a_net_amount_of_zero(client: FlaskClient, seller: Actor) -> None:
    product_id, buyer = factories.product(seller), factories.buyer()
    add_orders(product_id, buyer, NOON, status="CANCELLED", method="GATEWAY", later=None)

    (row,) = export(client, seller)

    assert (row["amount"], row["net"], row["completedAt"]) == ("10.00", "0.00", "")


def test_names_that_look_like_formulas_are_escaped(client: FlaskClient, seller: Actor) -> None:
    buy(client, factories.buyer(), factories.product(seller, name="=HYPERLINK(1)"))

    (row,) = export(client, seller)

    assert row["product"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"status": "COMPLETED"},
        {"status": "REFUNDED"},
        {"since": NOON + 2 * HOUR, "until": NOON + 20 * HOUR},
        {"since": NOON + DAY},
    ],
    ids=str,
)
@pytest.mark.parametrize("of_product", [False, True])
def test_the_export_has_the_filters_of_the_list(
    client: FlaskClient,
    seller: Actor,
    small_chunks: None,
    query: dict[str, Any],
    of_product: bool,
) -> None:
    buyer = factories.buyer()
    guide, atlas = (factories.product(seller) for _ in range(2))
    for product in (guide, atlas):
        add_orders(product, buyer, NOON, count=25)
    add_orders(guide, buyer, NOON, status="PENDING", later=None)
    add_orders(factories.product(factories.merchant()), buyer, NOON)
    filters = query | ({"productId": guide} if of_product else {})

    rows = [row["orderId"] for row in export(client, seller, **filters)]

    assert rows == ids(client, seller, limit=100, **filters)


def test_invalid_arguments_are_refused(client: FlaskClient, seller: Actor) -> None:
    answer = client.get(f"{SALES}/export", query_string={"status": "PAID"}, headers=seller.headers)
    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_an_interrupted_export_ends_with_a_marker(
    client: FlaskClient, seller: Actor, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_orders(factories.product(seller), factories.buyer(), NOON, count=35)
    original = repository.export
    read: list[Any] = []

    def read_batch(session: Session, **which: Any) -> Any:
        read.append(which)
        if len(read) > 3:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return original(session, **which)

    monkeypatch.setattr(repository, "export", read_batch)
    parts: list[bytes] = []
    with start_export(client, seller) as answer, pytest.raises(DBAPIError):
        parts.extend(answer.response)

    table = b"".join(parts)
    assert table.count(b"\r\n") == 32
    assert table.endswith(csv_documents.TRUNCATED)
    # An error before the first byte is an ordinary error response.
    assert refusal(start_export(client, seller)) == (503, "BUSY")


class TestConcurrencyLimit:
    """Each streamed response occupies a thread, which purchases need."""

    def test_streamed_exports_are_limited_per_merchant_and_in_total(
        self, client: FlaskClient, small_chunks: None
    ) -> None:
        sellers = [factories.merchant() for _ in range(3)]
        for seller in sellers:
            add_orders(factories.product(seller), factories.buyer(), NOON, count=11)
        started = [start_export(client, seller) for seller in sellers[:2]]

        assert [answer.status_code for answer in started] == [200, 200]
        for seller in (sellers[0], sellers[2]):
            assert refusal(start_export(client, seller)) == (503, "BUSY")
        started[0].close()
        with start_export(client, sellers[2]) as again:
            assert again.status_code == 200
            assert again.data.count(b"\r\n") == 12
        started[1].close()

    def test_short_responses_are_not_limited(
        self, client: FlaskClient, seller: Actor, small_chunks: None
    ) -> None:
        add_orders(factories.product(seller), factories.buyer(), NOON, count=9)
        for _ in range(4):
            with start_export(client, seller) as answer:
                assert answer.status_code == 200


def test_memory_does_not_grow_with_the_size_of_the_export(
    client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK", 100)
    guide, atlas = (factories.product(seller) for _ in range(2))
    add_orders(guide, factories.buyer(), NOON, count=200)
    add_orders(atlas, factories.buyer(), NOON, count=800)

    def write(**filters: Any) -> tuple[int, int]:
        """The size of the document, and the peak memory usage."""
        parts = service.export(merchant_id=seller.id, reading=reading, **filters)
        tracemalloc.start()
        size = sum(map(len, parts))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size, peak

    write(), write(product_id=guide)  # fill all caches
    (small, small_peak), (large, large_peak) = write(product_id=guide), write()

    assert large > 4 * small
    assert large_peak < small_peak * 3 / 2
