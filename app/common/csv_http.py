"""CSV documents as bodies of requests and responses."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import Response, request

from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.csv_documents import TRUNCATED, marked
from app.common.errors import UnsupportedMediaType
from app.common.http import Blueprint

View = TypeVar("View", bound=Callable[..., Any])

CONTENT_TYPE: Final = "text/csv; charset=utf-8; header=present"

_CHARSETS: Final = ("utf-8", "utf8", "us-ascii", "utf-16", "utf-16le", "utf-16be")


def takes_csv(blueprint: Blueprint, *, example: str) -> Callable[[View], View]:
    """Document the request body of an endpoint that calls `require_csv`."""
    documented: Callable[[View], View] = blueprint.doc(
        requestBody={"required": True, "content": _content(example)}
    )
    return documented


def answers_csv(blueprint: Blueprint, *, example: str) -> Callable[[View], View]:
    """Document the response of an endpoint that returns `csv_download`."""
    documented: Callable[[View], View] = blueprint.doc(
        responses={200: {"content": _content(example)}}
    )
    return documented


def _content(example: str) -> dict[str, Any]:
    return {"text/csv": {"schema": {"type": "string"}, "example": example}}


def require_csv(what: str) -> None:
    """Raises UnsupportedMediaType unless the body, `what`, is said to be CSV."""
    require_text(what, "text/csv")


def require_text(what: str, *types: str) -> None:
    """Raises UnsupportedMediaType unless the body, `what`, is said to be text of one of these
    types, in an encoding that we read. (Which one, is seen in the text.)"""
    if request.mimetype not in types:
        raise UnsupportedMediaType(f"Send {what} as {' or '.join(types)}")
    charset = request.mimetype_params.get("charset", "utf-8").lower().replace("_", "-")
    if charset not in _CHARSETS:
        raise UnsupportedMediaType(f"Send {what} in UTF-8 or UTF-16")


def csv_download(
    parts: Iterator[bytes],
    *,
    filename: str,
    limiter: ConcurrencyLimiter,
    caller_id: UUID,
    bom: bool,
) -> Response:
    """A file that is sent while it is produced. One of several parts counts towards the limiter.

    bom: as of CsvArgs. Ends with `TRUNCATED` if the parts fail midway. A failure before the second
    part is answered with an error body instead. Raises Unavailable.
    """
    parts = marked(parts, bom=bom)
    first, second = next(parts), next(parts, None)
    if second is None:
        response = Response(first)
    else:
        release = limiter.acquire(caller_id)
        response = Response(chain((first, second), _ended(parts)))
        response.call_on_close(release)
    response.headers["Content-Type"] = CONTENT_TYPE
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _ended(parts: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from parts
    except Exception:
        # The web server then omits the end of the response, but not every client notices.
        yield TRUNCATED
        raise
