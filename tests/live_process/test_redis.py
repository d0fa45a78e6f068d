"""Redis may lose everything or be away: the table is the truth."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from app.common.settings import Settings
from app.local.embedded import RedisServer
from tests import factories, servers
from tests.insights.helpers import purchase
from tests.live import wait_until
from tests.live_process.helpers import LiveProcess, next_transaction, relay

pytestmark = pytest.mark.usefixtures("live_database")
KEY = "live:transactions"


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="payment-flow-live-"))
    folder.chmod(0o755)
    server = RedisServer.start(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def live(
    settings: Settings, live_database: servers.TestDatabase, own_redis: RedisServer
) -> Iterator[LiveProcess]:
    url = own_redis.url_of("queue")
    with LiveProcess.start(settings, live_database, REDIS_URL=url) as started:
        yield started


def test_the_stream_has_the_ids_of_the_feed(live: LiveProcess, own_redis: RedisServer) -> None:
    with live.web_socket() as socket:
        relay(purchase(factories.buyer(), factories.merchant()))
        number = next_transaction(socket)["id"]
    ((entry, _),) = redis.Redis.from_url(own_redis.url).xrevrange(KEY, count=1)
    assert entry == f"{number}-0".encode()


def test_a_flushed_redis_loses_nothing(live: LiveProcess, own_redis: RedisServer) -> None:
    admin, buyer, seller = factories.admin(), factories.buyer(), factories.merchant()
    client = redis.Redis.from_url(own_redis.url)
    with live.events(admin.token) as events:
        relay(purchase(buyer, seller, amount=100))
        last_id = events.next_transaction()["id"]
        relay(purchase(buyer, seller, amount=200))
        assert events.next_transaction()["amount"] == 2
        client.flushall()
        relay(purchase(buyer, seller, amount=300))
        assert events.next_transaction()["amount"] == 3
    with live.events(admin.token, last_id=last_id) as events:
        assert [events.next_transaction()["amount"] for _ in range(2)] == [2, 3]


def test_entries_of_another_database_hide_nothing(
    settings: Settings, live_database: servers.TestDatabase, own_redis: RedisServer
) -> None:
    """As after a restore, or with a Redis that was used before."""
    buyer, seller = factories.buyer(), factories.merchant()
    client = redis.Redis.from_url(own_redis.url)
    entry: dict[Any, Any] = {
        "user": str(buyer.id),
        "merchant": "",
        "json": '{"id":999',
        "risk": "null",
    }
    for number in range(999_990, 1_000_000):
        client.xadd(KEY, entry, id=f"{number}-0")
    url = own_redis.url_of("queue")
    with (
        LiveProcess.start(settings, live_database, REDIS_URL=url) as live,
        live.web_socket() as socket,
    ):
        relay(purchase(buyer, seller, amount=500))
        assert next_transaction(socket)["amount"] == 5


def test_a_redis_that_is_away_delays_nobody(live: LiveProcess, own_redis: RedisServer) -> None:
    admin, buyer, seller = factories.admin(), factories.buyer(), factories.merchant()
    with live.events(admin.token) as events, live.web_socket() as socket:
        relay(purchase(buyer, seller, amount=100))
        last_id = events.next_transaction()["id"]
        os.kill(own_redis.pid, signal.SIGKILL)
        for amount in (200, 300):
            relay(purchase(buyer, seller, amount=amount))
            assert events.next_transaction()["amount"] == amount / 100
        assert live.call("GET", "/api/health").json["checks"]["redis"] == "away"
        with live.events(admin.token, last_id=last_id) as late:
            assert [late.next_transaction()["amount"] for _ in range(2)] == [2, 3]

        own_redis.restart()
        client = redis.Redis.from_url(own_redis.url)
        wait_until(lambda: client.exists(KEY))
        relay(purchase(buyer, seller, amount=400))
        assert events.next_transaction()["amount"] == 4
        assert [next_transaction(socket)["amount"] for _ in range(4)] == [1, 2, 3, 4]
        entries = client.xrevrange(KEY, count=4)
        assert len({entry for entry, _ in entries}) == 4
