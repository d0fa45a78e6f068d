"""Refunds of orders paid at the gateway."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.event import listen

from app.common import clock, db
from app.gateway import client as client_of_gateway
from app.gateway.types import GatewayRefund, GatewayRefundStatus
from app.orders import repository
from app.orders.refunds import tasks as refund_tasks
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.gateway.orders import create_order, deliver_and_handle, set_locked
from tests.orders.helpers import ORDERS, balance
from tests.orders.refunds.helpers import refund, shown
from tests.stripe import (
    FAILING_REFUND_CARD,
    Buyer,
    SandboxGateway,
    Shop,
)


class TestRefunding:
    def bought(
        self, client: FlaskClient, shop: Shop, seller: Actor, buyer: Actor, card: str = ""
    ) -> str:
        body = create_order(
            client, buyer, factories.product(seller, price="10.00"), quantity=3
        ).json
        Buyer().pay(body["checkoutUrl"], **({"number": card} if card else {}))
        deliver_and_handle(client, shop.wait_for(len(shop.received) or 1)[-1])
        order_id: str = body["order"]["id"]
        assert shown(client, buyer, order_id)["status"] == "COMPLETED"
        return order_id

    def test_a_refund_is_made_through_the_gateway(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        order_id = self.bought(client, shop, seller, buyer)

        made = refund(client, seller, order_id, amount="12.00").json

        assert (made["status"], made["destination"]) == ("PENDING", "GATEWAY")
        assert (balance(client, seller), balance(client, buyer)) == ("18.00", "1.00")
        refund_tasks.request_refund(UUID(made["id"]))
        refund_tasks.request_refund(UUID(made["id"]))
        (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=buyer.headers).json
        assert (after["status"], after["destination"]) == ("SUCCEEDED", "GATEWAY")
        assert refund(client, seller, order_id).json["amount"] == "18.00"
        assert shown(client, buyer, order_id)["status"] == "REFUNDED"
        assert balance(client, buyer) == "1.00"
        assert broken_invariants() == []

    def test_a_refund_that_fails_at_the_gateway_goes_to_the_wallet(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        order_id = self.bought(client, shop, seller, buyer, FAILING_REFUND_CARD)
        shop.received.clear()
        made = refund(client, seller, order_id, amount="12.00").json
        refund_tasks.request_refund(UUID(made["id"]))
        webhooks = shop.wait_for(4)  # made, updated, failed
        for one in [*webhooks, *webhooks]:
            deliver_and_handle(client, one)
        (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=buyer.headers).json
        assert (after["status"], after["destination"]) == ("SUCCEEDED", "WALLET")
        assert after["failureReason"]
        assert (balance(client, seller), balance(client, buyer)) == ("18.00", "13.00")
        assert broken_invariants() == []

    def test_a_locked_wallet_is_credited_once_it_is_unlocked(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        shop: Shop,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        order_id = self.bought(client, shop, seller, buyer)
        made = refund(client, seller, order_id, amount="12.00").json
        failed = GatewayRefund("re_1", GatewayRefundStatus.FAILED, "expired_or_canceled_card")
        monkeypatch.setattr(client_of_gateway, "create_refund", lambda *_, **__: failed)
        for locked in (True, False):
            set_locked(buyer, locked=locked)
            refund_tasks.request_refund(UUID(made["id"]))
            (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=seller.headers).json
            assert after["status"] == ("PENDING" if locked else "SUCCEEDED")
        assert (balance(client, seller), balance(client, buyer)) == ("18.00", "13.00")
        assert broken_invariants() == []

    def test_due_refunds_are_found_by_an_index(self, app: Flask) -> None:
        with db.transaction() as session:
            statements: list[Any] = []
            connection = session.connection()
            listen(
                connection,
                "before_cursor_execute",
                lambda *arguments: statements.append(arguments[2:4]),
            )
            repository.lock_due_refunds(session, now=clock.now(), limit=10)
            statement, values = statements[0]
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
        assert any("ix_refunds_due" in line for line in plan)

    def test_after_a_lost_response_the_refund_is_retried_and_made_once(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        order_id = self.bought(client, shop, seller, buyer)
        made = refund(client, seller, order_id, amount="12.00").json
        gateway.set_behaviour(fault="lost-answer", times=1)
        refund_tasks.request_refund(UUID(made["id"]))
        (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=buyer.headers).json
        assert after["status"] == "PENDING"
        refund_tasks.request_refund(UUID(made["id"]))
        (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=buyer.headers).json
        assert after["status"] == "SUCCEEDED"
        assert broken_invariants() == []
