"""Thousands of streams in one process, and connections that have died."""

import json
import selectors
import socket
import time
from contextlib import ExitStack, closing, suppress
from urllib.parse import urlsplit

import pytest
from websockets.frames import Opcode

from app.common import open_files
from app.common.settings import Settings
from tests import factories, servers
from tests.insights.helpers import purchase
from tests.live import wait_until
from tests.live_process.helpers import LiveProcess, relay

pytestmark = [pytest.mark.stress, pytest.mark.usefixtures("live_database")]

IDLE, BUSY, SENT = 2000, 200, 5000
MAX_BYTES = 150 * 1000 * 1000
MESSAGE = b'{"type":"transaction"'


def opened(live: LiveProcess, token: str | None = None) -> socket.socket:
    """A WebSocket whose handshake and first message have been read."""
    parts = urlsplit(live.url)
    made = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    made.sendall(
        b"GET /stream HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        + authorization.encode()
        + b"\r\n"
    )
    received = b""
    while b"Connected to the stream" not in received:
        data = made.recv(4096)
        assert data, received
        received += data
    return made


def events_of(live: LiveProcess, token: str) -> socket.socket:
    parts = urlsplit(live.url)
    made = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)
    made.sendall(
        f"GET /events HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    received = b""
    while b"retry:" not in received:
        data = made.recv(4096)
        assert data, received
        received += data
    return made


def test_two_thousand_idle_and_two_hundred_busy_streams_fit_into_150_megabytes(
    settings: Settings, live_database: servers.TestDatabase
) -> None:
    open_files.raise_limit(IDLE + BUSY + 1000)
    seller, buyer = factories.merchant(), factories.buyer()
    quiet = factories.merchant()
    with (
        LiveProcess.start(settings, live_database, LIVE_CONNECTIONS_PER_ADDRESS="4096") as live,
        ExitStack() as cleanup,
        selectors.DefaultSelector() as selector,
    ):
        for number in range(IDLE):
            idle = opened(live, quiet.token) if number % 2 else events_of(live, quiet.token)
            cleanup.enter_context(closing(idle))
        counts: dict[socket.socket, int] = {}
        ends: dict[socket.socket, bytes] = {}
        for _ in range(BUSY):
            busy = cleanup.enter_context(closing(opened(live)))
            busy.setblocking(False)
            selector.register(busy, selectors.EVENT_READ)
            counts[busy], ends[busy] = 0, b""
        wait_until(lambda: live.streams == IDLE + BUSY)

        for _ in range(SENT // 500):
            relay(*(purchase(buyer, seller) for _ in range(500)))
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline:
                read(selector, counts, ends)
        deadline = time.monotonic() + 60
        while min(counts.values()) < SENT and time.monotonic() < deadline:
            read(selector, counts, ends)

        assert set(counts.values()) == {SENT}
        assert live.streams == IDLE + BUSY
        print(f"\n{live.pss() / 1e6:.0f} MB")  # noqa: T201
        assert live.pss() < MAX_BYTES


def read(
    selector: selectors.BaseSelector,
    counts: dict[socket.socket, int],
    ends: dict[socket.socket, bytes],
) -> None:
    """Count the messages that have arrived. Each has the name of its type once."""
    for key, _ in selector.select(0.1):
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        with suppress(BlockingIOError):
            data = connection.recv(1 << 20)
            assert data, "a reading client was dropped"
            data = ends[connection] + data
            # A message may arrive in two parts.
            ends[connection] = data[-len(MESSAGE) + 1 :]
            counts[connection] += data.count(MESSAGE)


def test_a_web_socket_is_pinged_and_closed_without_an_answer(live: LiveProcess) -> None:
    with closing(opened(live)) as silent, live.web_socket() as answering:
        silent.settimeout(100)
        begun = time.monotonic()
        ping = silent.recv(4096)
        assert ping[:1] == bytes([0x80 | Opcode.PING])
        assert 25 < time.monotonic() - begun < 40
        while silent.recv(4096):
            pass
        assert 50 < time.monotonic() - begun < 80
        # The library answers pings.
        relay(purchase(factories.buyer(), factories.merchant(), amount=777))
        assert json.loads(answering.recv(timeout=10))["data"]["amount"] == 7.77
