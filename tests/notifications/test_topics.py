"""What users are notified of."""

from collections import Counter
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient

from app.common import clock
from app.common.ids import new_id
from app.common.time_zone import UTC_ZONE
from app.events.base import EVENT_TYPES, Event
from app.events.catalogue.accounts import ApiKeyRevoked, SessionCreated
from app.events.catalogue.banks import OnrampFailed, OnrampSucceeded, PayoutPaid, PayoutRefused
from app.events.catalogue.wallets import (
    PaymentRequestExpired,
    PaymentReviewed,
    PaymentUnderReview,
)
from app.events.catalogue.webhooks import WebhookEndpointDisabled
from app.events.sinks import StoredEvent
from app.notifications.handler import TYPES
from app.notifications.texts.compose import WRITERS, compose
from app.notifications.texts.content import Reader
from app.notifications.topics import KINDS
from tests import factories
from tests.factories import PASSWORD
from tests.notifications.helpers import feed, record, relay, stored_events, topics_of
from tests.orders.helpers import buy
from tests.transfers.helpers import send


def test_every_topic_has_a_text() -> None:
    assert KINDS.keys() == WRITERS.keys()


def test_every_type_is_in_the_catalogue() -> None:
    assert EVENT_TYPES.keys() >= TYPES


@pytest.mark.parametrize("topic", KINDS)
@pytest.mark.parametrize("data", [{}, {"id": "x", "amount": "x", "currency": 1, "text": 3}])
def test_data_of_another_version_has_a_text_all_the_same(topic: str, data: Any) -> None:
    reader = Reader("en", UTC_ZONE, {}, {})
    content = compose(topic, data, reader, at=clock.now())

    assert content.subject


def test_refunds(client: FlaskClient) -> None:
    seller, buyer = factories.merchant(), factories.buyer()
    order = buy(client, buyer, factories.product(seller)).json
    client.post(
        f"/api/v1/orders/{order['id']}/refund-requests",
        json={"reason": "No use"},
        headers=buyer.headers,
    )
    client.post(f"/api/v1/orders/{order['id']}/refunds", json={}, headers=seller.headers)

    relay()

    assert topics_of(client, seller) == ["refund_requested", "sale"]
    assert topics_of(client, buyer) == ["refund", "purchase"]
    assert feed(client, buyer)[0]["title"] == f"$10.00 refunded for order {order['number']}"


def test_a_refund_by_an_administrator(client: FlaskClient) -> None:
    seller, buyer = factories.merchant(), factories.buyer()
    order = buy(client, buyer, factories.product(seller)).json
    client.post(
        f"/api/v1/admin/orders/{order['id']}/refunds",
        json={"reason": "The shop is closed"},
        headers=factories.admin().headers,
    )

    relay()

    assert topics_of(client, seller) == ["refund_by_platform", "sale"]
    assert topics_of(client, buyer) == ["refund", "purchase"]
    title = f"We refunded $10.00 for order {order['number']}"
    assert feed(client, seller)[0]["title"] == title


def test_transfers(client: FlaskClient) -> None:
    sender, receiver = factories.buyer(), factories.buyer()
    answer = send(client, sender, receiver, "5.00")
    assert answer.status_code == 201, answer.text

    relay()

    assert topics_of(client, sender) == ["transfer_sent"]
    assert topics_of(client, receiver) == ["transfer_received"]


def test_deposits_and_payouts(client: FlaskClient) -> None:
    user = factories.buyer()
    common = {"user_id": user.id, "provider": "HDFC", "amount": 500, "currency": "USD"}
    record(
        OnrampSucceeded(aggregate_id=new_id(), status="SUCCESS", late=False, **common),  # type: ignore[arg-type]
        OnrampFailed(aggregate_id=new_id(), status="FAILURE", reason="no funds", **common),  # type: ignore[arg-type]
        PayoutPaid(aggregate_id=new_id(), bank_reference="R1", **common),  # type: ignore[arg-type]
        PayoutRefused(aggregate_id=new_id(), bank_reference=None, reason="closed", **common),  # type: ignore[arg-type]
    )

    relay()

    assert sorted(topics_of(client, user)) == [
        "deposit",
        "deposit_failed",
        "payout",
        "payout_refused",
    ]


