"""Time limits of requests to other systems, within the deadline of our own request."""

import time
from typing import Final

import urllib3

from app.common import deadline

#: Shorter limits cannot be set on a socket.
_MIN_SECONDS: Final = 0.001


def within_deadline(limits: urllib3.Timeout, *, attempts: int) -> urllib3.Timeout:
    """`limits`, shortened for one of at most `attempts` attempts within our own deadline."""
    left = deadline.remaining()
    if left is None:
        return limits
    share = max(left / attempts, _MIN_SECONDS)
    return urllib3.Timeout(
        connect=_shorter(limits.connect_timeout, share),
        read=_shorter(limits.read_timeout, share),
        total=share,
    )


def _shorter(seconds: object, share: float) -> float:
    """seconds: a limit of urllib3, which may also be none."""
    return min(seconds, share) if isinstance(seconds, int | float) else share


def read_body(response: urllib3.BaseHTTPResponse, *, max_bytes: int, seconds: float) -> bytes:
    """Up to `max_bytes` of the body, received within `seconds`.

    A limit for each part alone would let a server send one byte at a time for ever.
    Raises urllib3's HTTPError.
    """
    ends_at = time.monotonic() + deadline.limit(seconds)
    body = bytearray()
    while len(body) < max_bytes and (part := response.read1(max_bytes - len(body))):
        body += part
        if time.monotonic() > ends_at:
            raise urllib3.exceptions.TimeoutError("the response was not complete in time")
    return bytes(body)
