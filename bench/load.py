"""The load generator: many keep-alive connections from one thread, little CPU.

    python -m bench.load < job.json > result.json

A job: {"host", "port", "connections", "seconds" or null, "requests": [text, …]}. With seconds the
requests are sent over and over until time is up; without, each is sent once. A request is sent
as it is but for `{n}`, which becomes a number that no other request of the run has.
The result: {"seconds", "outcomes": {"201": …, "400 PRODUCT_OUT_OF_STOCK": …, "no answer": …},
"ms": sorted latencies of the answers, "cpu": seconds of CPU that the generator itself cost}.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections import Counter
from itertools import chain, count, cycle
from typing import Any

_LENGTH = re.compile(rb"content-length: (\d+)", re.I)
_ERROR = re.compile(rb'"error":"([A-Z_]+)"')

#: After so many seconds without any answer no more are waited for.
_PATIENCE = 20


class _Connection:
    """One connection with at most one request under way."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.started = 0.0
        self.received = b""

    def send(self, request: bytes) -> None:
        self.received = b""
        self.started = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> bytes | None:
        """What has come, once it is whole."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("the server hung up")
        self.received += part
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self.received, 0, head)
        whole = head + 4 + (int(length[1]) if length else 0)
        return self.received if len(self.received) >= whole else None


def run(job: dict[str, Any]) -> dict[str, Any]:
    requests = [text.encode() for text in job["requests"]]
    numbers = count(time.time_ns())
    todo = chain(cycle(requests)) if job["seconds"] else iter(requests)
    outcomes: Counter[str] = Counter()
    latencies: list[float] = []
    selector = selectors.DefaultSelector()
    cpu, started = time.process_time(), time.perf_counter()
    until = started + job["seconds"] if job["seconds"] else float("inf")

    def send(connection: _Connection) -> bool:
        if time.perf_counter() >= until or (request := next(todo, None)) is None:
            return False
        connection.send(request.replace(b"{n}", b"%d" % next(numbers)))
        return True

    busy = 0
    for _ in range(min(job["connections"], len(requests) if not job["seconds"] else 1 << 30)):
        connection = _Connection(job["host"], job["port"])
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        busy += send(connection)
    while busy:
        events = selector.select(_PATIENCE)
        if not events:
            outcomes["no answer"] += busy
            break
        for key, _ in events:
            connection = key.data
            try:
                answer = connection.answer()
                if answer is None:
                    continue
                latencies.append((time.perf_counter() - connection.started) * 1e3)
                outcomes[_outcome(answer)] += 1
                goes_on = send(connection)
            except ConnectionError:
                outcomes["no answer"] += 1
                goes_on = False
            if not goes_on:
                busy -= 1
                selector.unregister(connection.socket)
                connection.socket.close()
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    selector.close()
    return {
        "seconds": time.perf_counter() - started,
        "outcomes": dict(outcomes),
        "ms": [round(ms, 3) for ms in sorted(latencies)],
        "cpu": time.process_time() - cpu,
    }


def _outcome(answer: bytes) -> str:
    status = answer[9:12].decode()
    code = _ERROR.search(answer) if status >= "400" else None
    return f"{status} {code[1].decode()}" if code else status


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
