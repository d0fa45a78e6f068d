"""Sales as CSV, over HTTP."""

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
from app.sales import documents, repository, service
from tests import factories
from tests.answers import refusal
from tests.coupons.helpers import create_coupon
from tests.factories import Actor
from tests.orders.helpers import buy
from tests.orders.refunds.helpers import refund
from tests.sales.helpers import DAY, HOUR, NOON, SALES, add_orders, export, ids


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHUNK", 10)


def begin(client: FlaskClient, seller: Actor) -> TestResponse:
    """An export of which nothing has been read yet; close it in the end."""
    return client.get(f"{SALES}/export", headers=seller.headers)


def test_a_line_says_everything_about_an_order(
    client: FlaskClient, seller: Actor, change_settings: Callable[..., None]
) -> None:
    change_settings(platform_fee_bps=250)
    buyer = factories.buyer()
    product_id = factories.product(seller, price="19.99", name="Guide, second edition")
    create_coupon(client, seller, code="SPRING", kind="FIXED", value="4.00")
    order = buy(client, buyer, product_id, quantity=2, couponCode="spring").json
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
    }


def test_it_comes_as_a_file(client: FlaskClient, seller: Actor) -> None:
    with begin(client, seller) as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="sales.csv"'
        assert answer.data == (",".join(documents.CSV_HEAD) + "\r\n").encode()


def test_what_was_not_paid_brought_nothing(client: FlaskClient, seller: Actor) -> None:
    product_id, buyer = factories.product(seller), factories.buyer()
    add_orders(product_id, buyer, NOON, status="CANCELLED", method="GATEWAY", later=None)

    (row,) = export(client, seller)

    assert (row["amount"], row["net"], row["completedAt"]) == ("10.00", "0.00", "")


def test_no_spreadsheet_takes_a_name_for_a_formula(client: FlaskClient, seller: Actor) -> None:
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
def test_the_filters_are_those_of_the_list(
    client: FlaskClient,
    seller: Actor,
    small_pieces: None,
    query: dict[str, Any],
    of_product: bool,
) -> None:
    buyer = factories.buyer()
    guide, atlas = (factories.product(seller) for _ in range(2))
    for product in (guide, atlas):
        add_orders(product, buyer, NOON, count=25)
    add_orders(guide, buyer, NOON, status="PENDING", later=None)
    add_orders(factories.product(factories.merchant()), buyer, NOON)
    asked = query | ({"productId": guide} if of_product else {})

    rows = [row["orderId"] for row in export(client, seller, **asked)]

    assert rows == ids(client, seller, limit=100, **asked)


def test_what_makes_no_sense_is_400(client: FlaskClient, seller: Actor) -> None:
    answer = client.get(f"{SALES}/export", query_string={"status": "PAID"}, headers=seller.headers)
    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_what_breaks_off_says_so_in_its_last_line(
    client: FlaskClient, seller: Actor, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_orders(factories.product(seller), factories.buyer(), NOON, count=35)
    right = repository.rows
    read: list[Any] = []

    def rows(session: Session, **which: Any) -> Any:
        read.append(which)
        if len(read) > 3:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return right(session, **which)

    monkeypatch.setattr(repository, "rows", rows)
    parts: list[bytes] = []
    with begin(client, seller) as answer, pytest.raises(DBAPIError):
        parts.extend(answer.response)

    table = b"".join(parts)
    assert table.count(b"\r\n") == 32
    assert table.endswith(csv_documents.TRUNCATED)
    # If that happens early enough, it is an error like any other.
    assert refusal(begin(client, seller)) == (503, "BUSY")


class TestPlaces:
    """Each long answer holds a thread, and threads are there for sales."""

    def test_one_for_each_and_a_few_for_all(self, client: FlaskClient, small_pieces: None) -> None:
        sellers = [factories.merchant() for _ in range(3)]
        for seller in sellers:
            add_orders(factories.product(seller), factories.buyer(), NOON, count=11)
        begun = [begin(client, seller) for seller in sellers[:2]]

        assert [answer.status_code for answer in begun] == [200, 200]
        for seller in (sellers[0], sellers[2]):
            assert refusal(begin(client, seller)) == (503, "BUSY")
        begun[0].close()
        with begin(client, sellers[2]) as again:
            assert again.status_code == 200
            assert again.data.count(b"\r\n") == 12
        begun[1].close()

    def test_short_ones_need_none(
        self, client: FlaskClient, seller: Actor, small_pieces: None
    ) -> None:
        add_orders(factories.product(seller), factories.buyer(), NOON, count=9)
        for _ in range(4):
            with begin(client, seller) as answer:
                assert answer.status_code == 200


def test_a_longer_one_takes_no_more_memory(
    client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK", 100)
    guide, atlas = (factories.product(seller) for _ in range(2))
    add_orders(guide, factories.buyer(), NOON, count=200)
    add_orders(atlas, factories.buyer(), NOON, count=800)

    def write(**filters: Any) -> tuple[int, int]:
        """The size of the document, and the most memory there was in use."""
        parts = documents.as_csv(service.chunks(merchant_id=seller.id, reading=reading, **filters))
        tracemalloc.start()
        size = sum(map(len, parts))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size, peak

    write(), write(product_id=guide)  # whatever is kept from now on is there
    (small, usual), (large, most) = write(product_id=guide), write()

    assert large > 4 * small
    assert most < usual * 3 / 2
