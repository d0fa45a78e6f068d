"""An operator in the console: users, money, banks and events, in a real browser."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser import chromium, page
from tests.console.accessibility import LONG, check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import (
    Account,
    add_licence_product,
    buy,
    call,
    enable_second_factor,
    new_account,
    open_sign_in,
    open_view,
    send_sign_in,
    server_of_module,
    sign_in,
)
from tests.console.operators import (
    add_contradiction,
    add_parked_event,
    add_refused_refund,
    new_operator,
)
from tests.live import PASSWORD, LiveServer

pytestmark = pytest.mark.stress

__all__ = ["chromium", "page", "themed_page"]  # fixtures, which pytest finds by name

OPERATOR = "/operator"

server = server_of_module("operators")


@pytest.fixture(scope="module")
def operator(server: LiveServer) -> Account:
    return new_operator(server)


@pytest.fixture
def operating(page: Page, server: LiveServer, operator: Account) -> Page:
    """A page on which the operator has signed in."""
    sign_in(page, server, operator, "/operator/users", heading="Users")
    return page


def id_of(server: LiveServer, account: Account) -> str:
    user_id: str = call(server, account.token, "GET", "/auth/me")["id"]
    return user_id


def decide(page: Page, button: str | Locator, *, reason: str | None = "Asked by phone") -> Locator:
    """Open the dialog behind a button, fill in the reason and confirm. Returns the dialog."""
    found = page.get_by_role("button", name=button) if isinstance(button, str) else button
    found.click()
    dialog = page.get_by_role("dialog")
    if reason is not None:
        dialog.get_by_label("Reason").fill(reason)
    dialog.locator("button[type=submit]").click()
    return dialog


def test_a_user_is_found_and_the_wallet_locked(
    operating: Page, server: LiveServer, operator: Account
) -> None:
    buyer = new_account(server, balance="25.00")
    operating.get_by_label("Name, shop, email or phone").fill(buyer.email)
    operating.keyboard.press("Enter")
    expect(operating).to_have_url(re.compile(r"[?]q="))
    # The operator has the same name, and is listed until the search is answered.
    found = operating.get_by_role("row").filter(has_text=buyer.email)
    found.get_by_role("link", name="Ada Lovelace").click()
    expect(operating.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")

    lock = operating.get_by_role("button", name=re.compile("^Lock wallet"))
    dialog = decide(operating, lock, reason="  ")
    expect(dialog.locator("[aria-invalid=true]")).to_be_focused()
    dialog.get_by_label("Reason").fill("Chargeback under review")
    dialog.get_by_role("button", name="Lock").click()
    expect(dialog).to_have_count(0)
    expect(operating.get_by_text("Chargeback under review")).to_be_visible()
    assert call(server, buyer.token, "GET", "/wallet")["isLocked"] is True

    operating.get_by_role("link", name="Postings").click()
    expect(operating.get_by_text("$25.00").first).to_be_visible()
    decide(operating, operating.get_by_role("button", name=re.compile("^Unlock wallet")))
    expect(operating.get_by_text("Open", exact=True)).to_be_visible()
    assert call(server, buyer.token, "GET", "/wallet")["isLocked"] is False

    actor = id_of(server, operator)
    open_view(operating, server, f"{OPERATOR}/audit?actorId={actor}", heading="Audit log")
    expect(operating.get_by_text("Wallet unlocked").last).to_be_visible()
    operating.get_by_label("Action").select_option("Wallet locked")
    expect(operating.get_by_text("Chargeback under review")).to_be_visible()
    expect(operating.get_by_role("table").get_by_text("Wallet unlocked")).to_have_count(0)
    operating.go_back()
    table = operating.get_by_role("table")
    expect(table.get_by_text("Wallet unlocked")).to_be_visible()
    # What else was done to it, on a narrow screen, where the tab is one of the last.
    operating.set_viewport_size({"width": 320, "height": 700})
    unlocked = table.get_by_role("row").filter(has_text="Wallet unlocked")
    unlocked.get_by_role("link", name="What was done to").first.click()
    expect(operating.get_by_label("ID of the target")).not_to_have_value("")
    expect(table.get_by_text("Wallet locked")).to_be_visible()
    operating.reload()
    menu = operating.get_by_role("navigation", name="Main")
    expect(menu.get_by_role("link", name="Audit log")).to_be_in_viewport()


def test_the_second_factor_is_reset_sessions_end_and_a_user_is_deactivated(
    operating: Page, server: LiveServer
) -> None:
    buyer = new_account(server)
    path = f"{OPERATOR}/users/{id_of(server, buyer)}"
    open_view(operating, server, path, heading="Ada Lovelace")
    enable_second_factor(server, buyer)
    operating.reload()
    reset = operating.get_by_role("button", name="Reset the second factor")
    decide(operating, reset, reason="Lost the phone; seen on video")
    expect(reset).to_have_count(0)
    decide(operating, "End all sessions")
    expect(operating.get_by_text("Not signed in anywhere")).to_be_visible()
    assert server.call("GET", "/api/v1/auth/me", token=buyer.token).status == 401

    decide(operating, "Deactivate")
    expect(operating.get_by_role("button", name="Activate", exact=True)).to_be_visible()
    account = {"email": buyer.email, "password": PASSWORD}
    assert server.call("POST", "/api/v1/auth/login", account).status in (401, 403)
    decide(operating, "Activate")
    expect(operating.get_by_role("button", name="Deactivate")).to_be_visible()
    assert server.call("POST", "/api/v1/auth/login", account).status == 200


def test_operators_with_a_second_factor_are_asked_for_a_code(
    page: Page, server: LiveServer
) -> None:
    operator, buyer = new_operator(server), new_account(server)
    _, (first, second, *_) = enable_second_factor(server, operator)
    open_sign_in(page, server, "/operator/users")
    send_sign_in(page, operator.email)
    heading = page.get_by_role("heading", level=1)
    code = page.get_by_label("Code", exact=True)
    expect(heading.get_by_text("Users").or_(code)).to_be_visible()
    if code.count():
        code.fill(first)
        page.get_by_role("button", name="Continue").click()
    expect(heading).to_have_text("Users")
    open_view(page, server, f"{OPERATOR}/users/{id_of(server, buyer)}", heading="Ada Lovelace")
    decide(page, "Deactivate")
    page.get_by_label("Code", exact=True).fill(second)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Activate", exact=True)).to_be_visible()


def test_limits_and_quotas_of_a_user_are_set_and_removed(
    operating: Page, server: LiveServer
) -> None:
    buyer = new_account(server)
    path = f"{OPERATOR}/users/{id_of(server, buyer)}/limits"
    open_view(operating, server, path, heading="Ada Lovelace")
    change = operating.get_by_role("button", name="Change the limit of Purchases, per day")
    change.click()
    dialog = operating.get_by_role("dialog")
    dialog.get_by_label("At most").fill("1.234,5")
    dialog.get_by_role("button", name="Change").click()
    expect(dialog.get_by_text("This can be read in two ways.")).to_be_visible()
    dialog.get_by_label("At most").fill("75")
    dialog.get_by_role("button", name="Change").click()
    expect(operating.get_by_text("$75.00").first).to_be_visible()
    decide(operating, "Remove the own limit of Purchases, per day", reason=None)
    expect(operating.get_by_text("$75.00")).to_have_count(0)

    operating.get_by_role("button", name="Change the quota of Products").click()
    dialog.get_by_label("At most").fill("7")
    dialog.get_by_role("button", name="Change").click()
    row = operating.get_by_role("row", name=re.compile("^Products"))
    expect(row).to_contain_text("Own")
    expect(row).to_contain_text("7")


def test_a_contradiction_of_a_bank_is_explained_and_dismissed(
    operating: Page, server: LiveServer
) -> None:
    reference = add_contradiction(server)
    operating.get_by_role("navigation", name="Main").get_by_role("link", name="Bank").click()
    operating.get_by_role("link", name="Inbound events").click()
    expect(operating.get_by_label("State")).to_have_value("QUARANTINED")
    expect(operating.get_by_text("We have no such record").first).to_be_visible()
    expect(operating.get_by_text(re.compile("^Our record of this payment")).first).to_be_visible()
    decide(operating, f"Dismiss the event about {reference}", reason="The bank has it back")
    expect(operating.get_by_text(reference)).to_have_count(0)
    open_view(operating, server, f"{OPERATOR}/bank/events?reference={reference}", heading="Bank")
    expect(operating.locator(".badge", has_text="Dismissed")).to_be_visible()


def test_an_event_that_cannot_be_delivered_is_skipped(operating: Page, server: LiveServer) -> None:
    new_account(server)
    add_parked_event(server)
    open_view(operating, server, f"{OPERATOR}/events/sinks", heading="Events")
    row = operating.get_by_role("row", name=re.compile("old-mirror"))
    expect(row).to_contain_text("does not answer")
    row.get_by_role("link", name="1").click()
    expect(operating.get_by_label("State")).to_have_value("PARKED")
    decide(operating, operating.get_by_role("button", name=re.compile("^Skip .* old-mirror")))
    expect(operating.get_by_role("button", name="Clear the filters").last).to_be_visible()
    operating.get_by_role("link", name="Sinks").click()
    dialog = decide(operating, "Delete the sink old-mirror", reason=None)
    expect(dialog.get_by_role("alert")).to_contain_text("The sink is in use")


def test_a_refund_that_the_provider_refuses_is_settled_by_hand(
    operating: Page, server: LiveServer
) -> None:
    order = bought(server)
    refund_id = add_refused_refund(server, order["id"])
    operating.get_by_role("navigation", name="Main").get_by_role("link", name="Orders").click()
    operating.get_by_role("link", name="Refunds to decide").click()
    expect(operating.get_by_text("charge_disputed").first).to_be_visible()
    settle = operating.get_by_role("button", name=f"Settle the refund of order {order['number']}")
    settle.click()
    dialog = operating.get_by_role("dialog")
    dialog.get_by_label("The buyer was paid outside of this system").check()
    dialog.get_by_label("Reason").fill("Paid by cheque")
    dialog.get_by_role("button", name="Settle").click()
    # This server has no payment provider, which is asked first: nothing has changed.
    expect(dialog.get_by_role("alert").first).not_to_be_empty()

    sent: list[Any] = []

    def accept(route: Route) -> None:
        sent.append((route.request.url, json.loads(route.request.post_data or "{}")))
        route.fulfill(json={"id": refund_id, "status": "SUCCEEDED"})

    operating.route("**/api/v1/admin/refunds/*/settle", accept)
    dialog.get_by_role("button", name="Settle").click()
    expect(operating.get_by_text("The refund is settled.")).to_be_visible()
    ((url, body),) = sent
    assert url.endswith(f"/admin/refunds/{refund_id}/settle")
    assert body == {"destination": "EXTERNAL", "reason": "Paid by cheque"}


def test_a_statement_is_compared_and_what_is_safe_is_settled(
    operating: Page, server: LiveServer
) -> None:
    buyer = new_account(server)
    body = {"amount": "25.00", "provider": "HDFC"}
    onramp = call(server, buyer.token, "POST", "/onramp", body)
    day = onramp["createdAt"][:10]
    lines = [
        "date,reference,bankReference,direction,amount,currency,status",
        f"{day},{onramp['token']},HDFC-1,CREDIT,25.00,USD,BOOKED",
        f"{day},unknown,HDFC-2,CREDIT,99.00,USD,BOOKED",
    ]
    open_view(operating, server, f"{OPERATOR}/bank/reconciliation", heading="Bank")
    operating.get_by_role("button", name="Compare").click()
    expect(operating.get_by_text("Choose the bank's statement.")).to_be_visible()
    operating.get_by_label("Statement").set_input_files(
        {"name": "november.csv", "mimeType": "text/csv", "buffer": "\r\n".join(lines).encode()}
    )
    operating.get_by_role("button", name="Compare").click()
    expect(operating.get_by_role("heading", name="Result")).to_be_visible()
    expect(operating.get_by_text("Missing in our records")).to_be_visible()
    with operating.expect_download() as saved:
        operating.get_by_role("button", name="Download as CSV").click()
    assert "HDFC-2" in saved.value.path().read_text()
    decide(operating, "Settle 1", reason=None)
    expect(operating.get_by_text("The differences are settled.")).to_be_visible()
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "25.00"


def test_a_buyer_cannot_see_what_operators_see(page: Page, server: LiveServer) -> None:
    buyer = new_account(server)
    open_sign_in(page, server, "/operator/users")
    send_sign_in(page, buyer.email)
    expect(page.get_by_text("Your account cannot open this page")).to_be_visible()


def test_filters_that_the_api_would_refuse_are_explained(
    operating: Page, server: LiveServer
) -> None:
    open_view(operating, server, f"{OPERATOR}/audit?targetId=42", heading="Audit log")
    expect(operating.get_by_label("ID of the target")).to_have_attribute("aria-invalid", "true")
    expect(operating.get_by_text("The whole ID")).to_be_visible()
    operating.get_by_role("button", name="Clear the filters").click()
    expect(operating).to_have_url(f"{server.url}/app{OPERATOR}/audit")


def bought(server: LiveServer, *, name: str = "Grue Editor") -> dict[str, Any]:
    """An order that is paid from a wallet."""
    seller = new_account(server, role="MERCHANT")
    buyer = new_account(server, balance="50.00")
    return buy(server, buyer, add_licence_product(server, seller, name=name))


@pytest.fixture(scope="module")
def views(server: LiveServer) -> dict[str, str]:
    """Addresses and headings of all views of this part, with something to show."""
    order = bought(server, name=(LONG * 3)[:200])
    user_id = order["userId"]

    detail = call(server, new_operator(server).token, "GET", f"/admin/users/{user_id}")
    wallet_id = detail["wallets"][0]["id"]
    named = new_account(server, role="MERCHANT")
    names = {"firstName": "عبد الرحمن", "lastName": "الخوارزمي" * 5}
    call(server, named.token, "PATCH", "/auth/me", names)
    call(server, named.token, "POST", "/onramp", {"amount": "25.00", "provider": "HDFC"})
    add_contradiction(server)
    add_parked_event(server, sink="a-sink-with-a-very-long-name-indeed")
    add_refused_refund(server, order["id"])
    return {
        "/users": "Users",
        "/users?q=nobody-has-this-name": "Users",
        "/users/wallets": "Wallets",
        f"/users/{user_id}": "Ada Lovelace",
        f"/users/{user_id}/limits": "Ada Lovelace",
        f"/users/{user_id}/wallets/{wallet_id}": "Wallet: Ada Lovelace",
        "/users/01a21c0c-d75d-772c-9ad6-906d69e3b04c": "Users",
        "/orders": "Orders",
        f"/orders?buyerId={user_id}": "Orders",
        "/orders/refunds": "Orders",
        f"/orders/{order['id']}": f"Order {order['number']}",
        "/bank": "Bank",
        "/bank/payouts": "Bank",
        "/bank/events": "Bank",
        "/bank/reconciliation": "Bank",
        "/events": "Events",
        "/events/sinks": "Events",
        "/audit": "Audit log",
        "/audit?targetId=42": "Audit log",
    }


def test_all_views_are_accessible(
    themed_page: Page, server: LiveServer, operator: Account, views: dict[str, str]
) -> None:
    page = themed_page
    sign_in(page, server, operator, "/operator/users", heading="Users")
    for path, heading in views.items():
        open_view(page, server, OPERATOR + path, heading=heading)
        check(page)
    page.get_by_role("button", name="Clear the filters").first.click()
    open_view(page, server, f"{OPERATOR}/bank/events", heading="Bank")
    page.get_by_role("button", name=re.compile("^Dismiss")).first.click()
    page.get_by_role("dialog").locator("button[type=submit]").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    check(page)
