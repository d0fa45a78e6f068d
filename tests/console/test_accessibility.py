"""Every view of the console, in light and dark and at three widths."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.console.vendored import AXE
from tests.browser import chromium
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

__all__ = ["chromium"]  # a fixture, which pytest finds by name

LONG = "An extraordinarily long product name without any end in sight "
WIDTHS = (320, 768, 1280)

server = server_of_module("views")


@pytest.fixture(scope="module")
def buyer(server: LiveServer) -> Account:
    return new_account(server, balance="900.00")


@pytest.fixture(scope="module")
def views(server: LiveServer, buyer: Account) -> dict[str, str]:
    """Addresses and headings of all views that need a sign-in, with something to show."""
    seller = new_account(server, role="MERCHANT")
    product_id = add_licence_product(server, seller)
    for name in (LONG * 3, "كتاب الطبخ العربي", "W" * 120):
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
        "/nowhere": "There is nothing at this address",
    }


@pytest.fixture(params=["light", "dark"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in one appearance. The check needs a script of its own, which our policy refuses."""
    with chromium.new_context(color_scheme=request.param, bypass_csp=True) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert errors == []


def violations(page: Page) -> list[str]:
    """What axe-core finds, as rule and element."""
    (script,) = (AXE.file_of(module) for module in AXE.modules)
    if not page.evaluate("'axe' in window"):
        page.evaluate(script.read_text())
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [
        f"{each['id']}: {json.dumps(node['target'])} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def check(page: Page, view: str = "") -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page) == [], (view, width)
        excess = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert excess <= 0, f"{view} {width}: {excess} px too wide"


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
