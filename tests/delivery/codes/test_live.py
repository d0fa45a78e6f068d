"""Large files over real HTTP, with a worker process."""

import http.client
import json
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from sqlalchemy import create_engine, text

from tests.live import LiveServer, wait_until

pytestmark = [pytest.mark.stress, pytest.mark.linux]

#: Memory by which a web process may grow while it receives 50 MB.
MAX_GROWTH = 30 * 1024 * 1024


def connect(server: LiveServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)


def begin(server: LiveServer, path: str, token: str, **headers: str) -> http.client.HTTPConnection:
    """A connection on which the body of an upload can be sent."""
    connection = connect(server)
    connection.putrequest("POST", path)
    for name, value in (("Authorization", f"Bearer {token}"), ("Content-Type", "text/plain")):
        connection.putheader(name, value)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    return connection


def response_of(connection: http.client.HTTPConnection) -> tuple[int, Any]:
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


def peak(process: psutil.Process) -> int:
    """The peak memory of a process in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) * 1024


def stored(server: LiveServer) -> tuple[int, ...]:
    """The numbers of uploads, chunks and codes."""
    engine = create_engine(server.database.app_url)
    with engine.connect() as connection:
        counts = tuple(
            connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0
            for table in ("code_uploads", "code_upload_chunks", "product_codes")
        )
    engine.dispose()
    return counts


def test_100_000_long_codes_are_ingested_in_little_memory(
    live_server: LiveServer,
) -> None:
    token = live_server.sign_up("codes", role="MERCHANT")
    product = {"name": "Voucher", "price": "1.00", "kind": "CODES"}
    product_id = live_server.call("POST", "/api/v1/products", product, token=token).json["id"]
    path = f"/api/v1/products/{product_id}/codes"
    line = secrets.token_hex(245).encode()
    processes = live_server.web_processes()
    before = [peak(process) for process in processes]

    broken = begin(live_server, path, token, Content_Length=str(50_000_000))
    broken.send(b"".join(b"%010d" % n + line + b"\n" for n in range(5_000)))
    wait_until(lambda: stored(live_server)[1] > 0)
    broken.close()
    wait_until(lambda: stored(live_server) == (0, 0, 0))

    chunked = begin(live_server, path, token, Transfer_Encoding="chunked")
    chunked.send(b"2\r\nA\n\r\n0\r\n\r\n")
    status, body = response_of(chunked)
    assert (status, body["error"]) == (411, "LENGTH_REQUIRED")
    assert stored(live_server) == (0, 0, 0)

    whole = begin(live_server, path, token, Content_Length=str(100_000 * 501))
    for at in range(0, 100_000, 1_000):
        whole.send(b"".join(b"%010d" % n + line + b"\n" for n in range(at, at + 1_000)))
    status, body = response_of(whole)
    assert (status, body["status"], body["total"]) == (202, "PROCESSING", 100_000)
    growth = [peak(one) - then for one, then in zip(processes, before, strict=True)]
    assert max(growth) < MAX_GROWTH

    listed = live_server.call("GET", "/api/v1/products")
    assert product_id not in {row["id"] for row in listed.json}  # which is cached now
    with live_server.worker():
        wait_until(lambda: stored(live_server) == (1, 0, 100_000), seconds=60)
    upload = live_server.call("GET", f"{path}/uploads/{body['id']}", token=token).json
    assert (upload["status"], upload["added"]) == ("COMPLETED", 100_000)
    shown = live_server.call("GET", f"/api/v1/products/{product_id}").json
    assert shown["availableUnits"] == 100_000
    assert product_id in {row["id"] for row in live_server.call("GET", "/api/v1/products").json}
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout
