"""A merchant with sales of every kind, for the tests of the console."""

from dataclasses import dataclass
from typing import Any

from tests.console.accessibility import ARABIC, LONG
from tests.console.helpers import (
    Account,
    add_licence_product,
    buy,
    call,
    new_account,
)
from tests.live import Api, wait_until


@dataclass(frozen=True)
class Sales:
    """A merchant, two buyers and the IDs of what there is to see."""

    seller: Account
    buyer: Account
    other: Account
    product_id: str
    order_id: str
    number: str
    refunded_id: str
    coupon_id: str
    code_id: str


def ask_for_refund(api: Api, buyer: Account, order_id: str, **part: Any) -> None:
    body = {"reason": "It does not open on my machine.", **part}
    call(api, buyer.token, "POST", f"/orders/{order_id}/refund-requests", body)


def make_sales(api: Api) -> Sales:
    """Orders of two buyers, one refunded in part; refund requests, a coupon and a code."""
    seller = new_account(api, role="MERCHANT")
    buyer, other = (new_account(api, balance="900.00") for _ in range(2))
    product_id = add_licence_product(api, seller)
    terms = {"code": "SPRING", "kind": "PERCENT", "value": "20", "maxUses": 10}
    coupon = call(api, seller.token, "POST", "/coupons", terms)
    order = buy(api, buyer, product_id, quantity=3, couponCode="SPRING", notes="For Grace")
    for name in ((LONG * 3)[:200], ARABIC, "W" * 120):
        sold = buy(api, other, add_licence_product(api, seller, name=name))
        ask_for_refund(api, other, sold["id"])
    refunded = buy(api, other, product_id, quantity=2)
    part = {"units": 1, "reason": "One was bought by mistake"}
    call(api, seller.token, "POST", f"/orders/{refunded['id']}/refunds", part)
    body = {"amount": "4.50", "label": "Table 4"}
    code = call(api, seller.token, "POST", "/merchant-codes", body)
    return Sales(
        seller=seller,
        buyer=buyer,
        other=other,
        product_id=product_id,
        order_id=order["id"],
        number=order["number"],
        refunded_id=refunded["id"],
        coupon_id=coupon["id"],
        code_id=code["id"],
    )


def add_endpoint(api: Api, seller: Account, url: str, **options: Any) -> str:
    """A webhook endpoint. Returns its ID."""
    body = {"url": url, "description": "Shop server", **options}
    endpoint_id: str = call(api, seller.token, "POST", "/webhook-endpoints", body)["id"]
    return endpoint_id


def deliveries_of(api: Api, seller: Account, endpoint_id: str, query: str = "") -> Any:
    path = f"/webhook-endpoints/{endpoint_id}/deliveries?limit=100{query}"
    return call(api, seller.token, "GET", path)["data"]


def wait_for_delivery(api: Api, seller: Account, endpoint_id: str, query: str = "") -> str:
    """Wait until something was delivered. Returns its ID. query: which deliveries count."""
    wanted = f"&status=DELIVERED{query}"
    wait_until(lambda: deliveries_of(api, seller, endpoint_id, wanted), seconds=60)
    delivery_id: str = deliveries_of(api, seller, endpoint_id, wanted)[0]["id"]
    return delivery_id
