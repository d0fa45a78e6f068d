"""The client of the drills, with a shop that loses answers."""

import http.server
import json
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.lab.client import Client


class Shop(http.server.BaseHTTPRequestHandler):
    """Sells once for each key. The first answer of a purchase is lost, the second one is an error
    of the gateway."""

    protocol_version = "HTTP/1.1"
    orders: dict[str, str]
    seen: Counter[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        order = self.orders.setdefault(key, f"order {len(self.orders)}")
        self.seen[key] += 1
        if self.seen[key] == 1:
            self.close_connection = True
            return
        failed = self.seen[key] == 2
        body = b"<html>" if failed else json.dumps({"id": order, "status": "COMPLETED"}).encode()
        self.send_response(502 if failed else 201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 – the base class's
        pass


@pytest.fixture
def shop() -> Iterator[tuple[str, type[Shop]]]:
    handler = type("OwnShop", (Shop,), {"orders": {}, "seen": Counter()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def test_a_purchase_is_repeated_with_its_key_until_it_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shop: tuple[str, type[Shop]]
) -> None:
    address, handler = shop
    monkeypatch.setattr(
        http.client,
        "HTTPSConnection",
        lambda host, *, timeout, context: http.client.HTTPConnection(host, timeout=timeout),
    )
    log = tmp_path / "log.jsonl"
    client = Client(
        address,
        ssl.create_default_context(),
        tokens=["a", "b"],
        product="product",
        pause=0.01,
        log=log,
    )
    client.start()
    while len(client.successes()) < 4:
        threading.Event().wait(0.01)
    client.stop()

    told = {answer.key: answer.order for answer in client.answers if answer.order}
    assert client.keys == told.keys() == handler.orders.keys()
    assert told == handler.orders
    assert {answer.status for answer in client.answers} == {0, 502, 201}
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["key"] for line in lines] == [answer.key for answer in client.answers]
