"""Helpers that read the page of an order."""

import re

from flask.testing import FlaskClient

from tests.factories import Actor
from tests.orders.helpers import ORDERS


def page_path(client: FlaskClient, buyer: Actor, order_id: str) -> str:
    """The path of the order's page."""
    answer = client.get(f"{ORDERS}/{order_id}/page", headers=buyer.headers)
    assert answer.status_code == 200, answer.text
    found = re.fullmatch(r"http://localhost:3000(/orders/[\w-]{48})", answer.json["url"])
    assert found
    return found[1]


def words(client: FlaskClient, path: str, *, status: int = 200) -> str:
    """The text of the page, without tags."""
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def download_link(client: FlaskClient, path: str) -> str:
    """The path of the download link on the page."""
    found = re.search(
        r'href="http://localhost:3000(/api/v1/downloads/[\w-]+)"', client.get(path).text
    )
    assert found
    return found[1]
