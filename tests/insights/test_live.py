"""With real processes: web processes count, the relay keeps the feed, the worker checks."""

from typing import Any

import pytest

from tests.live import LiveServer, order, wait_until

STATS = "/api/v1/insights/stats"


@pytest.mark.stress
def test_an_operator_sees_what_happened_within_seconds(live_server: LiveServer) -> None:
    made = live_server.cli("create-admin", "admin@example.com", "--password", "a-fine-secret-1")
    assert made.returncode == 0, made.stderr
    account = {"email": "admin@example.com", "password": "a-fine-secret-1"}
    admin = live_server.call("POST", "/api/v1/auth/login", account).json["accessToken"]
    seller = live_server.sign_up("seller", role="MERCHANT")
    product = live_server.create_product(seller, price="10.00", units=5)
    buyer = live_server.sign_up("buyer", balance="100.00")
    bought = live_server.call("POST", "/api/v1/orders", order(product), token=buyer)
    assert bought.status == 201, bought.text

    def stats() -> dict[str, Any]:
        found: dict[str, Any] = live_server.call("GET", STATS, token=admin).json
        return found

    with live_server.worker():
        wait_until(lambda: stats()["approved"] == 1, seconds=60)
        wait_until(lambda: stats()["uptime"]["since"] is not None, seconds=60)
        wait_until(lambda: stats()["requests"]["total"] >= 6, seconds=60)
    found = stats()
    assert (found["uptime"]["percent"], found["requests"]["errors"]) == (100.0, 0)
    verified = live_server.cli("verify")
    assert verified.returncode == 0, verified.stdout
