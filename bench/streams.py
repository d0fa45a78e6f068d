"""Clients of the live process, in a process of their own: `python -m bench.streams`.

Opens WebSockets, prints `ready`, reads until standard input ends, and prints what arrived as JSON.
It is niced, because clients usually are on other machines.
"""

import argparse
import json
import os
import resource
import selectors
import socket
import sys
from contextlib import suppress
from typing import Final

from app.common import open_files

_RECEIVE_BYTES: Final = 1 << 20
_MESSAGE: Final = b'{"type":"transaction"'
_NICENESS: Final = 19
_HANDSHAKE: Final = (
    "GET /stream HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{header}\r\n"
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--idle", type=int, required=True)
    parser.add_argument("--busy", type=int, required=True)
    options = parser.parse_args()
    os.nice(_NICENESS)
    open_files.raise_limit(options.idle + options.busy + 100)
    # Of a user who has no transactions.
    token = sys.stdin.readline().strip()
    header = f"Authorization: Bearer {token}\r\n"
    idle = [_open(options.port, header) for _ in range(options.idle)]
    busy = [_open(options.port, "") for _ in range(options.busy)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    begun = _cpu()
    messages, lost = _read([*idle, *busy])
    result = {"messages": messages, "lost": lost, "cpu": _cpu() - begun}
    sys.stdout.write(json.dumps(result))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _open(port: int, header: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(_HANDSHAKE.format(header=header).encode())
    received = b""
    while b"Connected to" not in received:
        part = connection.recv(4096)
        if not part:
            raise SystemExit(f"The live process refuses a stream: {received!r}")
        received += part
    connection.setblocking(False)
    return connection


def _read(connections: list[socket.socket]) -> tuple[int, int]:
    """The number of messages until standard input ends, and of connections that were lost."""
    messages = lost = 0
    ends = dict.fromkeys(connections, b"")
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.buffer, selectors.EVENT_READ)
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                connection = key.fileobj  # type: ignore[assignment]
                if not isinstance(connection, socket.socket):
                    return messages, lost
                with suppress(BlockingIOError):
                    data = connection.recv(_RECEIVE_BYTES)
                    if not data:
                        lost += 1
                        selector.unregister(connection)
                    data = ends[connection] + data
                    ends[connection] = data[-len(_MESSAGE) + 1 :]
                    messages += data.count(_MESSAGE)


if __name__ == "__main__":
    main()