def test_payment_requests(client: FlaskClient) -> None:
    requester, payer = factories.buyer(), factories.buyer()
    asked = client.post(
        "/api/v1/payment-requests",
        json={"payer": {"userId": str(payer.id)}, "amount": "5.00"},
        headers=requester.headers,
    ).json
    client.post(f"/api/v1/payment-requests/{asked['id']}/decline", headers=payer.headers)
    record(
        PaymentRequestExpired(
            aggregate_id=new_id(),
            requester_id=requester.id,
            payer_id=None,
            amount=None,
            currency="USD",
            transfer_id=None,
        )
    )

    relay()

    assert topics_of(client, payer) == ["payment_request"]
    assert sorted(topics_of(client, requester)) == [
        "payment_request_declined",
        "payment_request_expired",
    ]


def test_the_payer_is_told_of_a_review(client: FlaskClient) -> None:
    payer, receiver = factories.buyer(), factories.buyer()
    common: dict[str, Any] = {
        "user_id": payer.id,
        "kind": "TRANSFER",
        "amount": 600_000,
        "currency": "USD",
    }
    record(
        PaymentUnderReview(
            aggregate_id=new_id(),
            merchant_id=None,
            payee_id=receiver.id,
            risk_score="0.50",
            latency_ms=3,
            case_id=new_id(),
            **common,
        ),
        *(
            PaymentReviewed(aggregate_id=new_id(), status=status, result_id=None, **each)
            for status in ("RELEASED", "REJECTED", "EXPIRED")
            for each in (common, common | {"kind": "PAYOUT"})
        ),
    )

    relay()

    # A transfer that is released is a transfer: the payer is told of that.
    assert topics_of(client, receiver) == []
    assert Counter(topics_of(client, payer)) == {
        "payment_under_review": 1,
        "payment_released": 1,
        "payment_rejected": 2,
        "payment_review_expired": 2,
    }
    titles = {each["title"] for each in feed(client, payer)}
    assert "Your payment of $6,000.00 is being reviewed" in titles
    assert {each["kind"] for each in feed(client, payer)} == {"REVIEW"}


