"""Responses that are sent while they are produced."""

from collections.abc import Iterator
from itertools import chain
from uuid import UUID

from flask import Response

from app.common.concurrency_limiter import ConcurrencyLimiter


def stream_response(
    parts: Iterator[bytes], *, limiter: ConcurrencyLimiter, caller_id: UUID, if_truncated: bytes
) -> Response:
    """A response of all parts. One with more than one part counts towards the limiter.

    if_truncated: ends a response whose parts fail midway. A failure before the second part raises
    instead, so that the response is an error. Raises Unavailable.
    """
    first, second = next(parts, b""), next(parts, None)
    if second is None:
        return Response(first)
    release = limiter.acquire(caller_id)
    response = Response(chain((first, second), _ended(parts, if_truncated)))
    response.call_on_close(release)
    return response


def _ended(parts: Iterator[bytes], if_truncated: bytes) -> Iterator[bytes]:
    try:
        yield from parts
    except Exception:
        # The web server treats this as the normal end of the response.
        yield if_truncated
        raise
