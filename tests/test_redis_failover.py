"""The application while another Redis becomes the primary."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.common.settings import Settings
from tests import servers
from tests.live import LiveServer, completed_orders, order, sign_up_buyers, wait_until
from tests.sentinels import Sentinels, sentinels

pytestmark = pytest.mark.stress

API = "/api/v1"


@pytest.fixture
def redises(tmp_path: Path) -> Iterator[Sentinels]:
    with sentinels(tmp_path) as started:
        yield started


@pytest.fixture
def server(settings: Settings, worker_number: int, redises: Sentinels) -> Iterator[LiveServer]:
    """A web process that knows Redis by its Sentinels, with a user for each purpose."""
    urls = {
        "REDIS_URL": redises.url_of("queue"),
        "REDIS_CACHE_URL": redises.url_of("cache"),
        "REDIS_LIMITS_URL": redises.url_of("limits"),
    }
    with (
        servers.database(f"payment_flow_redis_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1, RATELIMIT_ENABLED="true", **urls) as server,
    ):
        yield server


def test_sales_go_on_and_everything_returns(server: LiveServer, redises: Sentinels) -> None:
    seller = server.sign_up("seller", role="MERCHANT")
    product_id = server.create_product(seller, price="0.01", units=100)
    (buyer,) = sign_up_buyers(server, 1, balance="10.00")

    def buy() -> float:
        began = time.monotonic()
        answer = server.call("POST", f"{API}/orders", order(product_id), token=buyer)
        assert answer.status == 201, answer.text
        return time.monotonic() - began

    with server.worker():
        wait_until(lambda: server.cli("check-worker").returncode == 0, seconds=60)
        buy()

        former = redises.kill()
        took = [buy() for _ in range(10)]
        redises.wait_for_another(former)
        took += [buy() for _ in range(10)]

        assert max(took) < 1
        assert len(completed_orders(server)) == 21
        client = redises.client(redises.primary)
        client.flushall()
        # The limits, the cache, and all processes of the worker.
        wait_until(lambda: _has(server, client, "LIMITS*"))
        wait_until(lambda: _has(server, client, "cache:*"))
        wait_until(lambda: server.cli("check-worker").returncode == 0, seconds=120)

    verified = server.cli("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _has(server: LiveServer, client: redis.Redis, keys: str) -> bool:
    assert server.call("GET", f"{API}/products").status == 200
    return bool(client.keys(keys))
