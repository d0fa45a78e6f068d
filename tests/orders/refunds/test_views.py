"""Refunds, over HTTP."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import db
from app.events.models import OutboxEvent
from tests import factories
from tests.concurrency import broken_invariants
from tests.coupons.helpers import create_coupon
from tests.factories import Actor
from tests.orders.helpers import UNKNOWN, balance, buy, units
from tests.orders.refunds.helpers import API, preview, refund, shown
from tests.responses import created, error_body, refusal


@pytest.fixture(autouse=True)
def platform_fee(change_settings: Any) -> None:
    change_settings(platform_fee_bps=333)


def place_order(
    client: FlaskClient, *, price: str = "10.00", quantity: int = 3, **fields: Any
) -> tuple[Actor, Actor, dict[str, Any]]:
    """A merchant, a buyer who had 100.00, and the order."""
    seller, buyer = factories.merchant(), factories.buyer("100.00")
    product_id = factories.product(seller, price=price, units=5)
    if "couponCode" in fields:
        create_coupon(client, seller, code=fields["couponCode"], value="100")
    return seller, buyer, buy(client, buyer, product_id, quantity=quantity, **fields).json


class TestRefunding:
    def test_a_full_refund_restores_balances_and_stock(self, client: FlaskClient) -> None:
        seller, buyer, order = place_order(client)
        assert balance(client, seller) == "29.00"  # 3.33 % of 30.00 is 99.9 cents

        answer = refund(client, seller, order["id"], reason="Out of print")

        body = created(answer)
        assert list(body) == [
            "id",
            "orderId",
            "amount",
            "fee",
            "currency",
            "units",
            "restoredUnits",
            "reason",
            "destination",
            "status",
            "failureReason",
            "createdAt",
            "settledAt",
            "orderNumber",
            "byPlatform",
        ]
        assert (body["amount"], body["fee"], body["units"], body["restoredUnits"]) == (
            "30.00",
            "1.00",
            3,
            3,
        )
        assert (body["status"], body["reason"]) == ("SUCCEEDED", "Out of print")
        assert (balance(client, buyer), balance(client, seller)) == ("100.00", "0.00")
        assert units(client, UUID(order["productId"])) == 5
        after = shown(client, buyer, order["id"])
        assert (after["status"], after["refundedAmount"], after["refundedUnits"]) == (
            "REFUNDED",
            "30.00",
            3,
        )
        assert broken_invariants() == []

    def test_partial_refunds_return_every_cent_of_amount_and_fee(self, client: FlaskClient) -> None:
        seller, buyer, order = place_order(client, price="3.33", quantity=3)  # 9.99, fee 0.33

        parts = [refund(client, seller, order["id"], amount="0.37").json for _ in range(27)]
        assert refusal(refund(client, seller, order["id"], amount="0.01")) == (
            409,
            "ORDER_NOT_REFUNDABLE",
        )

        assert {breakdown["fee"] for breakdown in parts} == {"0.01", "0.02"}
        assert [breakdown["units"] for breakdown in parts] == [0] * 26 + [3]
        assert (balance(client, buyer), balance(client, seller)) == ("100.00", "0.00")
        assert shown(client, buyer, order["id"])["status"] == "REFUNDED"
        assert broken_invariants() == []

    def test_units_are_refunded_at_the_price_paid(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        product_id = factories.product(seller, price="3.33", units=5)
        create_coupon(client, seller, kind="FIXED", value="0.01")
        order = buy(client, buyer, product_id, quantity=3, couponCode="SPRING").json  # 9.98

        amounts = [refund(client, seller, order["id"], units=1).json["amount"] for _ in range(3)]

        assert amounts == ["3.32", "3.33", "3.33"]
        assert units(client, product_id) == 5
        assert shown(client, seller, order["id"])["status"] == "REFUNDED"
        assert broken_invariants() == []

    def test_refunds_of_amounts_and_of_units_can_be_combined(self, client: FlaskClient) -> None:
        seller, buyer, order = place_order(client)
        refund(client, seller, order["id"], amount="25.00")
        assert refund(client, seller, order["id"], units=1).json["amount"] == "5.00"
        assert balance(client, buyer) == "100.00"
        after = shown(client, buyer, order["id"])
        assert (after["status"], after["refundedUnits"]) == ("REFUNDED", 3)
        assert broken_invariants() == []

    def test_units_bought_for_nothing_are_refunded_with_zero(self, client: FlaskClient) -> None:
        seller, buyer, order = place_order(client, couponCode="GIFT")
        assert order["amount"] == "0.00"
        assert refund(client, seller, order["id"], units=1).json["amount"] == "0.00"
        assert shown(client, buyer, order["id"])["status"] == "COMPLETED"
        assert refund(client, seller, order["id"]).json["units"] == 2
        assert shown(client, buyer, order["id"])["status"] == "REFUNDED"
        assert broken_invariants() == []

    def test_the_same_key_refunds_once(self, client: FlaskClient) -> None:
        seller, buyer, order = place_order(client)
        first = refund(client, seller, order["id"], amount="4.00", key="r-1")
        again = refund(client, seller, order["id"], amount="4.00", key="r-1")
        assert again.text == first.text
        assert again.headers["Idempotent-Replayed"] == "true"
        assert balance(client, buyer) == "74.00"

    def test_refunds_are_listed_for_buyer_and_merchant(self, client: FlaskClient) -> None:
        seller, buyer, order = place_order(client)
        made = [refund(client, seller, order["id"], amount=a).json for a in ("1.00", "2.00")]
        path = f"{API}/orders/{order['id']}/refunds"
        for user in (seller, buyer):
            assert client.get(path, headers=user.headers).json == made
        other = client.get(path, headers=factories.merchant().headers)
        assert refusal(other) == (404, "ORDER_NOT_FOUND")

    def test_events_are_recorded_in_the_outbox(self, client: FlaskClient) -> None:
        seller, _, order = place_order(client)
        refund(client, seller, order["id"], amount="4.00")
        with db.transaction() as session:
            rows = session.scalars(
                select(OutboxEvent).order_by(OutboxEvent.sequence.desc()).limit(4)
            ).all()[::-1]
        assert [row.type for row in rows] == ["order-refunded"] + ["balance-updated"] * 3
        assert (rows[0].data["amount"], rows[0].data["fee"], rows[0].data["status"]) == (
            400,
            13,
            "COMPLETED",
        )
        assert [(row.data["type"], row.data["amount"]) for row in rows[1:]] == [
            ("FEE_REFUND", 13),
            ("REFUND_OUT", -400),
            ("REFUND", 400),
        ]


class TestRefusing:
    @pytest.mark.parametrize(
        ("breakdown", "code"),
        [
            ({"amount": "30.01"}, "REFUND_TOO_LARGE"),
            ({"units": 4}, "REFUND_TOO_LARGE"),
            ({"amount": "1.00", "units": 1}, "VALIDATION_ERROR"),
            ({"amount": 0}, "VALIDATION_ERROR"),
            ({"amount": "0.001"}, "VALIDATION_ERROR"),
            ({"units": 0}, "VALIDATION_ERROR"),
            ({"units": "1"}, "VALIDATION_ERROR"),
            ({"percent": 50}, "VALIDATION_ERROR"),
        ],
    )
    def test_a_refund_above_the_remainder_or_an_invalid_one_is_refused(
        self, client: FlaskClient, breakdown: dict[str, Any], code: str
    ) -> None:
        seller, buyer, order = place_order(client)
        assert refusal(refund(client, seller, order["id"], **breakdown)) == (400, code)
        assert balance(client, buyer) == "70.00"

    def test_the_error_states_the_refundable_remainder(self, client: FlaskClient) -> None:
        seller, _, order = place_order(client)
        refund(client, seller, order["id"], amount="12.00")
        answer = refund(client, seller, order["id"], amount="18.01")
        assert error_body(answer)["details"] == {"refundable": "18.00", "refundableUnits": 3}

    def test_a_merchant_without_funds_cannot_refund(self, client: FlaskClient) -> None:
        seller, buyer, order = place_order(client)
        client.post(f"{API}/wallet/withdraw", json={"amount": "20.00"}, headers=seller.headers)
        assert refusal(refund(client, seller, order["id"])) == (400, "INSUFFICIENT_FUNDS")
        assert balance(client, buyer) == "70.00"
        assert units(client, UUID(order["productId"])) == 2
        assert refund(client, seller, order["id"], amount="9.00").status_code == 201

    def test_only_the_merchant_of_the_order_can_refund(self, client: FlaskClient) -> None:
        _, buyer, order = place_order(client)
        assert refusal(refund(client, buyer, order["id"])) == (403, "FORBIDDEN")
        for answer in (
            refund(client, factories.merchant(), order["id"]),
            refund(client, factories.merchant(), UNKNOWN),
        ):
            assert refusal(answer) == (404, "ORDER_NOT_FOUND")


class TestPreview:
    @pytest.mark.parametrize(
        "part", [{}, {"units": 1}, {"amount": "9.98"}, {"amount": "0.01"}, {"units": 3}]
    )
    def test_it_says_what_the_refund_moves(self, client: FlaskClient, part: dict[str, Any]) -> None:
        seller, buyer, order = place_order(client, price="3.33", quantity=3)
        before = balance(client, seller)
        shown_first = preview(client, seller, order["id"], **part).json
        assert balance(client, seller) == before

        made = created(refund(client, seller, order["id"], **part))

        same = ("orderId", "orderNumber", "amount", "fee", "units", "currency", "destination")
        assert {name: shown_first[name] for name in same} == {name: made[name] for name in same}
        paid = Decimal(before) - Decimal(balance(client, seller))
        assert Decimal(shown_first["net"]) == paid
        after = shown(client, buyer, order["id"])
        assert Decimal(after["amount"]) - Decimal(after["refundedAmount"]) == Decimal(
            shown_first["amountLeft"]
        )
        assert after["quantity"] - after["refundedUnits"] == shown_first["unitsLeft"]

    @pytest.mark.parametrize(
        ("part", "error"),
        [
            ({"amount": "30.01"}, (400, "REFUND_TOO_LARGE")),
            ({"units": 4}, (400, "REFUND_TOO_LARGE")),
            ({"units": 1, "amount": "1.00"}, (400, "VALIDATION_ERROR")),
            ({"amount": "0"}, (400, "VALIDATION_ERROR")),
        ],
    )
    def test_it_is_refused_as_the_refund_would_be(
        self, client: FlaskClient, part: dict[str, Any], error: tuple[int, str]
    ) -> None:
        seller, _, order = place_order(client)
        assert refusal(preview(client, seller, order["id"], **part)) == error
        assert refusal(refund(client, seller, order["id"], **part)) == error

    def test_nothing_is_left_after_a_full_refund(self, client: FlaskClient) -> None:
        seller, _, order = place_order(client)
        created(refund(client, seller, order["id"]))
        answer = preview(client, seller, order["id"])
        assert refusal(answer) == (409, "ORDER_NOT_REFUNDABLE")
