"""The application while a standby takes the place of its database."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import pytest

from app.common.settings import Settings
from tests.live import LiveServer, Response, completed_orders, order, sign_up_buyers, wait_until
from tests.servers import TestDatabase, migrate_database
from tests.standby import Pair, pair

pytestmark = [pytest.mark.stress, pytest.mark.embedded]

API = "/api/v1"
#: Between two purchases; the promotion takes part of it.
MAX_SECONDS = 15


@pytest.fixture
def servers() -> Iterator[Pair]:
    with pair() as servers:
        servers.replicate_synchronously()
        yield servers


@pytest.fixture
def server(settings: Settings, servers: Pair) -> Iterator[LiveServer]:
    """Two web processes whose URLs name both servers."""
    database = database_of(servers)
    migrate_database(database)
    urls = {
        "DATABASE_URL": servers.both(database.app_url),
        "MIGRATION_DATABASE_URL": servers.both(database.owner_url),
    }
    with LiveServer.start(settings, database, workers=2, **urls) as server:
        yield server


def database_of(servers: Pair) -> TestDatabase:
    """The database of the server that is the primary now."""
    primary = servers.primary
    return TestDatabase(primary.owner_url, primary.app_url, primary.superuser_url)


class Buyers:
    """Buy without a pause, and repeat each purchase with its key until it is answered."""

    def __init__(self, server: LiveServer, tokens: list[str], product_id: str) -> None:
        self._server, self._product_id = server, product_id
        self._over = threading.Event()
        self.bought: dict[str, float] = {}
        self._threads = [threading.Thread(target=self._buy, args=(token,)) for token in tokens]

    def __enter__(self) -> "Buyers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _buy(self, token: str) -> None:
        while not self._over.is_set():
            key = {"Idempotency-Key": str(uuid4())}
            while (answer := self._order(token, key)).status != 201:
                assert answer.status in (500, 503), answer.text
                assert answer.json["error"] in ("BUSY", "OUTCOME_UNKNOWN"), answer.text
                time.sleep(0.1)
            self.bought[answer.json["id"]] = time.monotonic()

    def _order(self, token: str, key: dict[str, str]) -> Response:
        body = order(self._product_id)
        return self._server.call("POST", f"{API}/orders", body, token=token, headers=key)


@pytest.mark.parametrize("failover", [Pair.switch, Pair.kill])
def test_no_purchase_is_lost_or_doubled(
    server: LiveServer, servers: Pair, failover: Callable[[Pair], None]
) -> None:
    seller = server.sign_up("seller", role="MERCHANT")
    product_id = server.create_product(seller, price="0.01", units=100_000)
    tokens = sign_up_buyers(server, 4, balance="100.00")

    with server.worker(), Buyers(server, tokens, product_id) as buyers:
        wait_until(lambda: len(buyers.bought) > 20)
        failover(servers)
        over = time.monotonic()
        wait_until(lambda: sum(at > over for at in buyers.bought.values()) > 20, seconds=60)
        before = _notifications(server, seller)
        # The relay and what handles its events have found the new primary, too.
        wait_until(lambda: _notifications(server, seller) > before, seconds=60)

    pauses = (later - earlier for earlier, later in pairwise(sorted(buyers.bought.values())))
    assert max(pauses) < MAX_SECONDS
    after = replace(server, database=database_of(servers))
    assert completed_orders(after) == buyers.bought.keys()
    verified = server.cli("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _notifications(server: LiveServer, token: str) -> int:
    return int(server.call("GET", f"{API}/notifications/unread-count", token=token).json["unread"])
