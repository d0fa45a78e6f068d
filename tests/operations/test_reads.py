"""Reads: which transactions they open."""

from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import db
from tests.operations.access_matrix import CALLERS, EXPECTED, Route
from tests.operations.sample_requests import SampleData

READS = [route for route in EXPECTED if route[0] == "GET"]

#: Reads that record what they do.
RECORDING: set[Route] = {
    ("GET", "/api/v1/orders/{order_id}/delivery"),
    ("GET", "/orders/{page_token}"),
    ("GET", "/api/v1/giveaways/{giveaway_id}/file"),
    ("GET", "/api/v1/admin/users/{user_id}"),
    ("GET", "/api/v1/admin/users/{user_id}/sessions"),
    ("GET", "/api/v1/admin/wallets/{wallet_id}/transactions"),
    ("GET", "/api/v1/admin/orders/{order_id}"),
    ("GET", "/api/v1/admin/users/export"),
    ("GET", "/api/v1/admin/wallets/export"),
    ("GET", "/api/v1/admin/wallets/{wallet_id}/transactions/export"),
    ("GET", "/api/v1/admin/orders/export"),
    ("GET", "/api/v1/admin/refunds/export"),
    ("GET", "/api/v1/admin/payouts/export"),
    ("GET", "/api/v1/admin/on-ramps/export"),
    ("GET", "/api/v1/admin/inbound-events/export"),
    ("GET", "/api/v1/admin/events/export"),
    ("GET", "/api/v1/admin/audit/export"),
    ("GET", "/api/v1/admin/risk/cases/export"),
}


@pytest.fixture
def opened(app: object, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of the transactions that are opened."""
    kinds: list[str] = []
    database = db.current()

    def open_session(kind: str, factory: Any) -> Any:
        kinds.append(kind)
        return factory()

    for kind in ("read_committed", "serializable"):
        monkeypatch.setattr(database, kind, partial(open_session, kind, getattr(database, kind)))
    return kinds


@pytest.mark.parametrize("route", READS, ids=" ".join)
def test_a_read_opens_no_transaction_that_could_write(
    client: FlaskClient, data: SampleData, opened: list[str], route: Route
) -> None:
    for caller in CALLERS:
        data.call(client, route, caller)
    assert set(opened) == ({"read_committed"} if route in RECORDING else set())
