"""Every event is delivered three times in random order, over HTTP, with a real worker."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.common.settings import Settings
from tests.concurrency import all_at_once
from tests.live import LiveServer, order, sign_up_buyers, wait_until
from tests.stripe import (
    Buyer,
    Received,
    Shop,
    live_server_with_gateway,
)

pytestmark = pytest.mark.stress

API = "/api/v1"
ORDERS, EXPIRED = 100, 20


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop.listening() as listening:
        yield listening


@pytest.fixture
def server(
    shop: Shop, settings: Settings, worker_number: int, tmp_path: Path
) -> Iterator[LiveServer]:
    """The application, whose gateway sends its events to `shop` instead."""
    redis.Redis.from_url(str(settings.redis_url)).flushdb()
    name = f"payment_flow_gateway_{worker_number}"
    with live_server_with_gateway(settings, name, shop.url, tmp_path, workers=2) as running:
        yield running


def test_each_payment_completes_its_order_once(server: LiveServer, shop: Shop) -> None:
    seller = server.sign_up("seller", role="MERCHANT")
    product_id = server.create_product(seller, price="10.00", units=ORDERS)
    buyers = sign_up_buyers(server, 10, balance="1.00")

    def create_order(number: int) -> tuple[str, str, str]:
        """Place an order. Returns the token of the buyer, the order and its checkout URL."""
        body = order(product_id) | {"paymentMethod": "GATEWAY"}
        answer = server.call("POST", f"{API}/orders", body, token=buyers[number % 10])
        assert answer.status == 201, answer.text
        return buyers[number % 10], answer.json["order"]["id"], answer.json["checkoutUrl"]

    orders = all_at_once(create_order, range(ORDERS), threads=8)
    abandoned, paid = orders[:EXPIRED], orders[EXPIRED:]
    statuses = all_at_once(lambda one: Buyer().pay(one[2]).status, paid, threads=8)
    assert set(statuses) == {303}
    webhooks = shop.wait_for(len(paid)) * 3
    random.shuffle(webhooks)

    def deliver(webhook: Received) -> int:
        headers = {"Content-Type": "application/json", "Stripe-Signature": webhook.header}
        return server.call(
            "POST", f"{API}/webhooks/stripe", data=webhook.raw, headers=headers
        ).status

    with server.worker():
        assert set(all_at_once(deliver, webhooks, threads=8)) == {200}
        cancelled = all_at_once(
            lambda one: server.call("POST", f"{API}/orders/{one[1]}/cancel", token=one[0]).status,
            abandoned,
            threads=8,
        )
        assert set(cancelled) == {200}
        wait_until(
            lambda: (
                server.call("GET", f"{API}/wallet", token=seller).json["balance"]
                == f"{10 * len(paid)}.00"
            ),
            seconds=60,
        )
    states = {
        one[1]: server.call("GET", f"{API}/orders/{one[1]}", token=one[0]).json["status"]
        for one in orders
    }
    assert states == {one[1]: "COMPLETED" for one in paid} | {
        one[1]: "CANCELLED" for one in abandoned
    }
    product = server.call("GET", f"{API}/products/{product_id}").json
    assert product["availableUnits"] == EXPIRED
    result = server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr
