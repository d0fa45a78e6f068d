"""Ports for servers that a test starts."""

import itertools
import os
import socket
from typing import Final

#: Below the ports that the kernel gives to outgoing connections, any of which could take a port
#: that was free a moment ago.
_PORTS: Final = range(20_000, 32_000)
_worker: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_workers: Final = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_own: Final = itertools.cycle(_PORTS[_worker::_workers])


def unused_port() -> int:
    """A loopback port where nothing listens, and which no other test gets."""
    for port in _own:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("The ports never end.")