class TestLowStock:
    def low(self) -> list[StoredEvent]:
        return [event for event in stored_events() if event.type == "stock-low"]

    def test_the_merchant_is_told_once_when_the_threshold_is_crossed(
        self, client: FlaskClient
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, units=8, price="1.00")
        buy(client, buyer, product_id, quantity=2)
        assert self.low() == []

        buy(client, buyer, product_id, quantity=2)
        buy(client, buyer, product_id, quantity=1)

        (event,) = self.low()
        assert event.data["availableUnits"] == 4
        relay()
        assert "Course has 4 units left" in [each["title"] for each in feed(client, seller)]

    def test_a_shop_has_its_own_threshold(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        client.patch("/api/v1/shop", json={"lowStockUnits": 1}, headers=seller.headers)
        product_id = factories.product(seller, units=8, price="1.00")
        buy(client, buyer, product_id, quantity=6)
        assert self.low() == []

        buy(client, buyer, product_id, quantity=1)

        assert len(self.low()) == 1

    def test_zero_is_never(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        client.patch("/api/v1/shop", json={"lowStockUnits": 0}, headers=seller.headers)

        buy(client, buyer, factories.product(seller, units=2, price="1.00"), quantity=2)

        assert self.low() == []


class TestGiveaways:
    def test_what_is_given_away_is_no_sale(self, client: FlaskClient) -> None:
        seller, user = factories.merchant(), factories.buyer()
        made = client.post(
            "/api/v1/giveaways",
            json={
                "productId": str(factories.product(seller)),
                "name": "Fair",
                "kind": "LINK",
                "units": 1,
            },
            headers=seller.headers,
        ).json
        client.post(f"/api/v1/giveaways/by-token/{made['token']}/claim", headers=user.headers)

        relay()

        assert topics_of(client, user) == ["purchase"]
        assert "gave you" in feed(client, user)[0]["text"]
        assert "sale" not in topics_of(client, seller)


class TestSecurity:
    def sign_in(self, client: FlaskClient, email: str, agent: str) -> None:
        answer = client.post(
            "/api/v1/auth/login",
            json={"email": email, "password": PASSWORD},
            headers={"User-Agent": agent},
        )
        assert answer.status_code == 200

    def test_a_sign_in_with_a_new_device(self, client: FlaskClient) -> None:
        user = factories.buyer()
        self.sign_in(client.application.test_client(), user.email, "Phone")
        self.sign_in(client.application.test_client(), user.email, "Phone")

        relay()

        (notice,) = feed(client, user)
        assert notice["topic"] == "new_session"

    def test_a_device_that_is_remembered_is_not_new(self, client: FlaskClient) -> None:
        user = factories.buyer()
        browser = client.application.test_client()
        self.sign_in(browser, user.email, "Browser 1")
        self.sign_in(browser, user.email, "Browser 2, after an update")

        relay()

        assert topics_of(client, user) == ["new_session"]

    def test_registering_is_no_new_device(self, client: FlaskClient) -> None:
        client.post(
            "/api/v1/auth/register",
            json={"email": "a@example.com", "password": "a-fine-secret-1", "role": "USER"},
        )
        (event,) = [event for event in stored_events() if event.type == "session-created"]
        assert event.data["isNewDevice"] is False

    def test_passwords_and_api_keys(self, client: FlaskClient) -> None:
        user = factories.merchant()
        key = factories.api_key(user)
        client.delete(f"/api/v1/auth/api-keys/{key.id}", headers=user.headers)
        client.post(
            "/api/v1/auth/password",
            json={"currentPassword": PASSWORD, "newPassword": "a-fine-secret-2"},
            headers=user.headers,
        )

        relay()

        assert topics_of(client, user) == ["password_changed", "api_key_revoked", "api_key_created"]
        assert key.text not in str(feed(client, user))

    def test_the_second_factor(self, client: FlaskClient) -> None:
        user = factories.buyer()
        enrolled = client.post(
            "/api/v1/auth/two-factor", json={"password": PASSWORD}, headers=user.headers
        ).json
        code = pyotp.TOTP(enrolled["secret"]).now()
        client.post("/api/v1/auth/two-factor/confirm", json={"code": code}, headers=user.headers)
        admin = factories.admin()
        client.post(
            f"/api/v1/admin/users/{user.id}/reset-two-factor",
            json={"reason": "Lost"},
            headers=admin.headers,
        )

        relay()

        assert [each["title"] for each in feed(client, user)] == [
            "Two-factor authentication was reset by an administrator",
            "Two-factor authentication was enabled",
        ]


def test_a_disabled_webhook_endpoint(client: FlaskClient) -> None:
    seller = factories.merchant()
    record(
        WebhookEndpointDisabled(
            aggregate_id=new_id(),
            merchant_id=seller.id,
            url="https://example.com/hook",
            because="GONE",
        )
    )

    relay()

    assert topics_of(client, seller) == ["webhook_disabled"]


def test_unknown_users_are_passed_over(client: FlaskClient) -> None:
    unknown: list[Event] = [
        SessionCreated(
            aggregate_id=new_id(),
            user_id=new_id(),
            user_agent=None,
            address=None,
            is_new_device=True,
        ),
        ApiKeyRevoked(
            aggregate_id=new_id(),
            user_id=new_id(),
            name="x",
            prefix="x",
            scopes=(),
            because="revoked",
        ),
    ]
    record(*unknown)

    relay()
