"""What the relay adds to the feed of transactions."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common.db import transaction
from app.insights.transactions.events import REVIEWED
from app.insights.transactions.models import COUNTS, TransactionDay, TransactionMinute
from app.risk.models import RuleOutcome
from tests import factories
from tests.fake_bank import FakeBank
from tests.insights.helpers import event, latest, purchase, refusal, relay, review
from tests.payouts.helpers import deliver_and_handle, pending_payout
from tests.risk.helpers import condition, rule
from tests.shops.helpers import with_shop

API = "/api/v1"


def sums(model: type[TransactionMinute | TransactionDay]) -> dict[str, int]:
    with transaction() as session:
        rows = session.scalars(select(model)).all()
    return {name: sum(getattr(row, name) for row in rows) for name in COUNTS}


def post(client: FlaskClient, who: factories.Actor, path: str, body: Mapping[str, Any]) -> object:
    response = client.post(API + path, json=body, headers=who.headers)
    assert response.status_code in {200, 201}, response.json
    return response.json


def test_everything_that_leaves_a_wallet_is_in_the_feed_with_its_kind(
    client: FlaskClient,
) -> None:
    seller, buyer, friend = factories.merchant(), factories.buyer(), factories.buyer()
    product = factories.product(seller, price="10.00")
    post(
        client,
        buyer,
        "/orders",
        {"productId": str(product), "quantity": 2, "paymentMethod": "WALLET"},
    )
    post(client, buyer, "/transfers", {"recipient": {"userId": str(friend.id)}, "amount": "5.00"})
    post(client, buyer, "/wallet/withdraw", {"amount": "3.00"})
    post(client, buyer, "/wallet/holds", {"payeeId": str(seller.id), "amount": "2.00"})

    relay()

    assert [(row.kind, row.amount, row.status) for row in latest()] == [
        ("HOLD", 200, "APPROVED"),
        ("WITHDRAWAL", 300, "APPROVED"),
        ("TRANSFER", 500, "APPROVED"),
        ("PURCHASE", 2000, "APPROVED"),
    ]
    assert {row.user_id for row in latest()} == {buyer.id}


def test_an_event_that_is_handled_twice_counts_once(app: Flask) -> None:
    bought = purchase(factories.buyer(), factories.merchant(), latencyMs=12)
    relay(bought, bought)
    relay(bought)
    assert len(latest()) == 1
    for model in (TransactionMinute, TransactionDay):
        assert sums(model) == {
            "approved": 1,
            "declined": 0,
            "reviewed": 0,
            "volume": 1000,
            "measured": 1,
            "latency_ms": 12,
        }


def test_refusals_and_reviews_have_their_reason_and_their_measurements(app: Flask) -> None:
    buyer = factories.buyer()
    relay(refusal(buyer), review(buyer))
    under_review, refused = latest()
    assert (refused.status, refused.decline_reason) == ("DECLINED", "INSUFFICIENT_FUNDS")
    assert (refused.latency_ms, refused.risk_score) == (7, Decimal("0.25"))
    assert (under_review.status, under_review.decline_reason) == ("REVIEW", None)
    assert sums(TransactionDay)["volume"] == 0


@pytest.mark.parametrize(
    ("status", "reasons"),
    [("REJECTED", ["REVIEW_REJECTED"]), ("EXPIRED", ["REVIEW_EXPIRED"]), ("RELEASED", [])],
)
def test_the_end_of_a_review_is_a_transaction_unless_it_is_posted(
    app: Flask, status: str, reasons: list[str]
) -> None:
    data = {
        "userId": str(factories.buyer().id),
        "kind": "TRANSFER",
        "amount": 5,
        "currency": "USD",
        "status": status,
        "resultId": None,
    }
    relay(event(REVIEWED, data))
    assert [row.decline_reason for row in latest()] == reasons


def test_a_user_keeps_a_number_that_is_no_id(app: Flask) -> None:
    alice, bob, seller = factories.buyer(), factories.buyer(), factories.merchant()
    relay(purchase(alice, seller), purchase(bob, seller))
    relay(purchase(alice, seller))
    numbers = [row.user_number for row in latest()]
    assert numbers[0] == numbers[2] == numbers[1] - 1


def test_cards_and_giveaways_are_no_transactions_of_a_wallet(app: Flask) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    by_card = purchase(buyer, seller, paymentMethod="GATEWAY", reason=None)
    given = purchase(buyer, seller, giveawayId="6b8f1d9e-6a0c-7d3b-8d7f-000000000001")
    relay(by_card, given)
    assert latest() == []


@pytest.mark.parametrize("outcome", ["paid", "refused"])
def test_a_payout_has_the_score_and_latency_of_its_request(
    client: FlaskClient, bank: FakeBank, outcome: str
) -> None:
    rule(condition("amount", ">", "1"), outcome=RuleOutcome.SCORE, weight=250)
    payout_id = pending_payout(client, factories.buyer())
    deliver_and_handle(client, outcome, payout_id)
    relay()
    (row,) = latest()
    assert row.status == {"paid": "APPROVED", "refused": "DECLINED"}[outcome]
    assert row.risk_score == Decimal("0.25")
    assert row.latency_ms is not None


@pytest.mark.parametrize(
    ("types", "status"),
    [
        (["payout-submitted", "payout-paid"], "APPROVED"),
        (["payout-submitted", "payout-refused"], "APPROVED"),
        (["payout-paid"], "APPROVED"),
        (["payout-refused"], "DECLINED"),
    ],
)
def test_a_payout_is_one_transaction(app: Flask, types: list[str], status: str) -> None:
    user = factories.buyer()
    data = {"userId": str(user.id), "amount": 700, "currency": "USD", "reason": "closed"}
    first = event(types[0], data)
    relay(first, *(event(each, data, of=first.aggregate_id) for each in types[1:]))
    (row,) = latest()
    assert (row.kind, row.status, row.merchant_name) == ("PAYOUT", status, "Payout")


def test_the_merchant_is_shown_with_the_public_name_and_a_friend_not_at_all(
    client: FlaskClient,
) -> None:
    seller, buyer, friend = factories.merchant(), factories.buyer(), factories.buyer()
    with_shop(client, seller, name="Pixels")
    transfer = {"recipient": {"userId": str(friend.id)}, "amount": "5.00"}
    post(client, buyer, "/transfers", transfer)
    relay(purchase(buyer, seller))
    sale, sent = latest()
    assert (sale.merchant_id, sale.merchant_name) == (seller.id, "Pixels")
    assert (sent.merchant_id, sent.merchant_name) == (None, "Transfer")


def test_the_feed_is_that_of_a_payer_or_of_a_merchant(app: Flask) -> None:
    buyer, seller, other = factories.buyer(), factories.merchant(), factories.merchant()
    relay(purchase(buyer, seller), purchase(buyer, other), refusal(buyer))
    assert len(latest(user_id=buyer.id)) == 3
    assert [row.merchant_id for row in latest(merchant_id=seller.id)] == [seller.id]
    assert latest(user_id=seller.id) == []
