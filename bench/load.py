"""The load generator: many connections from one thread, little CPU.

    python -m bench.load < job.json > result.json

A job: {"host", "ports": [number, …], "connections", "seconds" or null, "requests": [text, …],
"fresh"}. Connections are spread over the ports. With seconds the requests are repeated until time
is up; without, each is sent once. A request is sent unchanged except for `{n}`, which becomes a
number that is unique within the run.
Connections are opened before the measurement and stay open until the last response. With fresh
(default false) each request gets a new one, and opening it is part of the latency.
The result: {"seconds", "outcomes": {"201": …, "400 PRODUCT_OUT_OF_STOCK": …, "no answer": …},
"ms": sorted latencies of the responses, "cpu": seconds of CPU used by the generator itself}.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, cycle, islice
from typing import Any

from app.common import open_files

_LENGTH = re.compile(rb"content-length: (\d+)", re.I)
_ERROR = re.compile(rb'"error":"([A-Z_]+)"')

#: Seconds without any response after which the generator stops waiting.
_RESPONSE_TIMEOUT = 20

#: Files that the generator has open besides its connections.
_OWN_FILES = 64


class _Connection:
    """A connection with at most one pending request. fresh: it is opened for each request."""

    def __init__(self, job: dict[str, Any], port: int, selector: selectors.BaseSelector) -> None:
        self._address = job["host"], port
        self._fresh = job.get("fresh", False)
        self._selector = selector
        self._watched = False
        self.started = 0.0
        if not self._fresh:
            self._open()

    def send(self, request: bytes) -> None:
        self._received = b""
        self.started = time.perf_counter()
        if self._fresh:
            self._open()
        self._socket.sendall(request)

    def receive(self) -> bytes | None:
        """The response, once it is complete."""
        part = self._socket.recv(262_144)
        if not part:
            raise ConnectionError("the server closed the connection")
        self._received += part
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self._received, 0, head)
        whole = head + 4 + (int(length[1]) if length else 0)
        if len(self._received) < whole:
            return None
        if self._fresh:
            self.close()
        return self._received

    def unwatch(self) -> None:
        """Expect no more data. The connection stays open."""
        if self._watched:
            self._selector.unregister(self._socket)
            self._watched = False

    def close(self) -> None:
        self.unwatch()
        self._socket.close()

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._watched = True


def run(job: dict[str, Any]) -> dict[str, Any]:
    """The result of a job. Both are described at the top of this file."""
    size = job["connections"] if job["seconds"] else min(job["connections"], len(job["requests"]))
    open_files.raise_limit(size + _OWN_FILES)
    selector = selectors.DefaultSelector()
    ports = islice(cycle(job["ports"]), size)
    connections = [_Connection(job, port, selector) for port in ports]
    outcomes: Counter[str] = Counter()
    latencies: list[float] = []
    cpu, started = time.process_time(), time.perf_counter()
    requests = _requests(job)

    def send(connection: _Connection) -> bool:
        if (request := next(requests, None)) is None:
            return False
        connection.send(request)
        return True

    pending = sum([send(connection) for connection in connections])
    while pending:
        events = selector.select(_RESPONSE_TIMEOUT)
        if not events:
            outcomes["no answer"] += pending
            break
        for key, _ in events:
            connection = key.data
            try:
                response = connection.receive()
                if response is None:
                    continue
                latencies.append((time.perf_counter() - connection.started) * 1e3)
                outcomes[_outcome(response)] += 1
                sent = send(connection)
            except ConnectionError:
                outcomes["no answer"] += 1
                sent = False
            if not sent:
                pending -= 1
                connection.unwatch()
    seconds = time.perf_counter() - started
    cpu = time.process_time() - cpu
    for connection in connections:
        connection.close()
    selector.close()
    return {
        "seconds": seconds,
        "outcomes": dict(outcomes),
        "ms": [round(ms, 3) for ms in sorted(latencies)],
        "cpu": cpu,
    }


def _requests(job: dict[str, Any]) -> Iterator[bytes]:
    """Requests to send, until time is up or each was sent once."""
    texts = [text.encode() for text in job["requests"]]
    until = time.perf_counter() + job["seconds"] if job["seconds"] else float("inf")
    for number, text in zip(count(time.time_ns()), cycle(texts) if job["seconds"] else texts):
        if time.perf_counter() >= until:
            return
        yield text.replace(b"{n}", b"%d" % number)


def _outcome(response: bytes) -> str:
    status = response[9:12].decode()
    code = _ERROR.search(response) if status >= "400" else None
    return f"{status} {code[1].decode()}" if code else status


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
