"""Files as goods: what orders call."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.auth import service as auth
from app.common import clock
from app.common.db import savepoint, transaction
from app.common.driver import start_pipeline
from app.delivery import service as delivery
from app.delivery.files.models import FileDelivery
from app.delivery.goods import GoodsMissing, Line
from app.orders import service as orders
from app.orders.checkout import Purchase
from app.products.models import ProductKind
from tests import factories
from tests.delivery.files.asking import (
    BASE,
    GUIDE,
    bought,
    delivery_of,
    file_product,
    on_sale,
    sha256,
    shown,
)


def ordered(buyer: factories.Actor, product_id: UUID, quantity: int = 1) -> Line:
    """An order that nothing was reserved for yet by a test."""
    with transaction(serializable=True) as session:
        user = auth.require_user(session, buyer.id)
        purchase = Purchase(user, product_id, quantity=quantity)
        receipt = orders.buy(session, purchase, fee_bps=0)
        found = session.get(FileDelivery, receipt.order.id)
        if found is not None:
            session.delete(found)
    return Line(receipt.order.id, product_id, ProductKind.FILE, quantity)


def test_what_is_reserved_is_the_buyer_s_once_it_is_delivered(client: FlaskClient) -> None:
    buyer = factories.buyer()
    line = ordered(buyer, on_sale(client, factories.merchant()), 2)
    with transaction() as session:
        for check in delivery.reserve(session, [line]):
            check()
        assert delivery.show(session, line, base=BASE) == {"files": []}
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

    assert shown(line)["downloadsLeft"] == 5


def test_many_orders_are_one_statement_each_in_a_pipeline(client: FlaskClient) -> None:
    buyer = factories.buyer()
    products = [on_sale(client, factories.merchant()) for _ in range(2)]
    lines = [ordered(buyer, product_id) for product_id in products * 2]
    with transaction() as session:
        start_pipeline(session)
        checks = delivery.reserve(session, lines)
        delivery.deliver(session, lines)
        for check in checks:
            check()

    assert all(shown(line)["name"] == "guide.pdf" for line in lines)


def test_what_has_no_file_cannot_be_reserved(client: FlaskClient) -> None:
    seller, buyer = factories.merchant(), factories.buyer()
    good = ordered(buyer, on_sale(client, seller))
    bare = Line(good.order_id, file_product(seller), ProductKind.FILE, 1)
    with transaction() as session:
        (check,) = delivery.reserve(session, [bare])
        with pytest.raises(GoodsMissing):
            check()


def test_what_is_not_paid_for_is_let_go(client: FlaskClient) -> None:
    line = ordered(factories.buyer(), on_sale(client, factories.merchant()))
    with transaction() as session:
        delivery.reserve(session, [line])
        delivery.release(session, line)

    assert delivery_of(line) is None


def test_what_was_delivered_is_not_let_go(client: FlaskClient) -> None:
    line = bought(client, factories.buyer(), on_sale(client, factories.merchant()))
    with transaction() as session:
        delivery.release(session, line)

    assert shown(line)["downloadsLeft"] == 5


def test_a_file_that_somebody_is_about_to_buy_cannot_be_taken_away(client: FlaskClient) -> None:
    seller = factories.merchant()
    line = ordered(factories.buyer(), on_sale(client, seller))
    path = f"/api/v1/products/{line.product_id}/file"
    with transaction() as session:
        delivery.reserve(session, [line])
    assert client.delete(path, headers=seller.headers).status_code == 409
    with transaction() as session:
        delivery.release(session, line)
    assert client.delete(path, headers=seller.headers).status_code == 204


def test_no_more_units_are_taken_back_than_were_bought(client: FlaskClient) -> None:
    product_id = on_sale(client, factories.merchant())
    line = bought(client, factories.buyer(), product_id, quantity=3)
    with transaction() as session:
        assert delivery.revoke(session, line, units=2) == 2
        with pytest.raises(IntegrityError, match="revoked_within_quantity"), savepoint(session):
            delivery.revoke(session, line, units=2)


def test_a_delivery_that_is_not_there_is_a_bug(client: FlaskClient) -> None:
    line = ordered(factories.buyer(), on_sale(client, factories.merchant()))
    with pytest.raises(GoodsMissing), transaction() as session:
        delivery.revoke(session, line, units=1)


def test_the_buyer_sees_the_file_and_a_new_link_each_time(client: FlaskClient) -> None:
    line = bought(client, factories.buyer(), on_sale(client, factories.merchant()))
    first, second = shown(line), shown(line)

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
