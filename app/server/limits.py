"""What a web process allows its clients."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """connections, per_address: open at a time; per_address None: unlimited. request_seconds: for
    the head of a request, and again for a body that is received before it is executed. rate:
    minimum, in bytes per second, for larger bodies. threads: for requests. stop_seconds: for
    running requests when the process stops."""

    connections: int
    per_address: int | None
    request_seconds: float
    rate: int
    threads: int
    stop_seconds: float = 25.0
