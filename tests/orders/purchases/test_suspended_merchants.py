"""Deactivated merchants, and merchants whose wallet is locked, sell nothing.

What was paid before is delivered.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.event import listen

from app.auth import service as auth
from app.common import cache, db
from app.common.cache import Region
from app.common.pagination import PageRequest
from app.products import repository
from app.products.catalogue import catalogue_cache
from tests import factories
from tests.concurrency import all_at_once, broken_invariants
from tests.delivery.codes import helpers as codes
from tests.delivery.files import helpers as files
from tests.delivery.files.downloads.helpers import get
from tests.delivery.licences import helpers as licences
from tests.factories import Actor
from tests.orders.helpers import ORDERS, buy, nothing_happened
from tests.responses import created, refusal

PRODUCTS = "/api/v1/products"


def admin_call(client: FlaskClient, path: str) -> None:
    answer = client.post(
        f"/api/v1/admin/{path}", json={"reason": "On request"}, headers=factories.admin().headers
    )
    assert answer.status_code == 200, answer.text


def deactivate(client: FlaskClient, merchant: Actor) -> Callable[[], None]:
    """Deactivate the merchant. Returns how to undo it."""
    admin_call(client, f"users/{merchant.id}/deactivate")
    return lambda: admin_call(client, f"users/{merchant.id}/activate")


def lock(client: FlaskClient, merchant: Actor) -> Callable[[], None]:
    """Lock the merchant's wallet. Returns how to undo it."""
    with db.transaction() as session:
        wallet_id = factories.wallet(session, merchant.id).id
    admin_call(client, f"wallets/{wallet_id}/lock")
    return lambda: admin_call(client, f"wallets/{wallet_id}/unlock")


suspensions = pytest.mark.parametrize(
    ("suspend", "error"),
    [(deactivate, (400, "PRODUCT_INACTIVE")), (lock, (403, "WALLET_LOCKED"))],
)


@suspensions
def test_nothing_is_sold_until_the_merchant_is_back(
    client: FlaskClient, suspend: Callable[..., Callable[[], None]], error: tuple[int, str]
) -> None:
    seller, buyer = factories.merchant(), factories.buyer()
    product_id = factories.product(seller)
    undo = suspend(client, seller)

    assert refusal(buy(client, buyer, product_id)) == error
    assert nothing_happened(client, buyer)
    undo()
    created(buy(client, buyer, product_id))


@suspensions
@pytest.mark.parametrize("query", ["", "?q=course", "?sort=price", "?minPrice=1.00"])
def test_the_products_are_off_the_list_at_once(
    client: FlaskClient,
    suspend: Callable[..., Callable[[], None]],
    error: tuple[int, str],
    query: str,
) -> None:
    seller = factories.merchant()
    factories.product(seller)
    factories.product(factories.merchant(), name="Another course")

    def names() -> list[str]:
        return sorted(product["name"] for product in client.get(f"{PRODUCTS}{query}").json)

    def total() -> int:
        meta: Any = client.get(f"{PRODUCTS}{query}").headers["X-Pagination"]
        return int(meta.split('"total":')[1].split(",")[0])

    assert (names(), total()) == (["Another course", "Course"], 2)
    undo = suspend(client, seller)
    assert (names(), total()) == (["Another course"], 1)
    undo()
    assert names() == ["Another course", "Course"]


@suspensions
def test_the_copies_of_other_processes_are_invalidated(
    client: FlaskClient, suspend: Callable[..., Callable[[], None]], error: tuple[int, str]
) -> None:
    seller = factories.merchant()
    factories.product(seller)
    ours = catalogue_cache()
    assert ours is not None
    theirs = Region(cache.client(), "cache:products", ttl=60)
    built = iter([b"before", b"after"])
    key = "a page of another process"
    assert theirs.fetch(key, lambda: next(built)) == b"before"
    assert theirs.fetch(key, lambda: next(built)) == b"before"
    suspend(client, seller)
    assert theirs.fetch(key, lambda: next(built)) == b"after"


def test_the_list_reads_suspended_merchants_from_their_indexes(app: Flask) -> None:
    with db.transaction() as session:
        run: list[Any] = []
        connection = session.connection()
        listen(connection, "before_cursor_execute", lambda *given: run.append(given[2:4]))
        repository.list_on_sale(session, PageRequest(), sort="newest", **_NO_FILTERS)
        statement, values = run[0]
        plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
    for index in ("ix_users_deactivated", "ix_wallets_locked"):
        assert any(index in line for line in plan), plan


_NO_FILTERS = dict.fromkeys(("q", "min_price", "max_price", "merchant_id", "category_id"))


@pytest.mark.parametrize("suspend", [deactivate, lock])
class TestDelivery:
    def test_codes(self, client: FlaskClient, suspend: Callable[..., object]) -> None:
        seller, product_id = codes.stocked(client, "GIFT-1")
        buyer = factories.buyer()
        order = created(buy(client, buyer, product_id))
        suspend(client, seller)
        answer = client.get(f"{ORDERS}/{order['id']}/delivery", headers=buyer.headers)
        assert "GIFT-1" in answer.text

    def test_files(self, client: FlaskClient, suspend: Callable[..., object]) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        line = files.bought(client, buyer, files.on_sale(client, seller))
        suspend(client, seller)
        with get(client, files.link_of(line)) as answer:
            assert (answer.status_code, answer.data) == (200, files.GUIDE)

    def test_licences(self, client: FlaskClient, suspend: Callable[..., object]) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        order = created(buy(client, buyer, licences.licence_product(seller)))
        path = f"{ORDERS}/{order['id']}/delivery"
        before = client.get(path, headers=buyer.headers).json
        suspend(client, seller)
        after = client.get(path, headers=buyer.headers).json
        assert after == before
        key = after["licences"][0]["key"]
        for what, body in (
            ("validate", {"key": key}),
            ("activate", {"key": key, "instance": "machine"}),
        ):
            assert client.post(f"/api/v1/licences/{what}", json=body).status_code == 200


def test_of_purchases_and_a_deactivation_at_once_none_is_sold_afterwards(
    committing: Flask,
) -> None:
    seller, buyer = factories.merchant(), factories.buyer("1000.00")
    product_id = factories.product(seller, price="1.00", units=500)
    deactivated: list[UUID] = []

    def work(number: int) -> tuple[bool, int]:
        client = committing.test_client()
        if number == 10:
            with db.transaction() as session:
                auth.set_active(
                    session, actor_id=None, user_id=seller.id, active=False, reason="On request"
                )
            deactivated.append(seller.id)
            return True, 0
        was_deactivated = bool(deactivated)
        return was_deactivated, buy(client, buyer, product_id).status_code

    outcomes = all_at_once(work, range(40))
    assert {status for _, status in outcomes} <= {0, 201, 400}
    assert all(status != 201 for late, status in outcomes if late)
    assert broken_invariants() == []
