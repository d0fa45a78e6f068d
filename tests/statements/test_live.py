"""Statements over real HTTP, with the real server and its processes."""

import csv
import http.client
import io
import json
import time
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pypdfium2
import pytest

from app.common.database import Database
from tests.live import LiveServer, wait_until
from tests.statements.helpers import NOON, STATEMENT
from tests.verify.books import using_database
from tests.wallets.histories import add_history

# Configures the database connections of the test process.
pytestmark = pytest.mark.usefixtures("worker_app")

MEGABYTE = 2**20
PERIOD = "from=2026-03-01&to=2026-06-01"


def user_with(server: LiveServer, count: int) -> str:
    """The token of a user with `count` postings, one per second from NOON on."""
    token = server.sign_up("user")
    user_id = UUID(server.call("GET", "/api/v1/auth/me", token=token).json["id"])
    with using_database(Database(server.database.app_url)):
        for done in range(0, count, 10_000):
            add_history(
                user_id, count=min(count - done, 10_000), first=NOON + timedelta(seconds=done)
            )
    return token


def connect(server: LiveServer, token: str, form: str) -> http.client.HTTPConnection:
    """A connection on which a statement has been requested."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
    path = f"{STATEMENT}?{PERIOD}&format={form}"
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    return connection


def fetch(server: LiveServer, token: str, form: str) -> bytes:
    connection = connect(server, token, form)
    answer = connection.getresponse()
    document = answer.read()
    connection.close()
    assert answer.status == 200, document
    return document


def require_complete(server: LiveServer, token: str, count: int) -> None:
    statement = json.loads(fetch(server, token, "json"))
    rows = list(
        csv.DictReader(io.StringIO(fetch(server, token, "csv").decode("utf-8-sig"), newline=""))
    )

    numbers = [f"Movement {n}" for n in range(1, count + 1)]
    assert [row["description"] for row in statement["transactions"]] == numbers
    assert [row["description"] for row in rows[1:-1]] == numbers
    assert rows[-1]["balance"] == statement["closingBalance"]
    assert statement["closingBalance"] == statement["transactions"][-1]["balanceAfter"]
    assert statement["count"] == count == sum(total["count"] for total in statement["totals"])


@pytest.mark.stress
def test_a_long_statement_is_complete(live_server: LiveServer) -> None:
    token = user_with(live_server, 2_500)

    require_complete(live_server, token, 2_500)

    document = pypdfium2.PdfDocument(fetch(live_server, token, "pdf"))
    assert "Movement 2500" in document[len(document) - 1].get_textpage().get_text_range()


@pytest.mark.stress
def test_a_long_statement_neither_uses_much_memory_nor_delays_others(
    live_server: LiveServer,
) -> None:
    token = user_with(live_server, 100_000)
    other = live_server.sign_up("other")
    fetch(live_server, other, "csv")
    before = live_server.memory()
    with live_server.polled(other) as waits:
        require_complete(live_server, token, 100_000)
        streamed = live_server.memory() - before
        document = pypdfium2.PdfDocument(fetch(live_server, token, "pdf"))
        rendered = live_server.memory() - before

    assert len(document) > 1_500
    assert "Movement 100000" in document[len(document) - 1].get_textpage().get_text_range()
    # The JSON document has 45 MB, and rendering the PDF takes 90 MB.
    assert streamed < 15 * MEGABYTE
    assert rendered < 30 * MEGABYTE
    assert max(waits) < 1


@pytest.mark.stress
def test_a_disconnected_client_no_longer_counts_towards_the_limit(live_server: LiveServer) -> None:
    token = user_with(live_server, 60_000)
    slow = [connect(live_server, token, "json") for _ in range(8)]
    statuses = [connection.getresponse().status for connection in slow]

    # Each of the two processes allows one per user.
    assert set(statuses) == {200, 503}
    assert statuses.count(200) <= 2
    started = time.monotonic()
    assert live_server.call("GET", "/api/v1/wallet", token=token).status == 200
    assert time.monotonic() - started < 1
    for connection in slow:
        connection.close()

    def is_free() -> bool:
        connection = connect(live_server, token, "json")
        status = connection.getresponse().status
        connection.close()
        return status == 200

    wait_until(is_free)
