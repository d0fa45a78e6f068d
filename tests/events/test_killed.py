"""Events while every process is killed at random: nothing is lost, nobody is mailed twice."""

import itertools
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
import redis
from sqlalchemy import create_engine, text

from app.common.settings import Settings
from tests import servers
from tests.live import LiveServer, order, sign_up_buyers, wait_until
from tests.mail_catcher import MailCatcher
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.stress

API = "/api/v1"
PURCHASES = 10_000
#: Every so many orders are refunded, so that orders have several events.
REFUNDED = 10


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def server(settings: Settings, catcher: MailCatcher, worker_number: int) -> Iterator[LiveServer]:
    with (
        servers.database(f"payment_flow_killed_{worker_number}") as made,
        LiveServer.start(
            settings,
            made,
            workers=2,
            SMTP_URL=f"smtp://127.0.0.1:{catcher.smtp_port}?tls=off",
            MAILS_PER_SECOND="1000",
            WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
        ) as running,
    ):
        yield running


def test_a_receiver_gets_every_event_and_nobody_two_mails(
    server: LiveServer, catcher: MailCatcher, settings: Settings
) -> None:
    seller = server.sign_up("seller", role="MERCHANT")
    products = [server.create_product(seller, price="0.02", units=50_000) for _ in range(20)]
    buyers = sign_up_buyers(server, 40, balance="1000.00")
    over = threading.Event()
    killed = itertools.count()
    with Receiver.open() as receiver:
        endpoint = server.call(
            "POST", f"{API}/webhook-endpoints", {"url": receiver.url}, token=seller
        )
        assert endpoint.status == 201, endpoint.text
        killers = [
            threading.Thread(target=keep_working, args=(server, over, killed)),
            threading.Thread(target=kill_web_processes, args=(server, over, killed)),
        ]
        for killer in killers:
            killer.start()
        orders = buy_all(server, seller, products, buyers, settings)
        time.sleep(5)
        over.set()
        for killer in killers:
            killer.join()
        with server.worker():
            wait_until(lambda: is_delivered(server), seconds=1500)
            sent = catcher.received()

    assert next(killed) >= 6
    assert len(set(orders)) == PURCHASES
    recorded = outbox(server, "type IN ('order-completed', 'order-refunded')")
    assert len(recorded) == PURCHASES + PURCHASES // REFUNDED
    received = {request.message_id for request in receiver.received}
    assert {id_ for id_, _, _ in recorded} <= received
    assert received == outbox_ids(server)
    require_order(receiver, recorded)
    assert max(sent.values()) == 1
    result = server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr


def buy_all(
    server: LiveServer,
    seller: str,
    products: list[str],
    buyers: list[str],
    settings: Settings,
) -> list[str]:
    """Place all orders, refund some, and flush Redis half-way. Returns the orders' ids."""
    placed: list[str] = []
    numbers = iter(range(PURCHASES))
    lock = threading.Lock()

    def shop() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            if number == PURCHASES // 2:
                redis.Redis.from_url(str(settings.redis_url)).flushdb()
            token = buyers[number % len(buyers)]
            body = order(products[number % len(products)])
            bought = repeat(server, f"order-{number}", f"{API}/orders", body, token)
            placed.append(bought["id"])
            if number % REFUNDED == 0:
                path = f"{API}/orders/{bought['id']}/refunds"
                repeat(server, f"refund-{number}", path, {}, seller)

    shoppers = [threading.Thread(target=shop) for _ in range(16)]
    for shopper in shoppers:
        shopper.start()
    for shopper in shoppers:
        shopper.join()
    return placed


def repeat(server: LiveServer, key: str, path: str, body: Any, token: str) -> Any:
    """Send a request until it has succeeded, as clients should, with the same key."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(OSError):
            answer = server.call("POST", path, body, token=token, headers={"Idempotency-Key": key})
            if answer.status == 201:
                return answer.json
            # Busy, or the request of the killed process still holds the key.
            assert answer.status in (409, 503), answer.text
        time.sleep(0.05)
    raise AssertionError(f"{key} did not succeed in time")


def keep_working(server: LiveServer, over: threading.Event, killed: "itertools.count[int]") -> None:
    """Workers of which a process is killed at random; then there is another worker."""
    chance = random.Random(20261127)
    while not over.is_set():
        with server.worker() as worker:
            over.wait(chance.uniform(4, 9))
            with suppress(psutil.Error, IndexError):
                chance.choice(psutil.Process(worker.pid).children()).kill()
                next(killed)
            over.wait(chance.uniform(0, 1))


def kill_web_processes(
    server: LiveServer, over: threading.Event, killed: "itertools.count[int]"
) -> None:
    chance = random.Random(20261128)
    while not over.wait(chance.uniform(3, 6)):
        with suppress(psutil.Error, IndexError):
            chance.choice(server.web_processes()).kill()
            next(killed)


def is_delivered(server: LiveServer) -> bool:
    """Whether every event was handled, every webhook delivered and every mail sent.

    A mail that was being sent when its sender was killed may have arrived, so it is not repeated.
    """
    return not any(
        query(
            server,
            """
            SELECT 1 FROM outbox_events e JOIN event_sinks s ON e.sequence > s.position
            UNION ALL SELECT 1 FROM held_events
            UNION ALL SELECT 1 FROM webhook_deliveries WHERE finished_at IS NULL
            UNION ALL SELECT 1 FROM outgoing_messages WHERE status = 'PENDING'
            LIMIT 1
            """,
        )
    )


def query(server: LiveServer, statement: str) -> list[Any]:
    engine = create_engine(server.database.owner_url)
    with engine.connect() as connection:
        found = list(connection.execute(text(statement)))
    engine.dispose()
    return found


def outbox(server: LiveServer, where: str) -> list[tuple[str, UUID, int]]:
    """Ids, aggregates and versions of events."""
    found = query(server, f"SELECT id, aggregate_id, version FROM outbox_events WHERE {where}")
    return [(str(row.id), row.aggregate_id, row.version) for row in found]


def outbox_ids(server: LiveServer) -> set[str]:
    """Ids of the events that the endpoint of the seller is to receive."""
    found = query(server, "SELECT message_id FROM webhook_deliveries")
    return {str(row.message_id) for row in found}


def require_order(receiver: Receiver, recorded: list[tuple[str, UUID, int]]) -> None:
    """The first arrivals of each order's events are in the order of their versions."""
    first: dict[str, int] = {}
    for number, request in enumerate(receiver.received):
        first.setdefault(request.message_id, number)
    arrived: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for event_id, order_id, version in recorded:
        arrived[order_id].append((version, first[event_id]))
    for versions in arrived.values():
        assert [at for _, at in sorted(versions)] == sorted(at for _, at in versions)
