"""Every view of the console, in light and dark and at three widths."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.console.accessibility import ARABIC, LONG, check, page
from tests.console.helpers import (
    Account,
    add_licence_product,
    buy,
    new_account,
    open_view,
    server_of_module,
    sign_in,
)
from tests.live import LiveServer

__all__ = ["chromium", "page"]  # fixtures, which pytest finds by name

server = server_of_module("views")


@pytest.fixture(scope="module")
def buyer(server: LiveServer) -> Account:
    return new_account(server, balance="900.00")


@pytest.fixture(scope="module")
def views(server: LiveServer, buyer: Account) -> dict[str, str]:
    """Addresses and headings of all views that need a sign-in, with something to show."""
    seller = new_account(server, role="MERCHANT")
    product_id = add_licence_product(server, seller)
    for name in (LONG * 3, ARABIC, "W" * 120):
        add_licence_product(server, seller, name=name[:200])
    order_id = buy(server, buyer, product_id)["id"]
    return {
        "/": "Hello, Ada",
        "/add-money": "Add money",
        "/send": "Send money",
        "/transactions": "Activity",
        "/transactions?type=FEE": "Activity",
        "/shop": "Shop",
        "/shop?q=nothing-like-this": "Shop",
        f"/shop/{product_id}": "Grue Editor",
        "/purchases": "Purchases",
        f"/purchases/{order_id}": "Grue Editor",
        "/purchases/01a21c0c-d75d-772c-9ad6-906d69e3b04c": "Purchases",
        "/notifications": "Notifications",
        "/settings": "Settings",
        "/settings/security": "Settings",
        "/nowhere": "Page not found",
    }


def test_views_without_a_sign_in(page: Page, server: LiveServer) -> None:
    for path, heading in (
        ("/sign-in", "Welcome back"),
        ("/register", "Create your account"),
        ("/forgotten-password", "Set a new password"),
    ):
        open_view(page, server, path, heading=heading)
        check(page)
    page.get_by_role("button", name="Send the link").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    check(page)


@pytest.mark.stress
def test_views_of_buyers(
    page: Page, server: LiveServer, buyer: Account, views: dict[str, str]
) -> None:
    sign_in(page, server, buyer)
    for path, heading in views.items():
        open_view(page, server, path, heading=heading)
        check(page)


@pytest.mark.stress
def test_steps_within_views(page: Page, server: LiveServer, buyer: Account) -> None:
    other = new_account(server)
    sign_in(page, server, buyer)
    open_view(page, server, "/send", heading="Send money")
    page.get_by_label("Recipient").fill(other.email)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Is this the right person?")).to_be_visible()
    page.get_by_label("Amount").fill("1.234,5")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    check(page)
    page.get_by_label("Amount").fill("1.50")
    page.get_by_role("button", name="Send $1.50").click()
    expect(page.get_by_role("heading", name="Sent")).to_be_visible()
    check(page)


@pytest.mark.parametrize(
    ("status", "heading"),
    [
        ("PROCESSING", "Waiting for your bank"),
        ("SUCCESS", "The money has arrived"),
        ("FAILURE", "The bank declined the payment"),
        ("EXPIRED", "The time to pay is over"),
    ],
)
@pytest.mark.stress
def test_outcomes_of_payments_from_a_bank(
    page: Page, server: LiveServer, buyer: Account, status: str, heading: str
) -> None:
    onramp = {
        "id": "01a21c0c-d75d-772c-9ad6-906d69e3b04c",
        "status": status,
        "providerName": "HDFC Bank",
        "amount": "25.00",
        "currency": "USD",
        "paymentUrl": f"{server.url}/app" if status == "PROCESSING" else None,
        "expiresAt": "2099-01-01T00:00:00Z",
    }
    sign_in(page, server, buyer)
    page.route("**/api/v1/onramp?*", lambda route: route.fulfill(json={"data": [onramp]}))
    open_view(page, server, "/add-money/latest", heading="Add money")
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    check(page)
