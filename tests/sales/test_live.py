"""A merchant's tables over real HTTP, to and from the server with its processes."""

import csv
import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from app.common import db
from app.common.csv_documents import TRUNCATED
from tests.factories import Actor
from tests.live import LiveServer, wait_until
from tests.sales.helpers import NOON, SALES, add_orders
from tests.verify.books import working_on

# It is what the tests' own database connections are configured by.
pytestmark = [pytest.mark.usefixtures("worker_app"), pytest.mark.stress]

MEGABYTE = 2**20
IMPORT = "/api/v1/products/import"
EXPORT = "/api/v1/products/merchant/export"


def merchant_with(server: LiveServer, count: int) -> str:
    """The token of a merchant who sold so much, once each second from noon on."""
    seller = server.sign_up("seller", role="MERCHANT")
    product_id = UUID(server.put_on_sale(seller, price="10.00", units=5))
    me = server.call("GET", "/api/v1/auth/me", token=server.sign_up("fan")).json
    buyer = Actor(UUID(me["id"]), me["email"], UUID(int=0), "")
    with working_on(db.Database(server.database.app_url)):
        for done in range(0, count, 10_000):
            add_orders(
                product_id,
                buyer,
                NOON + timedelta(seconds=done),
                count=min(count - done, 10_000),
                apart=timedelta(seconds=1),
            )
    return seller


@contextmanager
def asked(
    server: LiveServer, token: str, method: str, path: str, body: bytes | None = None
) -> Iterator[http.client.HTTPResponse]:
    """An answer that has begun."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    connection.request(method, path, body, headers)
    with closing(connection), connection.getresponse() as answer:
        yield answer


def get(server: LiveServer, token: str, path: str) -> bytes:
    with asked(server, token, "GET", path) as answer:
        assert answer.status == 200
        return answer.read()


def send(server: LiveServer, token: str, table: bytes) -> tuple[int, dict[str, Any]]:
    with asked(server, token, "POST", IMPORT, table) as answer:
        return answer.status, json.loads(answer.read())


def rows(document: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(document.decode(), newline="")))


def memory(server: LiveServer) -> int:
    """Of the fattest web process, in bytes."""
    return max(process.memory_info().rss for process in server.web_processes())


def large_table(count: int) -> bytes:
    """A table of some 450 bytes a row."""
    head = "name,description,price,availableUnits\r\n"
    line = f'Product {{}},"{"All about birds, and more. " * 15}",{{}}.99,7\r\n'
    return (head + "".join(line.format(n, n) for n in range(1, count + 1))).encode()


def test_tables_arrive_whole_both_ways(live_server: LiveServer) -> None:
    seller = merchant_with(live_server, 2_500)

    taken = send(live_server, seller, large_table(1_500))

    assert taken == (200, {"created": 1500, "changed": 0, "unchanged": 0, "rows": 1500})
    products = get(live_server, seller, EXPORT)
    assert [row["name"] for row in rows(products)[:-1]] == [
        f"Product {n}" for n in range(1500, 0, -1)
    ]
    again = send(live_server, seller, products)
    assert again == (200, {"created": 0, "changed": 0, "unchanged": 1501, "rows": 1501})
    moments = [row["createdAt"] for row in rows(get(live_server, seller, f"{SALES}/export"))]
    assert (len(moments), moments) == (2_500, sorted(set(moments), reverse=True))


def test_a_table_that_breaks_off_changes_nothing(live_server: LiveServer) -> None:
    seller = live_server.sign_up("seller", role="MERCHANT")
    table = large_table(300)
    parts = urlsplit(live_server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as line:
        line.sendall(
            f"POST {IMPORT} HTTP/1.1\r\nHost: shop\r\nContent-Type: text/csv\r\n"
            f"Authorization: Bearer {seller}\r\nContent-Length: {len(table)}\r\n\r\n".encode()
        )
        line.sendall(table[:-1_000])

    # Its place is free again, and nothing has come of it.
    wait_until(lambda: send(live_server, seller, b"name")[0] == 200)
    assert rows(get(live_server, seller, EXPORT)) == []


def test_an_export_that_breaks_off_says_so(live_server: LiveServer) -> None:
    seller = merchant_with(live_server, 30_000)
    with asked(live_server, seller, "GET", f"{SALES}/export") as answer:
        begun = answer.read(1_000)
        hide_orders(live_server)
        begun += answer.read()

    assert begun.count(b"\r\n") < 30_000
    assert begun.endswith(TRUNCATED)


def hide_orders(server: LiveServer) -> None:
    """From now on they cannot be read."""
    owner = create_engine(server.database.owner_url)
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE orders RENAME TO hidden"))
    owner.dispose()


def test_100_000_sales_in_little_memory_while_others_sell(live_server: LiveServer) -> None:
    seller = merchant_with(live_server, 100_000)
    other = live_server.sign_up("other", role="MERCHANT")
    get(live_server, other, f"{SALES}/export")
    send(live_server, other, b"name")
    before = memory(live_server)
    slowest = [0.0]
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            begun = time.monotonic()
            assert live_server.call("GET", "/api/v1/wallet", token=other).status == 200
            slowest[0] = max(slowest[0], time.monotonic() - begun)
            time.sleep(0.05)

    looking = threading.Thread(target=look)
    looking.start()
    sold = get(live_server, seller, f"{SALES}/export")
    streamed = memory(live_server) - before
    taken = send(live_server, other, large_table(10_000))
    imported = memory(live_server) - before
    over.set()
    looking.join()

    assert sold.count(b"\r\n") == 100_001
    assert taken == (200, {"created": 10_000, "changed": 0, "unchanged": 0, "rows": 10_000})
    # The one is 25 MB as CSV; of the other, 4.5 MB, every row has to be right before one is taken.
    assert streamed < 15 * MEGABYTE
    assert imported < 60 * MEGABYTE
    assert slowest[0] < 1
