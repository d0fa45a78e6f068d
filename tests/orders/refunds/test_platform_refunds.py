"""Refunds that administrators make for merchants, over HTTP."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.auth.errors import OwnAccount
from app.orders.refunds import platform_refunds
from tests import factories
from tests.administration.helpers import ADMIN, actions_of, rows
from tests.authenticator import ManualClock, enable_two_factor
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.orders.helpers import ORDERS, UNKNOWN, balance, buy, units
from tests.orders.refunds.helpers import preview, refund
from tests.responses import refusal


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


@pytest.fixture
def buyer(client: FlaskClient) -> Actor:
    return factories.buyer()


@pytest.fixture
def order_id(client: FlaskClient, seller: Actor, buyer: Actor) -> str:
    """An order of 30.00."""
    product_id = factories.product(seller, price="10.00", units=5)
    made: str = buy(client, buyer, product_id, quantity=3).json["id"]
    return made


def refund_any(client: FlaskClient, admin: Actor, order_id: str, **fields: Any) -> Any:
    headers = admin.headers | fields.pop("headers", {})
    body = {"reason": "The shop is closed"} | fields
    return client.post(f"{ADMIN}/orders/{order_id}/refunds", json=body, headers=headers)


def preview_any(client: FlaskClient, admin: Actor, order_id: str, **part: Any) -> Any:
    path = f"{ADMIN}/orders/{order_id}/refunds/preview"
    return client.get(path, query_string=part, headers=admin.headers)


def test_it_moves_what_the_preview_shows_and_what_the_merchants_refund_would(
    client: FlaskClient, seller: Actor, buyer: Actor, order_id: str
) -> None:
    admin = factories.admin()
    shown = preview_any(client, admin, order_id, units=2).json
    assert shown == preview(client, seller, order_id, units=2).json
    before = balance(client, seller)

    made = refund_any(client, admin, order_id, units=2)

    assert made.status_code == 201, made.text
    assert {
        name: made.json[name] for name in ("amount", "fee", "units", "byPlatform", "reason")
    } == {
        "amount": "20.00",
        "fee": shown["fee"],
        "units": 2,
        "byPlatform": True,
        "reason": "The shop is closed",
    }
    assert balance(client, buyer) == "90.00"
    assert Decimal(before) - Decimal(balance(client, seller)) == Decimal(shown["net"])
    assert broken_invariants() == []


def test_the_parties_see_who_made_it_and_why(
    client: FlaskClient, seller: Actor, buyer: Actor, order_id: str
) -> None:
    refund(client, seller, order_id, units=1)
    refund_any(client, factories.admin(), order_id)

    for user in (seller, buyer):
        found = client.get(f"{ORDERS}/{order_id}/refunds", headers=user.headers).json
        assert [(row["byPlatform"], row["reason"]) for row in found] == [
            (False, None),
            (True, "The shop is closed"),
        ]


def test_goods_are_back_on_sale(client: FlaskClient, seller: Actor, buyer: Actor) -> None:
    product_id = factories.product(seller, units=5)
    order_id = buy(client, buyer, product_id, quantity=3).json["id"]
    refund_any(client, factories.admin(), order_id)

    assert units(client, product_id) == 5


def test_the_audit_log_has_it(client: FlaskClient, order_id: str) -> None:
    admin = factories.admin()
    made = refund_any(client, admin, order_id, amount="12.00").json

    assert actions_of(admin) == [("order.refund", order_id)]
    (record,) = rows(client, admin, "audit", targetId=order_id)
    assert record["reason"] == "The shop is closed"
    assert record["details"]["refundId"] == made["id"]
    assert record["details"]["amount"] == 1200


def test_it_needs_a_code_and_nothing_happens_without(
    client: FlaskClient, buyer: Actor, order_id: str, totp_clock: ManualClock
) -> None:
    admin = factories.admin()
    authenticator = enable_two_factor(client, admin, totp_clock)

    assert refusal(refund_any(client, admin, order_id)) == (403, "TWO_FACTOR_REQUIRED")
    assert balance(client, buyer) == "70.00"
    code = {"X-Two-Factor-Code": authenticator.code()}
    assert refund_any(client, admin, order_id, headers=code).status_code == 201


def test_a_repeated_request_refunds_once(client: FlaskClient, buyer: Actor, order_id: str) -> None:
    admin, key = factories.admin(), {"Idempotency-Key": "refund-1"}
    first, second = (
        refund_any(client, admin, order_id, amount="5.00", headers=key) for _ in range(2)
    )

    assert first.json == second.json
    assert balance(client, buyer) == "75.00"


def test_it_is_refused_as_the_merchants_refund_would_be(
    client: FlaskClient, buyer: Actor, order_id: str
) -> None:
    admin = factories.admin()

    assert refusal(refund_any(client, admin, UNKNOWN)) == (404, "ORDER_NOT_FOUND")
    assert refusal(preview_any(client, admin, UNKNOWN)) == (404, "ORDER_NOT_FOUND")
    assert refusal(refund_any(client, admin, order_id, amount="30.01"))[1] == "REFUND_TOO_LARGE"
    assert refund_any(client, admin, order_id).status_code == 201
    assert refusal(refund_any(client, admin, order_id)) == (409, "ORDER_NOT_REFUNDABLE")


def test_it_needs_a_reason(client: FlaskClient, order_id: str) -> None:
    answer = refund_any(client, factories.admin(), order_id, reason=" ")

    assert answer.status_code == 400
    assert "reason" in answer.json["details"]


@pytest.mark.parametrize("party", ["buyer", "seller"])
def test_a_party_of_the_order_cannot_refund(
    order_id: str, buyer: Actor, seller: Actor, party: str
) -> None:
    with pytest.raises(OwnAccount), factories.ledger_session() as session:
        platform_refunds.create_refund(
            session,
            actor_id={"buyer": buyer, "seller": seller}[party].id,
            order_id=UUID(order_id),
            reason="To myself",
        )
