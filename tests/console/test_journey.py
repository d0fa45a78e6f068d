"""From the sign-up over the bank to a code, with the whole application and a browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, page
from tests.console.helpers import add_code_product, new_account
from tests.live import PASSWORD, Api
from tests.local.helpers import Up, bank_port, data_dir, first_line, gateway_port, port, up

# Fixtures, found by their names.
__all__ = ["bank_port", "chromium", "data_dir", "gateway_port", "page", "port", "up"]

_COUNT_CLICKS = """
    addEventListener("click", (event) => { if (event.isTrusted) console.debug("click"); }, true)
"""


@pytest.mark.stress
def test_a_person_adds_money_buys_a_code_and_finds_it_in_twelve_clicks(up: Up, page: Page) -> None:
    api = Api(first_line(up("--quiet", "--no-demo")))
    seller = new_account(api, role="MERCHANT")
    add_code_product(api, seller, ["GIFT-1111-AAAA", "GIFT-2222-BBBB"], name="Gift card")
    buyer = new_account(api)
    clicks: list[str] = []
    page.on("console", lambda line: clicks.append(line.text) if line.type == "debug" else None)
    page.goto(f"{api.url}/app/sign-in")
    page.get_by_label("Email or phone number").fill(buyer.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.add_init_script(_COUNT_CLICKS)
    page.evaluate(_COUNT_CLICKS)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("main").get_by_role("link", name="Add money").first.click()
    page.get_by_role("main").get_by_label("Amount").first.fill("50")
    page.get_by_role("button", name="Continue to the bank").click()
    page.get_by_role("button", name="Pay $50.00").click()
    page.get_by_role("link", name=re.compile("^Return to")).click()
    expect(page.get_by_role("heading", name="The money has arrived")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Go to the shop").click()
    page.get_by_role("link", name="Gift card").click()
    page.get_by_role("button", name="Pay $20.00").click()
    page.get_by_role("button", name="Reveal").click()

    expect(page.locator(".secret-text")).to_have_text(re.compile("^GIFT-"))
    assert 8 <= len(clicks) <= 12
    # The worker has sent the notification by then or soon.
    expect(page.get_by_role("link", name=re.compile(r"Notifications, \d+ unread"))).to_be_visible(
        timeout=60_000
    )
    page.get_by_role("link", name=re.compile(r"Notifications, \d+ unread")).click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
