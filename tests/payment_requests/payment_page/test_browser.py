"""The payment page in a real browser."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from app.common.settings import Settings
from tests import servers
from tests.browser import chromium, page
from tests.live import LiveServer

__all__ = ["chromium", "page"]  # fixtures, which pytest finds by name

PASSWORD = "a-fine-secret-1"  # the password that LiveServer.sign_up sets

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    with (
        servers.database(f"payment_flow_browser_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1, TWO_FACTOR_ABOVE="50.00") as started,
    ):
        yield started


@dataclass(frozen=True)
class People:
    """The access tokens of Alice, a merchant who requests money, and Bob, a buyer who pays."""

    server: LiveServer
    alice: str
    bob: str

    def call(self, who: str, method: str, path: str, body: Any = None) -> Any:
        answer = self.server.call(method, f"/api/v1{path}", body, token=who)
        assert answer.status < 300, answer.text
        return answer.json

    def link(self, thing: dict[str, Any]) -> str:
        return f"{self.server.url}/pay/{thing['token']}"

    def balance(self, who: str) -> str:
        amount: str = self.call(who, "GET", "/wallet")["balance"]
        return amount


@pytest.fixture
def people(server: LiveServer) -> People:
    number = next(_numbers)
    alice = server.sign_up(f"alice-{number}", role="MERCHANT")
    made = People(server, alice, server.sign_up(f"bob-{number}", balance="100.00"))
    made.call(alice, "PATCH", "/auth/me", {"firstName": "Alice", "lastName": "Jones"})
    return made


def sign_in(page: Page, people: People) -> None:
    email = people.call(people.bob, "GET", "/auth/me")["email"]
    page.get_by_label("Email or phone number").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(f"Signed in as {email}")).to_be_visible()


def test_a_payer_signs_in_and_pays(page: Page, people: People) -> None:
    body = {"amount": "12.50", "note": "Lunch"}
    request = people.call(people.alice, "POST", "/payment-requests", body)
    page.goto(people.link(request))
    expect(page.get_by_role("heading", name="Alice J.")).to_be_visible()

    page.get_by_label("Email or phone number").fill("somebody@example.com")
    page.get_by_label("Password", exact=True).fill("not-the-one-1")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The email, phone number or password is wrong.")

    sign_in(page, people)
    expect(page.get_by_text("You have $100.00.")).to_be_visible()
    page.get_by_role("button", name="Pay $12.50").click()

    expect(page.get_by_role("heading", name="Paid to Alice J.")).to_be_visible()
    expect(page.get_by_text("$12.50")).to_be_visible()
    receipt = page.url
    assert people.balance(people.alice) == "12.50"
    assert people.balance(people.bob) == "87.50"
    page.goto(people.link(request))
    expect(page.get_by_text("This request has been paid. It was paid on")).to_be_visible()
    email = people.call(people.bob, "GET", "/auth/me")["email"]
    page.get_by_label("Email or phone number").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(receipt)


def test_the_page_signs_out_after_the_payment(page: Page, people: People) -> None:
    request = people.call(people.alice, "POST", "/payment-requests", {"amount": "1.00"})
    page.goto(people.link(request))
    sign_in(page, people)
    assert len(people.server.call("GET", "/api/v1/auth/sessions", token=people.bob).json) == 2
    with page.expect_response("**/auth/logout") as signed_out:
        page.get_by_role("button", name="Pay $1.00").click()

    assert signed_out.value.status == 204
    expect(page.get_by_role("heading", name="Paid to Alice J.")).to_be_visible()
    assert len(people.server.call("GET", "/api/v1/auth/sessions", token=people.bob).json) == 1
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_the_payer_can_decline(page: Page, people: People) -> None:
    email = people.call(people.bob, "GET", "/auth/me")["email"]
    body = {"amount": "12.50", "payer": {"email": email}}
    request = people.call(people.alice, "POST", "/payment-requests", body)
    page.goto(people.link(request))
    sign_in(page, people)

    page.get_by_role("button", name="Decline").click()

    expect(page.get_by_role("status")).to_contain_text("Alice J. will see that you declined")
    shown = people.call(people.alice, "GET", f"/payment-requests/{request['id']}")
    assert shown["status"] == "DECLINED"


def test_an_open_amount_is_entered_and_errors_are_shown(page: Page, people: People) -> None:
    page.goto(
        people.link(people.call(people.alice, "POST", "/merchant-codes", {"label": "Counter"}))
    )
    sign_in(page, people)
    pay = page.get_by_role("button", name="Pay", exact=True)

    for typed, expected in (
        ("", "Please enter an amount such as 12.50."),
        ("ten", "Please enter an amount such as 12.50."),
        ("1.005", "At most 2 decimals for USD."),
        ("1500", "Your wallet has too little: you need $1,500.00, and have $100.00."),
    ):
        page.get_by_label("Amount in USD").fill(typed)
        pay.click()
        expect(page.get_by_role("alert")).to_have_text(expected)
    page.get_by_label("Amount in USD").fill("7.50")
    pay.click()

    expect(page.get_by_role("heading", name="Paid to Alice J.")).to_be_visible()
    assert people.balance(people.alice) == "7.50"


def test_the_total_of_several_units_is_shown_before_payment(page: Page, people: People) -> None:
    product_id = people.server.create_product(people.alice, price="19.99", units=5)
    code = people.call(people.alice, "POST", "/merchant-codes", {"productId": product_id})
    page.goto(people.link(code))
    sign_in(page, people)
    for unclear in ("1.5", "0", "", "two"):
        page.get_by_label("Quantity").fill(unclear)
        expect(page.get_by_role("button", name="Pay", exact=True)).to_be_visible()
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Pay $39.98").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(page.get_by_role("row", name="Total $39.98")).to_be_visible()
    orders = people.call(people.bob, "GET", "/orders")["data"]
    assert [(order["amount"], order["quantity"]) for order in orders] == [("39.98", 2)]


def test_a_price_that_changed_meanwhile_is_shown_before_it_is_paid(
    page: Page, people: People
) -> None:
    product_id = people.server.create_product(people.alice, price="19.99", units=5)
    code = people.call(people.alice, "POST", "/merchant-codes", {"productId": product_id})
    page.goto(people.link(code))
    sign_in(page, people)
    page.get_by_label("Quantity").fill("2")
    people.call(people.alice, "PATCH", f"/products/{product_id}", {"price": "24.99"})
    page.get_by_role("button", name="Pay $39.98").click()

    expect(page.get_by_role("alert")).to_have_text(
        "The price has changed: the total is $49.98, not $39.98."
    )
    assert people.balance(people.bob) == "100.00"
    page.get_by_role("button", name="Pay $49.98").click()

    expect(page.get_by_role("row", name="Total $49.98")).to_be_visible()


def test_a_new_customer_signs_up_tops_up_and_gets_the_goods(page: Page, people: People) -> None:
    product = {"name": "Editor", "price": "30.00", "kind": "LICENCE", "availableUnits": 5}
    product_id = people.call(people.alice, "POST", "/products", product)["id"]
    link = people.link(
        people.call(people.alice, "POST", "/merchant-codes", {"productId": product_id})
    )
    page.goto(link)
    page.get_by_role("button", name="Sign up").click()
    email = f"carol-{next(_numbers)}@example.com"
    page.get_by_label("Email", exact=True).fill(email)
    for password, problem in (
        ("", "Please enter your password."),
        ("short", "Must be at least 8 characters long."),
    ):
        page.get_by_label("New password").fill(password)
        page.locator("#sign-up").get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("alert")).to_have_text(problem)
    page.get_by_label("New password").fill(PASSWORD)
    page.locator("#sign-up").get_by_role("button", name="Sign up").click()
    expect(page.get_by_text(f"Signed in as {email}")).to_be_visible()

    page.get_by_role("button", name="Pay $30.00").click()
    expect(page.get_by_role("alert")).to_contain_text("Your wallet has too little")
    expect(page.get_by_label("Top up from a bank, in USD")).to_have_value("30.00")
    expect(page.get_by_role("button", name="Pay by card")).to_be_visible()
    bank = re.compile(r"/pay\?request=")
    page.route(bank, lambda route: route.fulfill(body="The bank"))
    with page.expect_request("**/onramp") as topping_up:
        page.get_by_role("button", name="Top up").click()
    sent = topping_up.value.post_data_json
    assert (sent["amount"], sent["returnUrl"]) == ("30.00", f"{link}?topUp=1&quantity=1")
    page.wait_for_url(bank)

    page.goto(sent["returnUrl"])
    expect(page.get_by_text(f"Signed in as {email}")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("$30.00 from HDFC Bank is on its way.")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.get_by_role("button", name="Pay $30.00").click()
    page.get_by_role("button", name="Use another wallet").click()
    sign_in(page, people)
    page.get_by_role("button", name="Pay $30.00").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(page.get_by_role("listitem")).to_contain_text(
        re.compile(r"([0-9A-Z]{5}-){4}[0-9A-Z]{5}")
    )
    page.get_by_role("link", name="Receipt").click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(0)


def test_a_large_amount_requires_a_two_factor_code(page: Page, people: People) -> None:
    begun = people.call(people.bob, "POST", "/auth/two-factor", {"password": PASSWORD})
    code = {"code": pyotp.TOTP(begun["secret"]).now()}
    codes = people.call(people.bob, "POST", "/auth/two-factor/confirm", code)["recoveryCodes"]
    request = people.call(people.alice, "POST", "/payment-requests", {"amount": "50.01"})
    page.goto(people.link(request))
    sign_in(page, people)
    pay = page.get_by_role("button", name="Pay $50.01")
    pay.click()

    expect(page.get_by_role("alert")).to_contain_text("requires a two-factor code")
    page.get_by_label("Code of your authenticator app").fill(codes[0])
    pay.click()

    expect(page.get_by_role("heading", name="Paid to Alice J.")).to_be_visible()


def test_a_giveaway_is_claimed_on_its_page_once(page: Page, people: People) -> None:
    product_id = people.server.create_product(people.alice, price="19.99", units=5)
    body = {"productId": product_id, "name": "Conference", "kind": "LINK", "units": 5}
    giveaway = people.call(people.alice, "POST", "/giveaways", body)
    claimed = []
    for _ in range(2):
        page.goto(f"{people.server.url}/giveaways/{giveaway['token']}")
        sign_in(page, people)
        page.get_by_role("button", name="Claim").click()
        expect(page.get_by_role("heading", name="A gift for you")).to_be_visible()
        claimed.append(page.url)

    assert claimed[0] == claimed[1]
    assert people.balance(people.bob) == "100.00"
    assert len(people.server.call("GET", "/api/v1/auth/sessions", token=people.bob).json) == 1


def test_the_buyer_replaces_the_address_of_an_order_on_its_page(page: Page, people: People) -> None:
    product_id = people.server.create_product(people.alice, price="19.99", units=5)
    body = {"productId": product_id, "paymentMethod": "WALLET"}
    order = people.call(people.bob, "POST", "/orders", body)
    first = people.call(people.bob, "GET", f"/orders/{order['id']}/page")["url"]
    first = f"{people.server.url}/orders/{first.rpartition('/')[2]}"
    page.goto(first)
    page.get_by_text("Has somebody seen it who should not?").click()
    page.get_by_label("Email or phone number").fill(
        people.call(people.bob, "GET", "/auth/me")["email"]
    )
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_url(lambda url: "/orders/" in url and url != first)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    page.goto(first)
    expect(page.get_by_text("the buyer has replaced it")).to_be_visible()


def test_signing_up_takes_an_email_address(page: Page, people: People) -> None:
    page.goto(people.link(people.call(people.alice, "POST", "/payment-requests", {"amount": "1"})))
    page.get_by_role("button", name="Sign up").click()
    page.get_by_label("Email", exact=True).fill("+14155550123")
    page.get_by_label("New password").fill(PASSWORD)
    page.locator("#sign-up").get_by_role("button", name="Sign up").click()

    expect(page.get_by_role("alert")).to_have_text("Please sign up with an email address.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_small_phone(page: Page, people: People, scheme: Any) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.emulate_media(color_scheme=scheme)
    body = {"amount": "9999999.99", "note": "W" * 200}
    page.goto(people.link(people.call(people.alice, "POST", "/payment-requests", body)))

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
