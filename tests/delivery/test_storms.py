"""Goods under storms, over HTTP against the real server with two web processes."""

import itertools

import pytest

from tests.crowd import all_at_once
from tests.live import LiveServer, order, outcomes, sign_up_all

pytestmark = pytest.mark.storm

API = "/api/v1"


def test_1000_codes_for_2000_buyers(live_server: LiveServer) -> None:
    """Each code is delivered once and none is lost; who comes too late gets nothing."""
    seller = live_server.sign_up("seller", role="MERCHANT")
    product = {"name": "Gift card", "price": "1.00", "kind": "CODES"}
    product_id = live_server.call("POST", f"{API}/products", product, token=seller).json["id"]
    codes = [f"GIFT-{n:04}-{n * 7919 % 10007:05}" for n in range(1000)]
    sent = live_server.send(
        f"{API}/products/{product_id}/codes", "\n".join(codes), "text/plain", token=seller
    )
    assert (sent.status, sent.json["added"]) == (201, 1000)
    buyers = sign_up_all(live_server, 2000, balance="1.00")

    answers = all_at_once(
        lambda token: live_server.call("POST", f"{API}/orders", order(product_id), token=token),
        buyers,
        threads=64,
    )

    assert outcomes(answers) == {(201, None): 1000, (400, "PRODUCT_OUT_OF_STOCK"): 1000}
    bought = [
        (token, answer.json["id"])
        for token, answer in zip(buyers, answers, strict=True)
        if answer.status == 201
    ]
    delivered = all_at_once(
        lambda one: live_server.call("GET", f"{API}/orders/{one[1]}/delivery", token=one[0]).json[
            "codes"
        ],
        bought,
    )
    assert sorted(itertools.chain.from_iterable(delivered)) == sorted(codes)
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr


def test_500_refunds_at_once_never_exceed_their_order(live_server: LiveServer) -> None:
    seller = live_server.sign_up("seller", role="MERCHANT", balance="50.00")
    product_id = live_server.put_on_sale(seller, price="10.00", units=10)
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

    given = [answer.json for answer in answers if answer.status == 201]
    assert set(outcomes(answers)) <= {
        (201, None),
        (400, "REFUND_TOO_LARGE"),
        (409, "ORDER_NOT_REFUNDABLE"),
    }
    assert sum(int(one["amount"].replace(".", "")) for one in given) <= 10_000
    assert sum(one["units"] for one in given) <= 10
    wallet = live_server.call("GET", f"{API}/wallet", token=buyer).json
    assert int(wallet["balance"].replace(".", "")) == sum(
        int(one["amount"].replace(".", "")) for one in given
    )
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr
