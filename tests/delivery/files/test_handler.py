"""Delivery of files."""

from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.common import clock
from app.common.db import savepoint, transaction
from app.common.driver import start_pipeline
from app.delivery import service as delivery
from app.delivery.files.handler import FileHandler
from app.delivery.files.models import FileDelivery
from app.delivery.handler import OrderLine, StockMismatch
from tests import factories
from tests.delivery.files.helpers import (
    BASE,
    GUIDE,
    bought,
    delivered,
    delivery_of,
    file_product,
    on_sale,
    sha256,
)
from tests.orders.refunds.helpers import refund
from tests.responses import refusal


def ordered(
    client: FlaskClient, buyer: factories.Actor, product_id: UUID, quantity: int = 1
) -> OrderLine:
    """A completed order without its delivery."""
    line = bought(client, buyer, product_id, quantity=quantity)
    with transaction() as session:
        session.delete(session.get(FileDelivery, line.order_id))
    return line


def test_a_reserved_file_can_be_downloaded_once_it_is_delivered(client: FlaskClient) -> None:
    buyer = factories.buyer()
    line = ordered(client, buyer, on_sale(client, factories.merchant()), 2)
    with transaction() as session:
        for check in delivery.reserve(session, [line]):
            check()
        assert FileHandler().render(session, line, base_url=BASE) == {"files": []}
    reserved = delivery_of(line)
    assert reserved is not None
    assert (reserved.buyer_id, reserved.product_id, reserved.quantity) == (
        buyer.id,
        line.product_id,
        2,
    )
    assert (reserved.delivered_at, reserved.downloads_allowed) == (None, 5)

    with transaction() as session:
        delivery.deliver(session, [line])

    assert delivered(line)["downloadsLeft"] == 5


def test_many_orders_can_be_delivered_in_a_pipeline(client: FlaskClient) -> None:
    buyer = factories.buyer()
    products = [on_sale(client, factories.merchant()) for _ in range(2)]
    lines = [ordered(client, buyer, product_id) for product_id in products * 2]
    with transaction() as session:
        start_pipeline(session)
        checks = delivery.reserve(session, lines)
        delivery.deliver(session, lines)
        for check in checks:
            check()

    assert all(delivered(line)["name"] == "guide.pdf" for line in lines)


def test_a_product_without_a_file_is_a_stock_mismatch(client: FlaskClient) -> None:
    seller, buyer = factories.merchant(), factories.buyer()
    good = ordered(client, buyer, on_sale(client, seller))
    bare = replace(good, product_id=file_product(seller))
    with transaction() as session:
        (check,) = delivery.reserve(session, [bare])
        with pytest.raises(StockMismatch):
            check()


def test_an_unpaid_delivery_is_released(client: FlaskClient) -> None:
    line = ordered(client, factories.buyer(), on_sale(client, factories.merchant()))
    with transaction() as session:
        delivery.reserve(session, [line])
        delivery.release(session, line)

    assert delivery_of(line) is None


def test_a_paid_delivery_is_not_released(client: FlaskClient) -> None:
    line = bought(client, factories.buyer(), on_sale(client, factories.merchant()))
    with transaction() as session:
        delivery.release(session, line)

    assert delivered(line)["downloadsLeft"] == 5


def test_a_reserved_file_cannot_be_deleted(client: FlaskClient) -> None:
    seller = factories.merchant()
    line = ordered(client, factories.buyer(), on_sale(client, seller))
    path = f"/api/v1/products/{line.product_id}/file"
    with transaction() as session:
        delivery.reserve(session, [line])
    assert client.delete(path, headers=seller.headers).status_code == 409
    with transaction() as session:
        delivery.release(session, line)
    assert client.delete(path, headers=seller.headers).status_code == 204


def test_at_most_the_quantity_can_be_revoked(client: FlaskClient) -> None:
    product_id = on_sale(client, factories.merchant())
    line = bought(client, factories.buyer(), product_id, quantity=3)
    with transaction() as session:
        assert delivery.revoke(session, line, units=2) == 2
        with pytest.raises(IntegrityError, match="revoked_within_quantity"), savepoint(session):
            delivery.revoke(session, line, units=2)


def test_a_missing_delivery_is_a_stock_mismatch(client: FlaskClient) -> None:
    line = ordered(client, factories.buyer(), on_sale(client, factories.merchant()))
    with pytest.raises(StockMismatch), transaction() as session:
        delivery.revoke(session, line, units=1)


def test_each_delivery_contains_a_new_link(client: FlaskClient) -> None:
    line = bought(client, factories.buyer(), on_sale(client, factories.merchant()))
    first, second = delivered(line), delivered(line)

    assert first.keys() == {
        "name",
        "size",
        "mediaType",
        "sha256",
        "url",
        "expiresAt",
        "downloadsLeft",
    }
    assert (first["name"], first["size"], first["sha256"]) == (
        "guide.pdf",
        len(GUIDE),
        sha256(GUIDE),
    )
    assert first["url"].startswith(f"{BASE}/downloads/")
    assert first["url"] != second["url"]
    minutes = first["expiresAt"].replace("Z", "+00:00")
    assert 59 <= (type(clock.now()).fromisoformat(minutes) - clock.now()).total_seconds() / 60 <= 60


def test_a_file_is_available_immediately_until_it_is_refunded(client: FlaskClient) -> None:
    seller, buyer = factories.merchant(), factories.buyer()
    line = bought(client, buyer, on_sale(client, seller), quantity=2)
    path = f"/api/v1/orders/{line.order_id}/delivery"

    answer = client.get(path, headers=buyer.headers)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    (file,) = answer.json["files"]
    link = urlsplit(file["url"]).path
    with client.get(link) as download:
        assert download.data == GUIDE
    assert refund(client, seller, str(line.order_id), units=1).status_code == 201
    with client.get(link) as download:
        assert download.status_code == 200
    assert refund(client, seller, str(line.order_id), units=1).status_code == 201
    assert refusal(client.get(link)) == (410, "DOWNLOAD_REVOKED")
    product = client.get(f"/api/v1/products/{line.product_id}").json
    assert product["availableUnits"] == 50
