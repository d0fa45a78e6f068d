"""The gateway's payment page, in a real browser."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, page
from tests.sandbox.stripe.test_api import create_session
from tests.stripe import DECLINED_CARD, Buyer, SandboxGateway, Shop

__all__ = ["chromium", "page"]  # fixtures, which pytest finds by name

# The simulators rarely change.
pytestmark = pytest.mark.stress


def test_a_buyer_pays_with_a_second_card_and_is_redirected(
    gateway: SandboxGateway, shop: Shop, page: Page
) -> None:
    landing = f"{gateway.url}/health?order=1"
    session = create_session(gateway, success_url=landing, customer_email="ada@example.com")

    page.goto(session["url"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Payment to Payment Flow")
    expect(page.get_by_test_id("amount")).to_have_text("$50.00")
    expect(page.get_by_test_id("product")).to_have_text("Field Guide")
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"\d+:\d\d$"))
    page.get_by_label("Card number").fill(DECLINED_CARD)
    page.get_by_role("button", name="Pay $50.00").click()
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")

    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_role("button", name="Pay $50.00").dblclick()
    expect(page).to_have_url(landing)
    page.goto(session["url"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Payment made")

    failed, completed = shop.wait_for(2)
    assert (failed.kind, completed.kind) == (
        "payment_intent.payment_failed",
        "checkout.session.completed",
    )


def test_cancelling_returns_to_the_shop(gateway: SandboxGateway, page: Page) -> None:
    session = create_session(gateway, cancel_url=f"{gateway.url}/health?cart=1")
    page.goto(session["url"])
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(f"{gateway.url}/health?cart=1")


@pytest.mark.parametrize("width", [320, 1200])
def test_all_pages_fit_the_window_and_the_expiry_is_shown(
    gateway: SandboxGateway, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    name = "line_items[0][price_data][product_data][name]"
    paid = create_session(gateway, **{name: "A rather long name of a product " * 5})
    Buyer().pay(paid["url"])
    short = create_session(gateway, expires_at=int(time.time()) + 3)

    page.goto(short["url"])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for url in (paid["url"], f"{gateway.url}/c/pay/cs_x", gateway.url):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, url
    page.goto(short["url"])
    expect(page.get_by_role("heading", level=1)).to_have_text("This payment has expired")
