"""What is not the usual state looks intended: nothing, very much, no connection, refusals."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, page
from tests.console.accessibility import ARABIC, LONG, check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import (
    Account,
    add_licence_product,
    new_account,
    open_view,
    same_origin,
    server_of_module,
    sign_in,
)
from tests.live import LiveServer

__all__ = ["chromium", "page", "same_origin", "themed_page"]  # fixtures, found by their names

MANY = 10_000
#: At a time.
IMPORTED = 1000

server = server_of_module("states")


@pytest.fixture(scope="module")
def seller(server: LiveServer) -> Account:
    """A merchant with ten thousand products, the newest of which have names that are hard to
    show."""
    seller = new_account(server, role="MERCHANT")
    for start in range(0, MANY, IMPORTED):
        lines = [f"Print {n},5.00,3" for n in range(start, start + IMPORTED)]
        imported = server.call(
            "POST",
            "/api/v1/products/import",
            data="\r\n".join(["name,price,availableUnits", *lines]).encode(),
            token=seller.token,
            headers={"Content-Type": "text/csv"},
        )
        assert imported.status < 300, imported.text
    for name in (LONG * 3, ARABIC, "W" * 120):
        add_licence_product(server, seller, name=name[:200])
    return seller


@pytest.mark.stress
def test_a_shop_without_products(themed_page: Page, server: LiveServer) -> None:
    page = themed_page
    page.route("**/api/v1/products?*", lambda route: route.fulfill(json=[]))
    sign_in(page, server, new_account(server))
    open_view(page, server, "/shop", heading="Shop")
    expect(page.get_by_role("heading", name="Nothing is on sale yet")).to_be_visible()
    check(page)
    open_view(page, server, "/shop?q=lamp", heading="Shop")
    expect(page.get_by_role("heading", name="No products match")).to_be_visible()
    page.get_by_role("link", name="Show all products").click()
    expect(page.get_by_role("heading", name="Nothing is on sale yet")).to_be_visible()


@pytest.mark.stress
def test_a_shop_with_ten_thousand_products(
    themed_page: Page, server: LiveServer, seller: Account
) -> None:
    page = themed_page
    sign_in(page, server, seller, "/shop?sort=newest", heading="Shop")
    cards = page.locator(".product")
    expect(cards).to_have_count(24)
    expect(page.get_by_role("link", name=ARABIC)).to_be_visible()
    check(page)
    first = cards.first.inner_text()
    page.get_by_role("button", name="Next page").click()
    expect(cards.first).not_to_have_text(first)
    expect(cards).to_have_count(24)
    open_view(page, server, "/shop?q=Print+9999", heading="Shop")
    expect(page.get_by_role("link", name="Print 9999", exact=True)).to_be_visible()

    open_view(page, server, "/merchant/products", heading="Products")
    expect(page.get_by_role("main").get_by_role("row").nth(5)).to_be_visible()
    check(page)


@pytest.mark.stress
def test_a_view_that_cannot_be_loaded_is_shown_when_the_connection_is_back(
    page: Page, server: LiveServer
) -> None:
    sign_in(page, server, new_account(server, balance="20.00"))
    page.context.set_offline(True)
    page.get_by_role("link", name="Purchases").click()
    expect(page.get_by_role("heading", name="This did not work").first).to_be_visible()
    expect(page.get_by_role("link", name="Home")).to_be_visible()  # the frame stays
    page.context.set_offline(False)
    expect(page.get_by_text("No purchases yet")).to_be_visible(timeout=20_000)


@pytest.mark.stress
@pytest.mark.parametrize("status", [0, 403, 409, 500])
def test_refusals_are_accessible_and_fit(
    themed_page: Page, server: LiveServer, status: int
) -> None:
    page = themed_page
    shown = {
        0: "No response from the server.",
        403: "Your account cannot open this page",
        409: "Somebody else has changed this order in the meantime.",
        500: "Something went wrong on our side",
    }[status]
    sign_in(page, server, new_account(server))
    body = {
        "statusCode": status,
        "error": "X",
        "message": shown,
        "details": {},
        "requestId": "01a21c0c-d75d-772c-9ad6-906d69e3b04c",
    }
    page.route(
        "**/api/v1/orders?*",
        lambda route: route.fulfill(status=status, json=body) if status else route.abort(),
    )
    open_view(page, server, "/purchases", heading="Purchases")
    expect(page.get_by_text(shown)).to_be_visible(timeout=20_000)
    check(page)
