"""The bank's payment page, in a real browser."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.bank import Merchant, Payer, SandboxBank, reference_of
from tests.browser import chromium, page

__all__ = ["chromium", "page"]  # fixtures, which pytest finds by name

# The simulators rarely change.
pytestmark = pytest.mark.stress


def seconds_left(page: Page) -> int:
    """The remaining seconds that the countdown shows."""
    countdown = page.get_by_role("timer")
    expect(countdown).to_have_text(re.compile(r"\d:\d\d$"))
    minutes, seconds = (countdown.text_content() or "").split(":")
    return 60 * int(minutes) + int(seconds)


def pay_in_browser(page: Page, url: str, *, amount: str, payer: str, merchant: str) -> str:
    """Open the payment page, check its content and pay. Returns the bank's reference."""
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Payment to {merchant}")
    expect(page.get_by_test_id("amount")).to_have_text(amount)
    expect(page.get_by_test_id("payer")).to_have_text(payer)
    expect(page.get_by_test_id("merchant")).to_have_text(merchant)
    page.get_by_role("button", name=f"Pay {amount}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Payment made")
    return page.get_by_test_id("bank-reference").text_content() or ""


def test_a_payer_pays_and_the_merchant_is_notified(
    bank: SandboxBank, merchant: Merchant, page: Page
) -> None:
    url = bank.payment_url("250.00")

    bank_reference = pay_in_browser(
        page, url, amount="$250.00", payer="Ada Lovelace", merchant="Payment Flow"
    )

    (webhook,) = merchant.wait_for(1)
    assert webhook.genuine
    assert webhook.body["type"] == "payment.succeeded"
    assert webhook.data["amount"] == "250.00"
    assert webhook.data["reference"] == reference_of(url)
    assert webhook.data["bankReference"] == bank_reference


def test_the_countdown_runs(bank: SandboxBank, page: Page) -> None:
    page.goto(bank.payment_url(exp=int(time.time()) + 200))

    first = seconds_left(page)
    assert 150 < first <= 200
    expect(page.get_by_role("timer")).not_to_have_text(f"{first // 60}:{first % 60:02}")
    assert seconds_left(page) < first


def test_the_page_shows_the_expiry_without_a_reload(bank: SandboxBank, page: Page) -> None:
    page.goto(bank.payment_url(exp=int(time.time()) + 3))

    expect(page.get_by_role("heading", level=1)).to_have_text("This payment has expired")
    expect(page.get_by_role("button")).to_have_count(0)


def test_paying_works_without_javascript(bank: SandboxBank, merchant: Merchant, page: Page) -> None:
    assert page.context.browser is not None
    expiry = int(time.time()) + 200
    with page.context.browser.new_context(java_script_enabled=False) as context:
        plain = context.new_page()
        plain.goto(bank.payment_url(exp=expiry))
        expect(plain.get_by_role("timer")).to_have_text(
            time.strftime("%H:%M:%S UTC", time.gmtime(expiry))
        )
        plain.get_by_role("button", name="Pay $25.00").click()
        expect(plain.get_by_role("heading", level=1)).to_have_text("Payment made")
    merchant.wait_for(1)


def test_a_double_click_and_a_second_tab_pay_once(
    bank: SandboxBank, merchant: Merchant, page: Page
) -> None:
    url = bank.payment_url("25.00")
    second_tab = page.context.new_page()
    page.goto(url)
    second_tab.goto(url)

    page.get_by_role("button", name="Pay").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Payment made")
    second_tab.get_by_role("button", name="Pay").click()
    expect(second_tab.get_by_role("heading", level=1)).to_have_text("Payment made")
    page.reload()
    page.go_back()

    expect(page.get_by_role("heading", level=1)).to_have_text("Payment made")
    assert len(bank.statement()) == 1
    merchant.wait_for(1)


def test_the_test_behaviour_is_selected_on_the_page(
    bank: SandboxBank, merchant: Merchant, page: Page
) -> None:
    page.goto(bank.payment_url())
    page.get_by_label("Test behaviour").select_option("duplicate")
    page.get_by_role("button", name="Decline").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Payment declined")
    assert {webhook.body["type"] for webhook in merchant.wait_for(3)} == {"payment.failed"}


def test_paying_works_with_the_keyboard(bank: SandboxBank, merchant: Merchant, page: Page) -> None:
    page.goto(bank.payment_url())
    page.keyboard.press("Tab")

    expect(page.get_by_role("button", name="Pay")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Payment made")
    merchant.wait_for(1)


@pytest.mark.parametrize("width", [320, pytest.param(375, marks=pytest.mark.stress), 1200])
def test_all_pages_fit_the_window(bank: SandboxBank, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    payer = "a.rather.long.address.of.a.payer@department.university.example.com"
    too_much = bank.payment_url("12345678.90", currency="KWD", payer=payer)
    paid = bank.payment_url("99999.999", currency="KWD", payer=payer, userId="user-2")
    Payer().decide(paid)

    for url in (
        too_much,
        paid,
        bank.payment_url(exp=1),
        f"{bank.url}/hdfc/pay?request=x",
        bank.url,
    ):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, url
