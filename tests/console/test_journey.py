"""From the sign-up over the bank to a code, with the whole application and a browser."""

import re
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import chromium, page
from tests.console.helpers import add_code_product, new_account
from tests.live import PASSWORD, Api
from tests.local.helpers import Up, bank_port, data_dir, first_line, gateway_port, port, up

# Fixtures, found by their names.
__all__ = ["bank_port", "chromium", "data_dir", "gateway_port", "page", "port", "up"]

#: What a hand does: presses of a button of the mouse, and of the keys that activate something.
_COUNT_ACTIONS = """
    addEventListener("pointerdown", (event) => {
      if (event.isTrusted) console.debug("click");
    }, true);
    addEventListener("keydown", (event) => {
      if (event.isTrusted && ["Enter", " "].includes(event.key)) console.debug("key");
    }, true);
"""
MAX_ACTIONS = 9
MAX_SECONDS = 120


def type_into(field: Locator, text: str) -> None:
    """As a person does: click on the field, then press keys."""
    field.click()
    field.page.keyboard.type(text)


@pytest.mark.stress
def test_a_person_adds_money_buys_a_code_and_finds_it_in_nine_clicks(up: Up, page: Page) -> None:
    api = Api(first_line(up("--quiet", "--no-demo")))
    seller = new_account(api, role="MERCHANT")
    add_code_product(api, seller, ["GIFT-1111-AAAA", "GIFT-2222-BBBB"], name="Gift card")
    buyer = new_account(api)
    actions: list[str] = []
    page.on("console", lambda line: actions.append(line.text) if line.type == "debug" else None)
    page.add_init_script(_COUNT_ACTIONS)
    page.goto(f"{api.url}/app")
    begun = time.monotonic()
    expect(page.get_by_label("Email or phone number")).to_be_focused()
    page.keyboard.type(buyer.email)
    type_into(page.get_by_label("Password"), PASSWORD)
    page.keyboard.press("Enter")

    page.get_by_role("main").get_by_role("link", name="Add money").first.click()
    expect(page.get_by_role("main").get_by_label("Amount").first).to_be_focused()
    page.keyboard.type("50")
    page.get_by_role("button", name="Continue to the bank").click()
    page.get_by_role("button", name="Pay $50.00").click()
    # The bank's page leads back by itself.
    expect(page.get_by_role("heading", name="The money has arrived")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Go to the shop").click()
    page.get_by_role("link", name="Gift card").click()
    page.get_by_role("button", name="Pay $20.00").click()
    page.get_by_role("button", name="Reveal").click()

    expect(page.locator(".secret-text")).to_have_text(re.compile("^GIFT-"))
    assert time.monotonic() - begun < MAX_SECONDS
    assert 5 <= len(actions) <= MAX_ACTIONS, actions
    # The worker has sent the notification by then or soon.
    expect(page.get_by_role("link", name=re.compile(r"Notifications, \d+ unread"))).to_be_visible(
        timeout=60_000
    )
    page.get_by_role("link", name=re.compile(r"Notifications, \d+ unread")).click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
