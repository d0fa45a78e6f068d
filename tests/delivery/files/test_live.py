"""Files over real HTTP, with the processes of the server."""

import hashlib
import http.client
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text

from app.common.settings import Settings
from tests import servers
from tests.live import LiveServer, wait_until

pytestmark = pytest.mark.stress

MEGABYTE = 2**20
SIZE = 20 * MEGABYTE


@pytest.fixture(scope="module")
def server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    """One server for all tests of this module, because it starts slowly."""
    with (
        servers.database(f"payment_flow_files_{worker_number}") as made,
        LiveServer.start(settings, made, workers=2) as started,
    ):
        yield started


class LargeFile:
    """A file of random bytes that is never completely in memory."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "file"
        block = os.urandom(MEGABYTE)
        with self.path.open("wb") as file:
            for number in range(SIZE // MEGABYTE):
                file.write(bytes([number]) + block[1:])

    @property
    def sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def connect(server: LiveServer) -> http.client.HTTPConnection:
    """A connection whose receive buffer does not grow until it holds a whole file."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MEGABYTE)
    return connection


def upload(server: LiveServer, token: str, product_id: str, sent: LargeFile) -> tuple[int, str]:
    """Returns the status and text of the response."""
    with sent.path.open("rb") as file, closing(connect(server)) as connection:
        connection.request(
            "PUT",
            f"/api/v1/products/{product_id}/file?name=film.bin",
            body=file,
            headers={"Authorization": f"Bearer {token}", "Content-Length": str(SIZE)},
        )
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def product_of(server: LiveServer, token: str) -> str:
    product = {"name": "Film", "price": "1.00", "availableUnits": 5, "kind": "FILE"}
    answer = server.call("POST", "/api/v1/products", product, token=token)
    assert answer.status == 201, answer.text
    product_id: str = answer.json["id"]
    return product_id


def link_to(server: LiveServer, product_id: str) -> str:
    """The path of a download link of a new buyer."""
    buyer = server.sign_up("buyer", balance="10.00")
    order = {"productId": product_id, "paymentMethod": "WALLET"}
    answer = server.call("POST", "/api/v1/orders", order, token=buyer)
    assert answer.status == 201, answer.text
    path = f"/api/v1/orders/{answer.json['id']}/delivery"
    (file,) = server.call("GET", path, token=buyer).json["files"]
    assert file["url"].startswith(server.url.replace("127.0.0.1", "localhost"))
    return urlsplit(file["url"]).path


@contextmanager
def download(server: LiveServer, link: str, part: str) -> Iterator[http.client.HTTPResponse]:
    with closing(connect(server)) as connection:
        connection.request("GET", link, headers={"Range": part})
        yield connection.getresponse()


def open_files(server: LiveServer) -> list[str]:
    return [
        file.path
        for process in server.web_processes()
        for file in process.open_files()
        if "/files/" in file.path
    ]


def served(server: LiveServer) -> int:
    engine = create_engine(server.database.app_url)
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT coalesce(sum(served), 0) FROM file_downloads"))
    engine.dispose()
    return int(found or 0)


def read(response: Any, digest: Any, limit: int, after_chunk: Callable[[], None]) -> int:
    """Read up to `limit` bytes, calling `after_chunk` each time. Returns their number."""
    total = 0
    while total < limit and (chunk := response.read(min(MEGABYTE, limit - total))):
        digest.update(chunk)
        total += len(chunk)
        after_chunk()
    return total


def test_a_large_file_needs_little_memory_and_can_be_resumed(
    server: LiveServer, tmp_path: Path
) -> None:
    sent = LargeFile(tmp_path)
    seller = server.sign_up("seller", role="MERCHANT")
    product_id = product_of(server, seller)
    before = server.memory()
    peak = [before]

    def measure() -> None:
        peak[0] = max(peak[0], server.memory())

    status, text = upload(server, seller, product_id, sent)
    measure()
    assert (status, sent.sha256 in text) == (201, True)
    link = link_to(server, product_id)
    digest = hashlib.sha256()
    with download(server, link, "bytes=0-") as first:
        assert first.status == 206
        received = read(first, digest, SIZE * 2 // 5, measure)
    # After a disconnect nothing stays open, and only what was sent is counted.
    wait_until(lambda: open_files(server) == [] and served(server) < SIZE)
    assert received <= served(server)
    with download(server, link, f"bytes={received}-") as rest:
        assert rest.status == 206
        received += read(rest, digest, SIZE, measure)

    assert (received, digest.hexdigest()) == (SIZE, sent.sha256)
    assert peak[0] - before < 15 * MEGABYTE
    wait_until(lambda: open_files(server) == [])
    log = Path(server.environment["DATA_DIR"]) / f"live-{server.environment['PORT']}.log"
    assert link.rpartition("/")[2] not in log.read_text()


def staged(incoming: Path) -> set[str]:
    """What is being received, also by other tests with this folder."""
    return {path.name for path in incoming.iterdir()} if incoming.exists() else set()


def test_a_disconnect_discards_the_upload(server: LiveServer) -> None:
    seller = server.sign_up("another-seller", role="MERCHANT")
    product_id = product_of(server, seller)
    incoming = Path(server.environment["DATA_DIR"]) / "files" / "incoming"
    before = staged(incoming)
    parts = urlsplit(server.url)
    head = (
        f"PUT /api/v1/products/{product_id}/file?name=a HTTP/1.1\r\nHost: shop\r\n"
        f"Authorization: Bearer {seller}\r\nContent-Length: 5000000\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(head.encode() + b"x" * 1_000_000)
        wait_until(lambda: staged(incoming) > before)
    wait_until(lambda: staged(incoming) == before)

    answer = server.call("GET", f"/api/v1/products/{product_id}/file", token=seller)
    assert (answer.status, answer.json["error"]) == (404, "FILE_NOT_FOUND")
