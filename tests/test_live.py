"""Behaviour of the real server: signals, sockets and processes."""

import http.client
import json
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from app.common.settings import Settings
from tests import servers
from tests.live import LiveServer, Response, order, require_alive, wait_until

HALF_HEAD = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: te"
HALF_BODY = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
    b'Content-Length: 100\r\n\r\n{"email'
)
HALF_LARGE_BODY = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
    b'Transfer-Encoding: chunked\r\n\r\n11000\r\n{"email": "' + b"x" * 0x10200
)
ACCOUNT = {"email": "alice@example.com", "password": "a-fine-secret-1", "role": "USER"}


def address_of(server: LiveServer) -> tuple[str, int]:
    parts = urlsplit(server.url)
    return parts.hostname or "", parts.port or 0


@pytest.fixture(scope="module")
def running(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    """One server for all tests that do not change it."""
    with (
        servers.database(f"payment_flow_running_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1) as server,
    ):
        yield server


def test_a_stopping_server_finishes_requests_and_does_not_wait_for_idle_connections(
    settings: Settings, worker_number: int
) -> None:
    def register(server: LiveServer) -> tuple[Response, float]:
        return server.call("POST", "/api/v1/auth/register", ACCOUNT), time.monotonic()

    with (
        servers.database(f"payment_flow_live_{worker_number}") as made,
        # Hashing at cost 13 takes half a second.
        LiveServer.start(settings, made, workers=1, BCRYPT_ROUNDS="13") as server,
        server.idle_connections(100),
        closing(server.connect()),  # which never sends anything
        ThreadPoolExecutor(1) as pool,
    ):
        running = pool.submit(register, server)
        time.sleep(0.2)
        signalled = time.monotonic()
        psutil.Process(server.pid).send_signal(signal.SIGTERM)
        answer, answered = running.result()

        assert answer.status == 201
        assert answered > signalled
        assert psutil.Process(server.pid).wait(20) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address_of(server))


def test_idle_connections_do_not_occupy_threads(running: LiveServer, settings: Settings) -> None:
    with running.idle_connections(5 * settings.web_threads) as idle:
        started = time.monotonic()
        assert running.call("GET", "/health/live").status == 200
        # If each idle connection occupied a thread, the response would take 30 seconds, after
        # which the server closes them.
        assert time.monotonic() - started < 15
        for connection in idle:
            require_alive(connection)


@pytest.mark.parametrize("data", [HALF_HEAD, HALF_BODY, HALF_LARGE_BODY])
def test_half_sent_requests_do_not_delay_others(running: LiveServer, data: bytes) -> None:
    seller = running.sign_up(f"seller-{len(data)}", role="MERCHANT")
    product_id = running.create_product(seller, price="1.00", units=5)
    buyer = running.sign_up(f"buyer-{len(data)}", balance="5.00")
    with running.sent(data, 600):
        started = time.monotonic()
        assert running.call("POST", "/api/v1/orders", order(product_id), token=buyer).status == 201
        # Measured: 0.03 seconds. With a thread for each, it would take 10 seconds or forever.
        assert time.monotonic() - started < 5


def test_slow_uploads_of_a_few_accounts_leave_room_for_others(running: LiveServer) -> None:
    def upload_codes(name: str, *, length: int | None = None) -> bytes:
        seller = running.sign_up(name, role="MERCHANT")
        product = {"name": "Key", "price": "1.00", "kind": "CODES"}
        answer = running.call("POST", "/api/v1/products", product, token=seller)
        assert answer.status == 201, answer.text
        codes = b"".join(b"CODE-%d\n" % number for number in range(20_000))
        return (
            f"POST /api/v1/products/{answer.json['id']}/codes HTTP/1.1\r\nHost: test\r\n"
            f"Authorization: Bearer {seller}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(codes) if length is None else length}\r\n\r\n"
        ).encode() + (codes if length is None else b"A")

    with ExitStack() as uploads:
        for number in range(5):
            slow = upload_codes(f"slow-{number}", length=10_000_000)
            uploads.enter_context(running.sent(slow, 4))
        time.sleep(0.5)
        (mine,) = uploads.enter_context(running.sent(upload_codes("quick"), 1))
        answer = http.client.HTTPResponse(mine)
        answer.begin()
        assert answer.status == 202, answer.read()


def test_a_body_without_a_length_has_the_same_maximum_size(running: LiveServer) -> None:
    def send(size: int) -> tuple[int, str]:
        connection = http.client.HTTPConnection(*address_of(running), timeout=20)
        body = json.dumps(ACCOUNT | {"padding": "x" * size}).encode()
        chunks = (body[start : start + 8192] for start in range(0, len(body), 8192))
        connection.request(
            "POST",
            "/api/v1/auth/register",
            body=chunks,
            headers={"Content-Type": "application/json"},
            encode_chunked=True,
        )
        answer = connection.getresponse()
        code = json.loads(answer.read())["error"]
        connection.close()
        return answer.status, code

    assert send(65 * 1024) == (413, "BODY_TOO_LARGE")
    assert send(60 * 1024) == (400, "VALIDATION_ERROR")


def test_a_connection_stays_open_after_valid_and_invalid_requests(running: LiveServer) -> None:
    statuses = []
    with socket.create_connection(address_of(running), timeout=20) as connection:
        for method, path, body in (
            ("GET", "/health/live", b""),
            ("POST", "/api/v1/orders", b'{"productId": "x"}'),
            ("GET", "/nowhere", b""),
            ("POST", "/api/v1/auth/login", b"{"),
            ("GET", "/api/v1/products", b""),
        ):
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            # In one piece: the server closes the connection when it refuses an incomplete request.
            connection.sendall(head.encode() + body)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            statuses.append(answer.status)
            assert not answer.will_close
    assert statuses == [200, 401, 404, 400, 200]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("plausible-id.1", True), ("short", False), ("with space", False), ("x" * 129, False)],
)
def test_a_valid_request_id_is_kept_and_logged(
    running: LiveServer, settings: Settings, given: str, kept: bool
) -> None:
    answer = running.call("GET", "/api/v1/products", headers={"X-Request-Id": given})

    used = answer.headers["x-request-id"]
    assert (used == given) is kept
    assert len(used) >= 8
    log = Path(str(settings.data_dir)) / f"live-{address_of(running)[1]}.log"
    wait_until(lambda: f'"request_id":"{used}"' in log.read_text())


@pytest.mark.stress
def test_a_killed_web_process_is_restarted_and_no_acknowledged_deposit_is_lost(
    live_server: LiveServer,
) -> None:
    token = live_server.sign_up("alice")
    before = {process.pid for process in live_server.web_processes()}
    assert len(before) == 2

    acknowledged = 0
    for number in range(60):
        if number == 20:
            psutil.Process(min(before)).kill()
        try:
            answer = live_server.call(
                "POST", "/api/v1/wallet/deposit", {"amount": "1.00"}, token=token
            )
        except OSError:
            continue  # served by the killed process
        assert answer.status == 200
        acknowledged += 1

    wait_until(lambda: len({p.pid for p in live_server.web_processes()} - {min(before)}) == 2)
    wait_until(live_server.is_ready)
    wallet = live_server.call("GET", "/api/v1/wallet", token=token).json
    assert Decimal(wallet["balance"]) >= acknowledged > 50
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout
