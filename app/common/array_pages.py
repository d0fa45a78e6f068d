"""Lists that are sent as a plain array, as the original API does: headers describe the page."""

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from app.common.http import json_response
from app.common.json_format import dump_json
from app.common.pagination import Page

T = TypeVar("T")

#: The headers of such a response, for OpenAPI.
PAGE_HEADERS: Final = {
    "X-Pagination": {
        "description": "`total`, `page`, `limit`, `totalPages`, `totalIsCapped` and `nextCursor` as"
        " JSON",
        "schema": {"type": "string"},
    },
    "Link": {"description": "The next page (RFC 8288)", "schema": {"type": "string"}},
}


def page_headers(meta: bytes) -> dict[str, str]:
    """The headers that describe a page. meta: of the page, as JSON."""
    headers = {"X-Pagination": meta.decode()}
    cursor = json.loads(meta)["nextCursor"]
    if cursor is not None:
        query = request.args.to_dict() | {"cursor": cursor}
        query.pop("page", None)
        headers["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
    return headers


def respond(page: Page[T], render: Callable[[T], Any]) -> Response:
    """The rows of the page as an array. render: serializes one."""
    response = json_response(dump_json([render(row) for row in page.data]))
    response.headers.update(page_headers(dump_json(page.meta)))
    return response
