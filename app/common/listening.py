"""Listening sockets."""

import socket
from typing import Final

from app.common.settings import SettingsError

#: Completed handshakes that wait to be accepted; the kernel lowers it to net.core.somaxconn.
_BACKLOG: Final = 4096


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SettingsError."""
    try:
        listener = socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=_BACKLOG,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise SettingsError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    # Accepted connections inherit it. A response is written at once, not in small pieces.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
