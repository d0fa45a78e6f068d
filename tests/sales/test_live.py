"""CSV import and export over real HTTP, with the real server and its processes."""

import csv
import http.client
import io
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from http.client import IncompleteRead
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from app.common.csv_documents import TRUNCATED
from app.common.database import Database
from tests.factories import Actor
from tests.live import LiveServer, wait_until
from tests.sales.helpers import NOON, SALES, add_orders
from tests.verify.books import using_database

# Configures the database connections of the test process.
pytestmark = [pytest.mark.usefixtures("worker_app"), pytest.mark.stress]

MEGABYTE = 2**20
IMPORT = "/api/v1/products/import"
EXPORT = "/api/v1/products/merchant/export"


def merchant_with(server: LiveServer, count: int) -> str:
    """The token of a merchant with `count` sales, one per second from NOON on."""
    seller = server.sign_up("seller", role="MERCHANT")
    product_id = UUID(server.create_product(seller, price="10.00", units=5))
    me = server.call("GET", "/api/v1/auth/me", token=server.sign_up("buyer")).json
    buyer = Actor(UUID(me["id"]), me["email"], UUID(int=0), "")
    with using_database(Database(server.database.app_url)):
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
def open_response(
    server: LiveServer, token: str, method: str, path: str, body: bytes | None = None
) -> Iterator[http.client.HTTPResponse]:
    """A response whose body has not been read yet."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    connection.request(method, path, body, headers)
    with closing(connection), connection.getresponse() as answer:
        yield answer


def get(server: LiveServer, token: str, path: str) -> bytes:
    with open_response(server, token, "GET", path) as answer:
        assert answer.status == 200
        return answer.read()


def send(server: LiveServer, token: str, table: bytes) -> tuple[int, dict[str, Any]]:
    with open_response(server, token, "POST", IMPORT, table) as answer:
        return answer.status, json.loads(answer.read())


def rows(document: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(document.decode("utf-8-sig"), newline="")))


def large_document(count: int) -> bytes:
    """A CSV document with about 450 bytes per row."""
    head = "name,description,price,availableUnits\r\n"
    line = f'Product {{}},"{"All about birds, and more. " * 15}",{{}}.99,7\r\n'
    return (head + "".join(line.format(n, n) for n in range(1, count + 1))).encode()


def test_long_imports_and_exports_are_complete(live_server: LiveServer) -> None:
    seller = merchant_with(live_server, 2_500)

    answer = send(live_server, seller, large_document(1_500))

    assert answer == (200, {"created": 1500, "changed": 0, "unchanged": 0, "rows": 1500})
    products = get(live_server, seller, EXPORT)
    assert [row["name"] for row in rows(products)[:-1]] == [
        f"Product {n}" for n in range(1500, 0, -1)
    ]
    again = send(live_server, seller, products)
    assert again == (200, {"created": 0, "changed": 0, "unchanged": 1501, "rows": 1501})
    moments = [row["createdAt"] for row in rows(get(live_server, seller, f"{SALES}/export"))]
    assert (len(moments), moments) == (2_500, sorted(set(moments), reverse=True))


def test_an_interrupted_import_changes_nothing(live_server: LiveServer) -> None:
    seller = live_server.sign_up("seller", role="MERCHANT")
    table = large_document(300)
    parts = urlsplit(live_server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(
            f"POST {IMPORT} HTTP/1.1\r\nHost: shop\r\nContent-Type: text/csv\r\n"
            f"Authorization: Bearer {seller}\r\nContent-Length: {len(table)}\r\n\r\n".encode()
        )
        connection.sendall(table[:-1_000])

    # The import no longer counts as running, and no product was created.
    wait_until(lambda: send(live_server, seller, b"name")[0] == 200)
    assert rows(get(live_server, seller, EXPORT)) == []


def test_an_export_interrupted_by_an_error_ends_with_a_marker(live_server: LiveServer) -> None:
    seller = merchant_with(live_server, 30_000)
    with open_response(live_server, seller, "GET", f"{SALES}/export") as answer:
        received = answer.read(1_000)
        hide_orders(live_server)
        with pytest.raises(IncompleteRead) as interrupted:
            answer.read()
        received += interrupted.value.partial

    assert received.count(b"\r\n") < 30_000
    assert received.endswith(TRUNCATED)


def hide_orders(server: LiveServer) -> None:
    """Make orders unreadable."""
    owner = create_engine(server.database.owner_url)
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE orders RENAME TO hidden"))
    owner.dispose()


def test_a_long_export_neither_uses_much_memory_nor_delays_others(live_server: LiveServer) -> None:
    seller = merchant_with(live_server, 100_000)
    other = live_server.sign_up("other", role="MERCHANT")
    get(live_server, other, f"{SALES}/export")
    send(live_server, other, b"name")
    before = live_server.memory()
    with live_server.polled(other) as waits:
        sold = get(live_server, seller, f"{SALES}/export")
        streamed = live_server.memory() - before
        answer = send(live_server, other, large_document(10_000))
        imported = live_server.memory() - before

    assert sold.count(b"\r\n") == 100_001
    assert answer == (200, {"created": 10_000, "changed": 0, "unchanged": 0, "rows": 10_000})
    # The export has 25 MB. The import has 4.5 MB; all its rows are validated before any is stored.
    assert streamed < 15 * MEGABYTE
    assert imported < 60 * MEGABYTE
    assert max(waits) < 1
