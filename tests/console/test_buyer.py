"""A buyer in the console, in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import chromium, page
from tests.console.helpers import (
    add_licence_product,
    call,
    enable_second_factor,
    lose_first_answer,
    new_account,
    open_view,
    press_until_focused,
    same_origin,
    send_sign_in,
    server_of_module,
    sign_in,
    sign_in_by_keyboard,
)
from tests.live import PASSWORD, LiveServer

__all__ = ["chromium", "page", "same_origin"]  # fixtures, which pytest finds by name

server = server_of_module("buyer", TWO_FACTOR_ABOVE="50.00")


def test_a_new_buyer_gets_money_and_buys_a_licence(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    add_licence_product(server, seller, name="Lantern Maps")
    page.goto(f"{server.url}/")
    expect(page).to_have_url(f"{server.url}/app/sign-in")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("First name").fill("Grace")
    page.get_by_label("Email").fill("grace@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Grace")

    page.get_by_role("main").get_by_role("link", name="Add money").first.click()
    deposit = page.get_by_role("form", name="Test deposit")
    deposit.get_by_label("Amount").fill("40")
    deposit.get_by_role("button", name="Deposit").click()
    expect(page.get_by_test_id("available")).to_have_text("$40.00")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Shop").click()
    page.get_by_label("Search products").fill("lantern")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Lantern Maps").click()
    page.get_by_role("button", name="One more").click()
    page.get_by_role("button", name="Pay $25.00").click()

    expect(page.get_by_role("heading", name="Your goods")).to_be_visible()
    licences = page.get_by_text("Licence key")
    expect(licences).to_have_count(2)
    page.get_by_role("button", name="Reveal").first.click()
    expect(page.locator(".secret-text").first).to_have_text(re.compile(r"[A-Z0-9-]{15,}"))
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_test_id("available")).to_have_text("$15.00")


def test_a_purchase_works_with_the_keyboard_alone(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    add_licence_product(server, seller, name="Keyboard Course")
    buyer = new_account(server, balance="30.00")
    sign_in_by_keyboard(page, server, buyer, "/shop?q=keyboard")
    product = page.get_by_role("link", name="Keyboard Course")
    expect(product).to_be_visible()
    press_until_focused(page, product)
    page.keyboard.press("Enter")
    pay = page.get_by_role("button", name="Pay $12.50")
    expect(pay).to_be_visible()
    press_until_focused(page, pay)
    page.keyboard.press("Enter")
    reveal = page.get_by_role("button", name="Reveal")
    expect(reveal).to_be_visible()
    press_until_focused(page, reveal)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Hide")).to_be_focused()


def test_a_double_click_pays_once(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    product_id = add_licence_product(server, seller)
    buyer = new_account(server, balance="40.00")
    sign_in(page, server, buyer)
    open_view(page, server, f"/shop/{product_id}", heading="Grue Editor")
    page.get_by_role("button", name="Pay $12.50").dblclick()
    expect(page.get_by_role("heading", name="Your goods")).to_be_visible()
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "27.50"


def test_a_lost_answer_does_not_pay_twice(page: Page, server: LiveServer) -> None:
    payer, payee = new_account(server, balance="40.00"), new_account(server)
    sign_in(page, server, payer)
    open_view(page, server, "/send", heading="Send money")
    page.get_by_label("Recipient").fill(payee.email)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Is this the right person?")).to_be_visible()
    lost = lose_first_answer(page, "**/api/v1/transfers")
    page.get_by_label("Amount").fill("5,5")
    page.get_by_role("button", name="Send $5.50").click()
    expect(page.get_by_role("heading", name="Sent")).to_be_visible()
    assert call(server, payee.token, "GET", "/wallet")["balance"] == "5.50"
    assert len(lost) == 1


def test_an_amount_that_is_unclear_is_refused_with_a_hint(page: Page, server: LiveServer) -> None:
    payer, payee = new_account(server, balance="40.00"), new_account(server)
    sign_in(page, server, payer)
    open_view(page, server, "/send", heading="Send money")
    page.get_by_label("Recipient").fill("nobody@example.com")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Recipient")).to_be_focused()
    expect(page.get_by_text("not found")).to_be_visible()
    page.get_by_label("Recipient").fill(payee.email)
    page.get_by_role("button", name="Continue").click()
    hints = {
        "1.234,5": "can be read in two ways",
        "1.234": "can be read in two ways",
        "12a": "with digits only, such as 1234.50",
    }
    for typed, hint in hints.items():
        page.get_by_label("Amount").fill(typed)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_label("Amount")).to_be_focused()
        expect(page.get_by_text(hint)).to_be_visible()
    assert call(server, payer.token, "GET", "/wallet")["balance"] == "40.00"


def test_a_large_payment_asks_for_a_code(page: Page, server: LiveServer) -> None:
    payer, payee = new_account(server, balance="90.00"), new_account(server)
    totp, _ = enable_second_factor(server, payer)
    sign_in(page, server, payer)
    open_view(page, server, "/send", heading="Send money")
    page.get_by_label("Recipient").fill(payee.email)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Amount").fill("60")
    page.get_by_role("button", name="Send $60.00").click()

    dialog = page.get_by_role("dialog", name="Enter a code")
    dialog.get_by_label("Code").fill("000000")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("wrong")
    later = totp.at(datetime.now(UTC), counter_offset=1)
    dialog.get_by_label("Code").fill(later)
    dialog.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="Sent")).to_be_visible()
    assert call(server, payee.token, "GET", "/wallet")["balance"] == "60.00"


def test_a_reload_keeps_the_session_and_stores_no_token(page: Page, server: LiveServer) -> None:
    buyer = new_account(server)
    sign_in(page, server, buyer)
    for _ in range(3):
        page.reload()
        expect(page.get_by_text("Available", exact=True)).to_be_visible()
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert "refresh" not in page.evaluate("document.cookie")

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome back")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome back")


def test_a_session_that_has_ended_leads_to_the_sign_in_and_back(
    page: Page, server: LiveServer
) -> None:
    buyer = new_account(server)
    sign_in(page, server, buyer)
    sessions = server.call("GET", "/api/v1/auth/sessions", token=buyer.token).json
    (browser,) = [session for session in sessions if not session["current"]]
    call(server, buyer.token, "DELETE", f"/auth/sessions/{browser['id']}")
    page.get_by_role("link", name="Purchases").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome back")
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    send_sign_in(page, buyer.email)
    expect(page.get_by_role("heading", level=1)).to_have_text("Purchases")


def test_filters_survive_reload_and_back(page: Page, server: LiveServer) -> None:
    buyer = new_account(server, balance="5.00")
    sign_in(page, server, buyer)
    open_view(page, server, "/transactions", heading="Activity")
    page.get_by_label("Type").select_option("Purchase")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Type")).to_have_value("PAYMENT")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Type")).to_have_value("")
    expect(page.get_by_role("row")).to_have_count(2)


def test_profile_password_and_appearance_can_be_changed(page: Page, server: LiveServer) -> None:
    buyer = new_account(server, balance="1234.50")
    sign_in(page, server, buyer)
    open_view(page, server, "/settings", heading="Settings")
    page.get_by_label("First name").fill("Augusta")
    page.get_by_label("Language and region").select_option("de-DE")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Augusta")
    expect(page.get_by_test_id("available")).to_have_text("1.234,50\xa0$")

    open_view(page, server, "/settings/security", heading="Settings")
    form = page.get_by_role("form", name="Password")
    form.get_by_label("Current password").fill("not-the-one-1")
    form.get_by_label("New password").fill("another-fine-secret-2")
    form.get_by_role("button", name="Change the password").click()
    expect(form.get_by_text("This is not your password.")).to_be_visible()
    form.get_by_label("Current password").fill(PASSWORD)
    form.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()

    page.get_by_label("Appearance").first.select_option("Dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize(
    ("path", "status", "shown"),
    [
        ("**/api/v1/orders?*", 500, "Something went wrong on our side"),
        ("**/api/v1/orders?*", 403, "Your account cannot open this page"),
        ("**/api/v1/orders?*", 0, "No response from the server."),
    ],
)
def test_failures_look_intentional(
    page: Page, server: LiveServer, path: str, status: int, shown: str
) -> None:
    buyer = new_account(server)
    sign_in(page, server, buyer)
    body = {"statusCode": status, "error": "X", "message": "x", "details": {}, "requestId": "r-1"}
    page.route(
        path, lambda route: route.fulfill(status=status, json=body) if status else route.abort()
    )
    page.get_by_role("link", name="Purchases").click()
    expect(page.get_by_text(shown)).to_be_visible(timeout=20_000)
    if status != 403:
        page.unroute(path)
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("No purchases yet")).to_be_visible()


def test_a_coupon_is_shown_before_it_is_paid(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    product_id = add_licence_product(server, seller)
    coupon = {"code": "TENOFF", "kind": "PERCENT", "value": "20"}
    call(server, seller.token, "POST", "/coupons", coupon)
    buyer = new_account(server, balance="40.00")
    sign_in(page, server, buyer)
    open_view(page, server, f"/shop/{product_id}", heading="Grue Editor")
    page.get_by_role("button", name="I have a coupon").click()
    page.get_by_label("Coupon").fill("WRONG")
    page.get_by_role("button", name="Pay $12.50").click()
    expect(page.get_by_label("Coupon")).to_be_focused()
    expect(page.get_by_label("Coupon")).to_have_attribute("aria-invalid", "true")

    page.get_by_label("Coupon").fill("TENOFF")
    page.get_by_role("button", name="Pay $12.50").click()
    expect(page.get_by_text("The total is now $10.00.")).to_be_visible()
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "40.00"
    page.get_by_role("button", name="Pay $10.00").click()
    expect(page.get_by_role("heading", name="Your goods")).to_be_visible()
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "30.00"


def test_too_little_money_leads_to_adding_some(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    product_id = add_licence_product(server, seller)
    buyer = new_account(server)
    sign_in(page, server, buyer)
    open_view(page, server, f"/shop/{product_id}", heading="Grue Editor")
    page.get_by_role("button", name="Pay $12.50").click()
    problem = page.get_by_role("alert").filter(has_text="not enough money")
    problem.get_by_role("link", name="Add money").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add money")


def test_back_leads_to_a_form_that_pays_anew(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    product_id = add_licence_product(server, seller)
    buyer = new_account(server, balance="40.00")
    sign_in(page, server, buyer)
    open_view(page, server, f"/shop/{product_id}", heading="Grue Editor")
    page.get_by_role("button", name="Pay $12.50").click()
    expect(page.get_by_role("heading", name="Your goods")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Pay $12.50").click()
    expect(page.get_by_role("heading", name="Your goods")).to_be_visible()
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "15.00"


def test_a_reload_in_doubt_does_not_pay_twice(page: Page, server: LiveServer) -> None:
    payer, payee = new_account(server, balance="40.00"), new_account(server)
    sign_in(page, server, payer)
    open_view(page, server, "/send", heading="Send money")

    def fill() -> None:
        page.get_by_label("Recipient").fill(payee.email)
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Amount").fill("5")
        page.get_by_role("button", name="Send $5.00").click()

    def send_without_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/v1/transfers", send_without_answer)
    fill()
    expect(page.get_by_text("you will not pay twice")).to_be_visible(timeout=20_000)
    page.unroute("**/api/v1/transfers")
    page.reload()
    fill()
    expect(page.get_by_role("heading", name="Sent")).to_be_visible()
    assert call(server, payee.token, "GET", "/wallet")["balance"] == "5.00"
