"""Every view of sales and of developers, in light and dark and at three widths."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.console.accessibility import check, page
from tests.console.helpers import (
    call,
    new_account,
    open_view,
    server_of_module,
    sign_in,
)
from tests.console.merchant_sales import (
    Sales,
    add_endpoint,
    make_sales,
    wait_for_delivery,
)
from tests.live import PASSWORD, LiveServer
from tests.webhooks.receiver import Receiver

__all__ = ["chromium", "page"]  # fixtures, which pytest finds by name

pytestmark = pytest.mark.stress

UNKNOWN = "01a21c0c-d75d-772c-9ad6-906d69e3b04c"


@dataclass(frozen=True)
class Shown:
    """What there is to see: an endpoint with deliveries, beside the sales."""

    sales: Sales
    endpoint_id: str
    delivery_id: str


server = server_of_module("sales_views")


@pytest.fixture(scope="module")
def shown(server: LiveServer) -> Shown:
    sales = make_sales(server)
    with Receiver.open() as receiver, server.worker():
        url = f"{receiver.url}/{'hooks' * 30}"
        endpoint_id = add_endpoint(server, sales.seller, url)
        receiver.answers.append((500, {}, b"<h1>Internal error</h1>"))
        path = f"/webhook-endpoints/{endpoint_id}"
        call(server, sales.seller.token, "POST", f"{path}/ping")
        delivery_id = wait_for_delivery(
            server, sales.seller, endpoint_id, "&eventType=order-completed"
        )
        selection = {"deliveryIds": [delivery_id]}
        call(server, sales.seller.token, "POST", f"{path}/replays", selection)
    key = {"name": "W" * 80, "scopes": ["orders:read"], "password": PASSWORD}
    call(server, sales.seller.token, "POST", "/auth/api-keys", key)
    return Shown(sales, endpoint_id, delivery_id)


def headings(shown: Shown) -> dict[str, str]:
    """Addresses and headings of all views."""
    sales, webhook = shown.sales, f"/merchant/webhooks/{shown.endpoint_id}"
    return {
        "/merchant/orders": "Orders",
        "/merchant/orders?status=FAILED": "Orders",
        f"/merchant/orders/{sales.order_id}": f"Order {sales.number}",
        f"/merchant/orders/{sales.order_id}/refund": "Refund",
        f"/merchant/orders/{UNKNOWN}": "Order",
        "/merchant/refund-requests": "Refund requests",
        "/merchant/coupons": "Coupons",
        "/merchant/coupons/new": "New coupon",
        f"/merchant/coupons/{sales.coupon_id}": "SPRING",
        "/merchant/payment-codes": "Payment codes",
        "/merchant/payment-codes/new": "New payment code",
        f"/merchant/payment-codes/{sales.code_id}": "Table 4",
        "/merchant/webhooks": "Webhooks",
        "/merchant/webhooks/new": "New webhook endpoint",
        webhook: "Shop server",
        f"{webhook}/change": "Change",
        f"{webhook}/deliveries/{shown.delivery_id}": "Order paid",
        "/merchant/payouts": "Payouts",
        "/merchant/api-keys": "API keys",
        "/merchant/api-keys/new": "New API key",
    }


def test_views_of_sales(page: Page, server: LiveServer, shown: Shown) -> None:
    sign_in(page, server, shown.sales.seller, "/merchant/orders", heading="Orders")
    for path, heading in headings(shown).items():
        open_view(page, server, path, heading=heading)
        check(page)


def test_an_empty_shop(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    sign_in(page, server, seller, "/merchant/orders", heading="Orders")
    for path, heading in (
        ("orders", "No orders yet"),
        ("refund-requests", "No refund requests"),
        ("coupons", "No coupons yet"),
        ("payment-codes", "No payment codes yet"),
        ("webhooks", "No webhooks yet"),
        ("api-keys", "No API keys yet"),
    ):
        page.goto(f"{server.url}/app/merchant/{path}")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        check(page)


def test_steps_within_views(page: Page, server: LiveServer, shown: Shown) -> None:
    sales = shown.sales
    sign_in(page, server, sales.seller, "/merchant/refund-requests", heading="Refund requests")
    page.get_by_role("button", name="Approve the refund").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("From your wallet")
    check(page)
    page.keyboard.press("Escape")
    webhook = f"/merchant/webhooks/{shown.endpoint_id}"
    open_view(page, server, webhook, heading="Shop server")
    for name in ("New secret", "Replay", "Delete"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        check(page)
        page.keyboard.press("Escape")
    open_view(page, server, "/merchant/webhooks/new", heading="New webhook endpoint")
    page.get_by_role("radio", name="Only some events").check()
    page.get_by_role("button", name="Create the endpoint").click()
    expect(page.locator(".error").first).to_be_visible()
    check(page)
    open_view(page, server, "/merchant/api-keys/new", heading="New API key")
    page.get_by_role("checkbox", name="Payouts: change").check()
    page.get_by_label("Name").fill("Shop server")
    page.get_by_label("Your password").fill(PASSWORD)
    check(page)
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_test_id("secret")).to_be_visible()
    check(page)
