"""What one client does to a web process must not be noticed by the others.

tests/test_live.py and tests/test_stress.py repeat the attacks on the real application.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest

from app.common.body_limit import MAX_BODY_BYTES
from app.common.errors import BodyTooSlow
from app.common.networks import network_of
from app.server import event_loop, pace
from tests.server.serving import (
    Environ,
    echo,
    is_closed,
    receive,
    request,
    serving,
    wait_until,
)

HALF_HEAD = b"POST / HTTP/1.1\r\nHost: te"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{"
LARGE = MAX_BODY_BYTES + 1


@pytest.fixture
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minimum rate is checked after 0.3 seconds of waiting."""
    monkeypatch.setattr(pace, "WINDOW_SECONDS", 0.3)
    monkeypatch.setattr(event_loop, "WINDOW_SECONDS", 0.3)


class Gate:
    """An application whose requests to /wait are executed until `release`."""

    def __init__(self) -> None:
        self.waiting = threading.Semaphore(0)
        self._open = threading.Event()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            self.waiting.release()
            assert self._open.wait(20)
        return echo(environ, start_response)

    def release(self) -> None:
        self._open.set()


class TestIncompleteRequests:
    @pytest.mark.parametrize("data", [b"", HALF_HEAD, HALF_BODY], ids=["silent", "head", "body"])
    def test_they_occupy_no_thread(self, data: bytes) -> None:
        with serving(threads=1) as server:
            for _ in range(200):
                server.send(data)
            assert server.get("/next") == b"GET /next "

    @pytest.mark.parametrize("data", [HALF_HEAD, HALF_BODY], ids=["head", "body"])
    def test_they_end_after_a_time_however_steadily_they_grow(self, data: bytes) -> None:
        with serving(request_seconds=0.5) as server:
            client = server.send(data)
            started = time.monotonic()
            client.settimeout(0.05)
            while True:
                try:
                    answer = client.recv(100)
                    break
                except TimeoutError:
                    client.sendall(b"x")
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert time.monotonic() - started < 5
            assert is_closed(client)

    def test_a_connection_is_not_kept_idle_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(event_loop, "_IDLE_SECONDS", 0.2)
        with serving() as server:
            silent, used = server.connect(), server.send(request())
            receive(used)
            assert is_closed(silent)
            assert is_closed(used)


class TestNumberOfConnections:
    def test_an_address_closes_its_own_longest_idle_connections(self) -> None:
        with serving(per_address=16) as server:
            other = server.send(request(), "127.0.0.3")
            receive(other)
            mine = [server.connect("127.0.0.2") for _ in range(16)]
            assert server.get("/new", "127.0.0.2") == b"GET /new "
            assert is_closed(mine[0])
            for connection in (other, mine[-1]):
                connection.sendall(request("/still"))
                assert receive(connection)[1] == b"GET /still "

    def test_running_requests_are_not_cut_off_but_further_ones_refused(self) -> None:
        gate = Gate()
        with serving(gate, per_address=2) as server:
            running = [server.send(request("/wait"), "127.0.0.2") for _ in range(2)]
            for _ in running:
                assert gate.waiting.acquire(timeout=20)
            refused = server.connect("127.0.0.2")
            assert refused.recv(100).startswith(b"HTTP/1.1 503 ")
            gate.release()
            for connection in running:
                assert receive(connection)[1] == b"GET /wait "

    def test_the_process_closes_its_longest_idle_connections(self) -> None:
        with serving(connections=20) as server:
            idle = [server.connect(f"127.0.0.{number + 2}") for number in range(20)]
            assert server.get("/new") == b"GET /new "
            assert is_closed(idle[0])

    @pytest.mark.parametrize(
        ("host", "group"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
            ("2001:db8:0:1:ffff::", "2001:db8:0:1::/64"),
            ("fe80::1%eth0", "fe80::/64"),
        ],
    )
    def test_an_ipv6_network_counts_as_one_address(self, host: str, group: str) -> None:
        assert network_of(host) == group


class TestSlowReaders:
    """The kernel buffers a part of the response, but not all of it."""

    @staticmethod
    def large(_: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = b"x" * 2 * 1024 * 1024
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    @staticmethod
    def endless(environ: Environ, start_response: Callable[..., Any]) -> Iterator[bytes]:
        if environ["PATH_INFO"] == "/next":
            yield from echo(environ, start_response)
            return
        start_response("200 OK", [])
        while True:
            yield b"x" * 65536

    def test_they_occupy_no_thread(self) -> None:
        def application(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
            return (echo if environ["PATH_INFO"] == "/next" else self.large)(environ, start)

        with serving(application, threads=1) as server:
            slow = [server.send(request()) for _ in range(3)]
            assert server.get("/next") == b"GET /next "
            wait_until(lambda: server.loop._unsent > 2 * 1024 * 1024)
            for client in slow:
                response, body = receive(client)
                assert len(body) == 2 * 1024 * 1024
                assert not response.will_close

    def test_one_that_reads_nothing_is_cut_off(self, short_windows: None) -> None:
        with serving(self.large, rate=1000) as server:
            server.send(request())
            wait_until(lambda: server.loop._unsent)
            wait_until(lambda: not server.loop._connections)
            assert server.loop._unsent == 0

    def test_one_that_does_not_read_a_stream_is_cut_off(self, short_windows: None) -> None:
        with serving(self.endless, threads=1, rate=1000) as server:
            server.send(request())
            time.sleep(0.1)
            assert server.get("/next") == b"GET /next "

    def test_their_responses_have_a_limit_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(event_loop, "_MAX_UNSENT_BYTES", 3 * 1024 * 1024)
        with serving(self.large, threads=1) as server:
            connections = server.loop._connections
            clients = [server.send(request()) for _ in range(8)]
            # The last response waits for its client, and so the loop has dealt with all of them.
            last = clients[-1].getsockname()
            wait_until(lambda: any(c.unsent and c.address == last for c in list(connections)))
            wait_until(lambda: server.loop._unsent <= 3 * 1024 * 1024)
            assert 0 < len(connections) < 8


class TestLargeBodies:
    @staticmethod
    def upload(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return echo(environ, start_response)
        except BodyTooSlow as error:
            start_response(f"{error.status} Too Slow", [("Content-Length", "0")])
            return [b""]

    def test_they_are_received_while_the_application_runs(self) -> None:
        with serving() as server:
            client = server.connect()
            for _ in range(2):
                client.sendall(request("/large", method="POST", body=b"x" * 3 * LARGE))
                assert receive(client)[1] == b"POST /large %d" % (3 * LARGE)

    def test_a_slow_one_is_refused(self, short_windows: None) -> None:
        with serving(self.upload, rate=1000) as server:
            client = server.send(request(method="POST", body=b"x" * LARGE)[:-100])
            response, _ = receive(client)
            assert response.status == 408
            assert is_closed(client)

    def test_only_time_of_the_client_counts(self, short_windows: None) -> None:
        def reads_late(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
            time.sleep(1)
            return echo(environ, start_response)

        with serving(reads_late, rate=10**6) as server:
            client = server.send(request(method="POST", body=b"x" * LARGE))
            assert receive(client)[1] == b"POST / %d" % LARGE

    def test_one_that_is_not_read_gets_its_response(self) -> None:
        def refuses(_: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
            start_response("413 Too Large", [("Content-Length", "2")])
            return [b"no"]

        with serving(refuses) as server:
            client = server.send(request(method="POST", body=b"x" * 10 * LARGE)[:-1])
            response, body = receive(client)
            assert (response.status, body) == (413, b"no")
            assert response.will_close

    @pytest.mark.parametrize("size", [5, LARGE])
    def test_the_client_may_ask_before_it_sends_one(self, size: int) -> None:
        with serving() as server:
            data = request("/", "Expect: 100-continue", method="POST", body=b"x" * size)
            head, body = data[:-size], data[-size:]
            client = server.send(head)
            assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(body)
            assert receive(client)[0].status == 200


class TestResponses:
    @staticmethod
    def stream(environ: Environ, start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response(environ["HTTP_X_STATUS"], [])
        yield b"ab"
        yield b""
        yield b"cd"
        if environ["PATH_INFO"] == "/fails":
            raise ValueError("midway")

    def test_pipelined_requests_are_answered_in_order(self) -> None:
        with serving() as server:
            requests = [request(f"/{number}") for number in range(100)]
            requests[-1] = request("/99", "Connection: close")
            client = server.send(b"".join(requests))
            received = b"".join(iter(partial(client.recv, 65536), b""))
            assert re.findall(rb"GET /(\d+) ", received) == [b"%d" % n for n in range(100)]

    def test_a_stream_keeps_the_connection_open(self) -> None:
        with serving(self.stream) as server:
            client = server.connect()
            for _ in range(2):
                client.sendall(request("/", "X-Status: 200 OK"))
                response, body = receive(client)
                assert body == b"abcd"
                assert not response.will_close

    def test_a_truncated_stream_is_noticed(self) -> None:
        with serving(self.stream) as server:
            client = server.send(request("/fails", "X-Status: 200 OK"))
            data = b""
            while part := client.recv(1000):
                data += part
            assert data.endswith(b"2\r\ncd\r\n")  # without the last chunk

    def test_http_1_0_gets_no_chunks_and_ends_with_the_connection(self) -> None:
        with serving(self.stream) as server:
            client = server.send(b"GET / HTTP/1.0\r\nX-Status: 200 OK\r\n\r\n")
            response, body = receive(client)
            assert body == b"abcd"
            assert response.getheader("transfer-encoding") is None

    @pytest.mark.parametrize(
        ("method", "status"), [("HEAD", "200 OK"), ("GET", "204 X"), ("GET", "304 X")]
    )
    def test_responses_without_a_body_have_none(self, method: str, status: str) -> None:
        with serving(self.stream) as server:
            client = server.send(request("/", f"X-Status: {status}", method=method))
            receive(client, method)
            client.sendall(request("/", "X-Status: 200 OK"))
            assert receive(client)[1] == b"abcd"

    def test_a_crash_is_an_error_and_no_hanging_connection(self) -> None:
        def crashes(_: Environ, __: Callable[..., Any]) -> Iterable[bytes]:
            raise ValueError

        with serving(crashes) as server:
            client = server.send(request())
            assert receive(client)[0].status == 500
            assert is_closed(client)

    def test_a_header_with_an_underscore_does_not_replace_one_of_a_proxy(self) -> None:
        def address(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
            text = environ.get("HTTP_X_FORWARDED_FOR", "none").encode()
            start_response("200 OK", [("Content-Length", str(len(text)))])
            return [text]

        with serving(address) as server:
            client = server.send(request("/", "X_Forwarded_For: 192.0.2.9"))
            assert receive(client)[1] == b"none"


class TestStop:
    def test_requests_that_were_sent_are_answered(self) -> None:
        gate = Gate()
        with serving(gate) as server:
            running, idle = server.send(request("/wait")), server.send(request())
            receive(idle)
            assert gate.waiting.acquire(timeout=20)
            server.loop.stop()
            idle.sendall(request("/late"))
            response, body = receive(idle)
            assert body == b"GET /late "
            assert response.will_close
            gate.release()
            response, body = receive(running)
            assert body == b"GET /wait "
            assert response.will_close
            server.thread.join(10)
            with pytest.raises(ConnectionRefusedError):
                server.connect()

    def test_incomplete_requests_do_not_delay_it(self) -> None:
        with serving() as server:
            for data in (b"", HALF_HEAD, HALF_BODY):
                server.send(data)
            receive(server.send(request()))
            started = time.monotonic()
            server.loop.stop()
            server.thread.join(10)
            assert time.monotonic() - started < 3
