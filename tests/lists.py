"""Reading paginated lists."""

from collections.abc import Iterator
from typing import Any

from flask.testing import FlaskClient

from tests.factories import Actor


def pages_of(client: FlaskClient, user: Actor, url: str, **query: Any) -> Iterator[dict[str, Any]]:
    """The pages of a list, each retrieved with the cursor of the previous one."""
    while True:
        page: dict[str, Any] = client.get(url, query_string=query, headers=user.headers).json
        yield page
        if page["meta"]["nextCursor"] is None:
            return
        query["cursor"] = page["meta"]["nextCursor"]
