"""Refund requests of buyers and the merchants' decisions, over HTTP."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.orders.helpers import balance, buy
from tests.orders.refunds.helpers import API, decide, refund, request_refund, shown
from tests.responses import refusal


def place_order(client: FlaskClient) -> tuple[Actor, Actor, str]:
    """A merchant, a buyer who had 100.00, and the order of two units for 20.00."""
    seller, buyer = factories.merchant(), factories.buyer("100.00")
    order = buy(client, buyer, factories.product(seller, price="10.00"), quantity=2).json
    return seller, buyer, order["id"]


def test_an_approved_request_is_refunded_immediately(client: FlaskClient) -> None:
    seller, buyer, order_id = place_order(client)

    requested = request_refund(client, buyer, order_id, units=1)
    assert requested.status_code == 201
    assert (requested.json["status"], requested.json["units"], requested.json["amount"]) == (
        "OPEN",
        1,
        None,
    )
    answer = decide(client, seller, requested.json["id"], "approve", answer="Sorry")

    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["answer"]) == ("APPROVED", "Sorry")
    assert balance(client, buyer) == "90.00"
    (made,) = client.get(f"{API}/orders/{order_id}/refunds", headers=buyer.headers).json
    assert (made["id"], made["reason"]) == (answer.json["refundId"], "It does not work")
    for user in (seller, buyer):
        listed = client.get(f"{API}/refund-requests", headers=user.headers).json["data"]
        assert listed == [answer.json]
    assert broken_invariants() == []


def test_after_a_declined_or_withdrawn_request_a_new_one_can_be_made(
    client: FlaskClient,
) -> None:
    seller, buyer, order_id = place_order(client)
    first = request_refund(client, buyer, order_id, amount="5.00").json["id"]
    assert refusal(request_refund(client, buyer, order_id)) == (409, "REFUND_REQUEST_OPEN")
    assert decide(client, seller, first, "decline", answer="No").json["status"] == "DECLINED"
    second = request_refund(client, buyer, order_id).json["id"]
    assert decide(client, buyer, second, "withdraw").json["status"] == "WITHDRAWN"
    assert request_refund(client, buyer, order_id).status_code == 201
    assert balance(client, buyer) == "80.00"


@pytest.mark.parametrize("verb", ["approve", "decline", "withdraw"])
def test_a_request_is_decided_once(client: FlaskClient, verb: str) -> None:
    seller, buyer, order_id = place_order(client)
    refund_request_id = request_refund(client, buyer, order_id).json["id"]
    decide(client, seller, refund_request_id, "approve")
    user = buyer if verb == "withdraw" else seller
    assert refusal(decide(client, user, refund_request_id, verb)) == (409, "REFUND_REQUEST_CLOSED")
    assert balance(client, buyer) == "100.00"


def test_only_the_merchant_decides_and_only_the_buyer_requests(client: FlaskClient) -> None:
    seller, buyer, order_id = place_order(client)
    refund_request_id = request_refund(client, buyer, order_id).json["id"]
    for user, verb in (
        (factories.merchant(), "approve"),
        (factories.merchant(), "decline"),
        (seller, "withdraw"),
    ):
        answer = decide(client, user, refund_request_id, verb)
        assert refusal(answer) == (404, "REFUND_REQUEST_NOT_FOUND")
    assert refusal(request_refund(client, seller, order_id)) == (404, "ORDER_NOT_FOUND")
    listed = client.get(f"{API}/refund-requests?role=merchant", headers=buyer.headers).json["data"]
    assert listed == []


def test_an_amount_refunded_meanwhile_cannot_be_approved(client: FlaskClient) -> None:
    seller, buyer, order_id = place_order(client)
    refund_request_id = request_refund(client, buyer, order_id, amount="15.00").json["id"]
    refund(client, seller, order_id, amount="10.00")
    assert refusal(decide(client, seller, refund_request_id, "approve")) == (
        400,
        "REFUND_TOO_LARGE",
    )
    refund(client, seller, order_id)
    assert refusal(decide(client, seller, refund_request_id, "approve")) == (
        409,
        "ORDER_NOT_REFUNDABLE",
    )
    assert decide(client, seller, refund_request_id, "decline").status_code == 200
    assert shown(client, buyer, order_id)["status"] == "REFUNDED"
    assert refusal(request_refund(client, buyer, order_id)) == (409, "ORDER_NOT_REFUNDABLE")


def test_the_requests_of_one_order_are_listed(client: FlaskClient) -> None:
    seller, buyer, order_id = place_order(client)
    other = buy(client, buyer, factories.product(seller, price="10.00")).json["id"]
    mine, theirs = (request_refund(client, buyer, each).json for each in (order_id, other))

    def listed(user: Actor, order: str) -> list[str]:
        query = {"orderId": order}
        answer = client.get(f"{API}/refund-requests", query_string=query, headers=user.headers)
        return [row["id"] for row in answer.json["data"]]

    for user in (seller, buyer):
        assert listed(user, order_id) == [mine["id"]]
        assert listed(user, other) == [theirs["id"]]
    assert listed(factories.buyer(), order_id) == []


def test_requests_are_found_by_status(client: FlaskClient) -> None:
    seller, buyer, order_id = place_order(client)
    declined = request_refund(client, buyer, order_id).json["id"]
    decide(client, seller, declined, "decline")
    open_ = request_refund(client, buyer, order_id).json["id"]

    def found(user: Actor, **query: str) -> list[str]:
        answer = client.get(f"{API}/refund-requests", query_string=query, headers=user.headers)
        return [row["id"] for row in answer.json["data"]]

    for user, role in ((seller, "merchant"), (buyer, "buyer")):
        assert found(user, role=role) == [open_, declined]
        assert found(user, role=role, status="OPEN") == [open_]
        assert found(user, status="DECLINED") == [declined]
        assert found(user, status="APPROVED") == []
