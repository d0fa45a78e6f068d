"""What the live process allows its clients: nobody takes its memory or the places of others."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from urllib.parse import urlsplit

import pytest

from app.auth import login_sessions
from app.common import clock
from app.common.db import transaction
from app.common.settings import Settings
from tests import factories, servers
from tests.insights.helpers import purchase
from tests.live import wait_until
from tests.live_process.helpers import LiveProcess, close_code, next_transaction, relay

pytestmark = pytest.mark.usefixtures("live_database")

HALF_HEAD = b"GET /api/stats HTTP/1.1\r\nHost: te"
HALF_BODY = (
    b"POST /api/transactions/producer/start HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{"
)
HANDSHAKE = (
    b"GET /stream HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def opened(live: LiveProcess, data: bytes, *, buffer: int | None = None) -> socket.socket:
    """A connection on which `data` has been sent. buffer: bytes that may wait to be read."""
    parts = urlsplit(live.url)
    made = socket.socket()
    made.settimeout(30)
    if buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    made.connect((parts.hostname, parts.port))
    made.sendall(data)
    return made


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes it, after what it has sent."""
    with suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return True


@pytest.mark.stress
def test_incomplete_requests_are_closed(live: LiveProcess) -> None:
    begun = time.monotonic()
    with ExitStack() as cleanup:
        connections = [
            cleanup.enter_context(closing(opened(live, data)))
            for data in (b"", HALF_HEAD, HALF_BODY)
        ]
        assert live.call("GET", "/api/health").status == 200
        assert all(map(is_closed, connections))
    assert 5 < time.monotonic() - begun < 20


def test_a_head_without_an_end_is_refused(live: LiveProcess) -> None:
    with closing(opened(live, HALF_HEAD)) as connection:
        with suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"\r\nX-Header: " + b"x" * 1000)
        begun = time.monotonic()
        assert is_closed(connection)
        assert time.monotonic() - begun < 5


def test_a_client_that_does_not_read_is_dropped_and_others_get_everything(
    live: LiveProcess,
) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    memory = live.pss()
    with (
        ExitStack() as cleanup,
        live.web_socket() as reading,
    ):
        sleeping = [
            cleanup.enter_context(closing(opened(live, HANDSHAKE, buffer=4096))) for _ in range(20)
        ]
        wait_until(lambda: live.streams == 21)
        number = 0
        while live.streams > 1:
            relay(*(purchase(buyer, seller, amount=number + n) for n in range(500)))
            for n in range(500):
                assert next_transaction(reading)["amount"] == (number + n) / 100
            number += 500
            assert number < 100_000
        assert live.streams == 1
        for connection in sleeping:
            assert is_closed(connection)
        # The unsent data of twenty clients took no more than a megabyte or two.
        assert live.pss() - memory < 8_000_000
    assert "it reads too slowly" in live.log.read_text() or "does not read" in live.log.read_text()


@pytest.mark.stress
def test_a_session_that_ends_closes_its_streams(live: LiveProcess) -> None:
    admin, other = factories.admin(), factories.admin()
    with live.events(admin.token) as events, live.events(other.token):
        with transaction() as session:
            login_sessions.revoke_session(session, user_id=admin.id, session_id=admin.session_id)
        begun = clock.now()
        events.read_to_end()
        assert (clock.now() - begun).total_seconds() < 50
        assert live.streams == 1
    with live.events(admin.token) as events:
        assert events.status == 401


@pytest.fixture(scope="module")
def few(settings: Settings, live_database: servers.TestDatabase) -> Iterator[LiveProcess]:
    with LiveProcess.start(settings, live_database, LIVE_CONNECTIONS_PER_ADDRESS="5") as started:
        yield started


def test_one_address_has_a_limited_number_of_connections(few: LiveProcess) -> None:
    with ExitStack() as cleanup:
        for _ in range(4):
            cleanup.enter_context(few.web_socket())
        held = cleanup.enter_context(closing(opened(few, b"")))
        with closing(opened(few, HANDSHAKE)) as refused:
            assert refused.recv(4096).startswith(b"HTTP/1.1 429")
        parts = urlsplit(few.url)
        with socket.create_connection(
            (parts.hostname or "", parts.port or 0), source_address=("127.0.0.9", 0), timeout=20
        ) as other:
            other.sendall(b"GET /api/health HTTP/1.1\r\nHost: test\r\n\r\n")
            assert other.recv(4096).startswith(b"HTTP/1.1 200")
        held.close()
    wait_until(lambda: few.call("GET", "/api/health").json["streams"] == 0)


def test_a_handshake_that_is_no_text_gives_its_place_back(few: LiveProcess) -> None:
    malformed = HANDSHAKE.replace(b"Upgrade: w", b"Sec-WebSocket-Protocol: \xff\r\nUpgrade: w", 1)
    for _ in range(10):
        with closing(opened(few, malformed)) as refused:
            assert is_closed(refused)
    with few.web_socket():
        pass


def test_a_stopping_process_closes_its_streams(
    settings: Settings, live_database: servers.TestDatabase
) -> None:
    admin = factories.admin()
    with (
        LiveProcess.start(settings, live_database) as live,
        live.web_socket() as web_socket,
        live.events(admin.token) as events,
    ):
        begun = time.monotonic()
        os.kill(live.pid, signal.SIGTERM)
        events.read_to_end()
        assert close_code(web_socket) == 1012
        assert time.monotonic() - begun < 5
