"""Concurrent refunds of one order, over HTTP against the real server."""

import pytest

from tests.concurrency import all_at_once
from tests.live import LiveServer, order, outcomes

pytestmark = pytest.mark.stress

API = "/api/v1"


def test_500_concurrent_refunds_never_exceed_the_order(live_server: LiveServer) -> None:
    seller = live_server.sign_up("seller", role="MERCHANT", balance="50.00")
    product_id = live_server.create_product(seller, price="10.00", units=10)
    buyer = live_server.sign_up("buyer", balance="100.00")
    bought = live_server.call(
        "POST", f"{API}/orders", order(product_id) | {"quantity": 10}, token=buyer
    ).json

    answers = all_at_once(
        lambda n: live_server.call(
            "POST",
            f"{API}/orders/{bought['id']}/refunds",
            {"amount": "0.37"} if n % 2 else {"units": 1},
            token=seller,
        ),
        range(500),
        threads=64,
    )

    created = [answer.json for answer in answers if answer.status == 201]
    assert set(outcomes(answers)) <= {
        (201, None),
        (400, "REFUND_TOO_LARGE"),
        (409, "ORDER_NOT_REFUNDABLE"),
    }
    assert sum(int(one["amount"].replace(".", "")) for one in created) <= 10_000
    assert sum(one["units"] for one in created) <= 10
    wallet = live_server.call("GET", f"{API}/wallet", token=buyer).json
    assert int(wallet["balance"].replace(".", "")) == sum(
        int(one["amount"].replace(".", "")) for one in created
    )
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr
