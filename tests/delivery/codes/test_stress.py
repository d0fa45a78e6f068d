"""A thousand codes for two thousand buyers."""

from collections import Counter

import pytest

from tests.concurrency import all_at_once
from tests.live import LiveServer, Response, order, outcomes, sign_up_buyers

pytestmark = pytest.mark.stress

CODES, BUYERS = 1_000, 2_000


def test_each_of_1000_codes_goes_to_one_of_2000_buyers(live_server: LiveServer) -> None:
    merchant = live_server.sign_up("shop", role="MERCHANT")
    product = {"name": "Voucher", "price": "1.00", "kind": "CODES"}
    product_id = live_server.call("POST", "/api/v1/products", product, token=merchant).json["id"]
    codes = [f"GIFT-{number:04}" for number in range(CODES)]
    stocked = live_server.call(
        "POST",
        f"/api/v1/products/{product_id}/codes",
        data="\n".join(codes).encode(),
        token=merchant,
        headers={"Content-Type": "text/plain"},
    )
    assert stocked.json["added"] == CODES
    buyers = sign_up_buyers(live_server, BUYERS, balance="1.00")

    def buy(token: str) -> Response:
        return live_server.call("POST", "/api/v1/orders", order(product_id), token=token)

    answers = all_at_once(buy, buyers, threads=64)

    assert outcomes(answers) == {
        (201, None): CODES,
        (400, "PRODUCT_OUT_OF_STOCK"): BUYERS - CODES,
    }
    bought = [
        (token, answer.json["id"])
        for token, answer in zip(buyers, answers, strict=True)
        if answer.status == 201
    ]

    def get_codes(order_of: tuple[str, str]) -> list[str]:
        token, order_id = order_of
        codes_of_order: list[str] = live_server.call(
            "GET", f"/api/v1/orders/{order_id}/delivery", token=token
        ).json["codes"]
        return codes_of_order

    given = Counter(code for seen in all_at_once(get_codes, bought, threads=32) for code in seen)
    assert given == Counter(codes)
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout
