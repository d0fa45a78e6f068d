"""The load generator, against a server that records its requests and connections."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from bench import load

SERVED: list[str] = []
#: Client addresses of the connections that were opened and closed.
OPENED: list[tuple[str, int]] = []
CLOSED: list[tuple[str, int]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        OPENED.append(self.client_address)

    def finish(self) -> None:
        super().finish()
        CLOSED.append(self.client_address)

    def do_GET(self) -> None:
        SERVED.append(self.path)
        if self.path == "/last":
            time.sleep(0.2)  # the other requests are answered meanwhile
            assert CLOSED == []
        if self.path.startswith("/disconnect"):
            self.close_connection = True
            return
        refused = self.path.startswith("/refuse")
        body = json.dumps({"error": "SOLD_OUT"} if refused else {}, separators=(",", ":")).encode()
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect."""


@pytest.fixture
def port() -> Iterator[int]:
    for record in (SERVED, OPENED, CLOSED):
        record.clear()
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"


def job(port: int, *paths: str, seconds: float | None = None) -> dict[str, object]:
    return {
        "host": "127.0.0.1",
        "ports": [port],
        "connections": 4,
        "seconds": seconds,
        "requests": [get(path) for path in paths],
    }


def test_without_seconds_each_request_is_sent_once(port: int) -> None:
    result = load.run(job(port, *(f"/{n}" for n in range(50))))
    assert sorted(SERVED) == sorted(f"/{n}" for n in range(50))
    assert result["outcomes"] == {"200": 50}
    assert len(result["ms"]) == 50
    assert result["ms"] == sorted(result["ms"])


def test_requests_repeat_until_time_is_up(port: int) -> None:
    result = load.run(job(port, "/a", "/b", seconds=0.3))
    assert 0.3 <= result["seconds"] < 2
    assert set(SERVED) == {"/a", "/b"}
    assert result["outcomes"] == {"200": len(SERVED)}
    assert result["cpu"] > 0


def test_connections_stay_open_until_the_last_response(port: int) -> None:
    result = load.run(job(port, "/a", "/b", "/c", "/last"))
    assert result["outcomes"] == {"200": 4}
    assert len(OPENED) == 4


def test_with_fresh_each_request_gets_a_new_connection(port: int) -> None:
    result = load.run(job(port, *(f"/{n}" for n in range(50))) | {"fresh": True})
    assert result["outcomes"] == {"200": 50}
    assert len(set(OPENED)) == 50


def test_outcomes_are_counted_by_status_and_error_code(port: int) -> None:
    result = load.run(job(port, "/fine", "/refuse", "/refuse"))
    assert result["outcomes"] == {"200": 1, "400 SOLD_OUT": 2}


def test_every_request_gets_a_unique_number(port: int) -> None:
    load.run(job(port, "/{n}", seconds=0.2))
    assert len(set(SERVED)) == len(SERVED) > 4


def test_a_connection_closed_by_the_server_is_an_outcome(port: int) -> None:
    result = load.run(job(port, "/fine", "/disconnect"))
    assert result["outcomes"] == {"200": 1, "no answer": 1}


def test_the_generator_stops_waiting_after_the_timeout(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_RESPONSE_TIMEOUT", 0.1)
    incomplete = job(port, "/fine") | {"requests": ["GET / HTTP/1.1\r\n"]}
    assert load.run(incomplete)["outcomes"] == {"no answer": 1}
