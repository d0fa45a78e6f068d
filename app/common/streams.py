"""Answers that are sent while they are made."""

from collections.abc import Iterator
from itertools import chain
from uuid import UUID

from flask import Response

from app.common.concurrency_limiter import Places


def answer_in_pieces(
    parts: Iterator[bytes], *, places: Places, caller_id: UUID, if_broken_off: bytes
) -> Response:
    """An answer of all parts; a long one – of more than one – takes one of the places.

    if_broken_off: what ends an answer whose parts do not come to their end. What fails until the
    second part is there is answered with an error body instead. Raises Unavailable.
    """
    first, second = next(parts, b""), next(parts, None)
    if second is None:
        return Response(first)
    give_back = places.take(caller_id)
    response = Response(chain((first, second), _ended(parts, if_broken_off)))
    response.call_on_close(give_back)
    return response


def _ended(parts: Iterator[bytes], if_broken_off: bytes) -> Iterator[bytes]:
    try:
        yield from parts
    except Exception:
        # To the web server that is the end of the answer, like any other.
        yield if_broken_off
        raise
