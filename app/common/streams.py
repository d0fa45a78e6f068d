"""Answers that are sent while they are made."""

from collections.abc import Iterator
from itertools import chain
from uuid import UUID

from flask import Response

from app.common.places import Places


def answer_in_pieces(parts: Iterator[bytes], *, places: Places, caller_id: UUID) -> Response:
    """An answer of all parts; a long one – of more than one – takes one of the places.

    What fails until the second part is there is answered with an error body. Raises Unavailable.
    """
    first, second = next(parts, b""), next(parts, None)
    if second is None:
        return Response(first)
    give_back = places.take(caller_id)
    response = Response(chain((first, second), parts))
    response.call_on_close(give_back)
    return response
