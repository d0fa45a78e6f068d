"""Requests, codes, withdrawals, receipts, refunds and the account of a buyer, in a real browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, page
from tests.console.accessibility import check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import (
    Account,
    add_licence_product,
    buy,
    call,
    new_account,
    open_view,
    server_of_module,
    sign_in,
)
from tests.live import PASSWORD, LiveServer

pytestmark = pytest.mark.stress

__all__ = ["chromium", "page", "themed_page"]  # fixtures, which pytest finds by name

LONG = "An extraordinarily long reason that does not end where anybody would expect it to end "
ARABIC = "غداء يوم الجمعة"
#: A camera that shows a code of this text. There is neither in a headless browser.
CAMERA = """
    (text) => {
        window.BarcodeDetector = class {
            async detect() { return [{ rawValue: text }]; }
        };
        navigator.mediaDevices.getUserMedia = async () => {
            const canvas = document.createElement("canvas");
            canvas.getContext("2d").fillRect(0, 0, 1, 1);
            return canvas.captureStream(1);
        };
    }
"""

server = server_of_module("wallet", TWO_FACTOR_ABOVE="500.00")


def request_money(server: LiveServer, account: Account, **fields: Any) -> Any:
    return call(server, account.token, "POST", "/payment-requests", fields)


def save_bank_account(server: LiveServer, account: Account, **fields: Any) -> Any:
    body = {
        "provider": "HDFC",
        "holder": "Ada Lovelace",
        "number": "50100123453456",
        "routing": "HDFC0001234",
        "password": PASSWORD,
    }
    return call(server, account.token, "POST", "/wallet/bank-accounts", body | fields)


def transactions_of(server: LiveServer, account: Account) -> list[Any]:
    rows: list[Any] = call(server, account.token, "GET", "/wallet/transactions")["data"]
    return rows


def test_money_is_requested_and_paid_by_the_link(page: Page, server: LiveServer) -> None:
    payee, payer = new_account(server), new_account(server, balance="40.00")
    sign_in(page, server, payee)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Request").click()
    page.get_by_label("Amount").fill("12,5")
    page.get_by_label("What for").fill("Lunch on Friday")
    page.get_by_role("button", name="Create the request").click()
    expect(page.get_by_role("img", name="QR code of the payment link")).to_be_visible()
    (made,) = call(server, payee.token, "GET", "/payment-requests")["data"]

    with page.context.browser.new_context() as other:  # type: ignore[union-attr]
        theirs = other.new_page()
        sign_in(theirs, server, payer)
        theirs.get_by_role("navigation", name="Main").get_by_role("link", name="Pay a code").click()
        theirs.get_by_role("button", name="Continue").click()
        expect(theirs.get_by_text("Paste the link of a code")).to_be_visible()
        theirs.get_by_label("Payment link").fill("https://example.com/something")
        theirs.get_by_role("button", name="Continue").click()
        expect(theirs.get_by_text("This is not a payment link of ours.")).to_be_visible()
        theirs.get_by_label("Payment link").fill(made["link"])
        theirs.get_by_role("button", name="Continue").click()
        expect(theirs.get_by_text("Lunch on Friday")).to_be_visible()
        theirs.get_by_role("button", name="Pay $12.50").dblclick()
        expect(theirs.get_by_role("heading", name="Paid")).to_be_visible()
        with theirs.expect_popup() as receipt:
            theirs.get_by_role("button", name="Receipt").click()
        expect(receipt.value.get_by_text("$12.50").first).to_be_visible()

    expect(page.get_by_text("Paid", exact=True)).to_be_visible()  # it notices by itself
    assert call(server, payer.token, "GET", "/wallet")["balance"] == "27.50"


def test_a_request_to_one_person_is_declined_or_cancelled(page: Page, server: LiveServer) -> None:
    payee, payer = new_account(server), new_account(server)
    declined, cancelled = (
        request_money(server, payee, payer={"email": payer.email}, amount="5.00", note=note)["id"]
        for note in ("First", "Second")
    )
    sign_in(page, server, payer)
    open_view(page, server, "/request/all?role=payer", heading="All requests")
    page.get_by_role("link", name="First").click()
    page.get_by_role("button", name="Decline").click()
    page.get_by_role("dialog").get_by_role("button", name="Decline").click()
    expect(page.get_by_text("The request is declined.")).to_be_visible()
    path = f"/payment-requests/{declined}"
    assert call(server, payer.token, "GET", path)["status"] == "DECLINED"

    call(server, payee.token, "POST", f"/payment-requests/{cancelled}/cancel")
    page.go_back()
    page.get_by_role("link", name="Second").click()
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Pay", exact=True)).to_have_count(0)


def test_a_request_to_somebody_unknown_is_refused_beside_the_field(
    page: Page, server: LiveServer
) -> None:
    sign_in(page, server, new_account(server))
    open_view(page, server, "/request", heading="Request money")
    field = page.get_by_label("From")
    for text in ("nobody@example.com", "12"):
        field.fill(text)
        page.get_by_role("button", name="Create the request").click()
        expect(field).to_have_attribute("aria-invalid", "true")
        field.fill("")


def test_a_merchants_code_is_scanned_and_paid(page: Page, server: LiveServer) -> None:
    seller, buyer = new_account(server, role="MERCHANT"), new_account(server, balance="60.00")
    product_id = add_licence_product(server, seller)
    code = call(server, seller.token, "POST", "/merchant-codes", {"productId": product_id})
    page.add_init_script(f"({CAMERA})({code['link']!r})")
    sign_in(page, server, buyer)
    open_view(page, server, "/pay", heading="Pay a code")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.get_by_text("Grue Editor")).to_be_visible()
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Pay $25.00").click()
    page.get_by_role("link", name="Open your purchase").click()
    expect(page.get_by_role("heading", name="Your goods")).to_be_visible()


def test_a_blocked_camera_is_explained(page: Page, server: LiveServer) -> None:
    page.add_init_script(f"({CAMERA})('')")
    page.add_init_script("""navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("", "NotAllowedError");
    }""")
    sign_in(page, server, new_account(server))
    open_view(page, server, "/pay", heading="Pay a code")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.get_by_text("The camera is blocked for this page.")).to_be_visible()


def test_money_is_withdrawn_to_a_new_bank_account(page: Page, server: LiveServer) -> None:
    buyer = new_account(server, balance="40.00")
    sign_in(page, server, buyer)
    open_view(page, server, "/withdraw", heading="Withdraw")
    page.get_by_role("link", name="Add a bank account").click()
    page.get_by_role("button", name="Add a bank account").click()
    page.get_by_role("button", name="Save the account").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(4)
    page.get_by_label("Account holder").fill("Ada Lovelace")
    page.get_by_label("Account number or IBAN").fill("5010 0123 4534 56")
    page.get_by_label("Bank code").fill("HDFC0001234")
    page.get_by_label("Name for yourself").fill("Savings")
    page.get_by_label("Your password").fill("not-my-password")
    page.get_by_role("button", name="Save the account").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Save the account").click()
    expect(page.get_by_text(re.compile("Savings, HDFC .*3456"))).to_be_visible()

    open_view(page, server, "/withdraw", heading="Withdraw")
    page.get_by_label("Amount").first.fill("15")
    page.get_by_role("button", name="Withdraw $15.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Withdrawal")
    expect(page.get_by_text(re.compile("Savings, HDFC .*3456"))).to_be_visible()
    wallet = call(server, buyer.token, "GET", "/wallet")
    assert (wallet["available"], wallet["held"]) == ("25.00", "15.00")

    open_view(page, server, "/settings/bank-accounts", heading="Settings")
    page.get_by_role("button", name=re.compile("^Remove Savings")).click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No bank account yet")).to_be_visible()


def test_one_transaction_has_its_receipt(page: Page, server: LiveServer) -> None:
    payer, payee = new_account(server, balance="40.00"), new_account(server)
    transfer = {"recipient": {"email": payee.email}, "amount": "7.00", "note": "Thank you"}
    call(server, payer.token, "POST", "/transfers", transfer)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, server, payer)
    page.get_by_role("link", name=re.compile("Sent")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Transaction")
    expect(page.get_by_text("-$7.00")).to_be_visible()
    expect(page.get_by_text("Thank you").last).to_be_visible()
    page.get_by_role("button", name="Copy the receipt's link").click()
    expect(page.get_by_text("The receipt's link is copied.")).to_be_visible()
    before = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Replace the link").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace the link").click()
    expect(page.get_by_text("Earlier links no longer work.")).to_be_visible()
    assert server.call("GET", before.removeprefix(before[: before.index("/", 9)])).status == 404


def test_a_refund_is_asked_for_and_the_request_withdrawn(page: Page, server: LiveServer) -> None:
    seller, buyer = new_account(server, role="MERCHANT"), new_account(server, balance="60.00")
    order_id = buy(server, buyer, add_licence_product(server, seller), quantity=2)["id"]
    sign_in(page, server, buyer)
    open_view(page, server, f"/purchases/{order_id}", heading="Grue Editor")
    page.get_by_role("button", name="Ask for a refund").click()
    page.get_by_label("How much").select_option(label="Some of the units")
    page.get_by_label("Units").fill("3")
    page.get_by_label("Reason").fill("One is enough")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_text("Enter a whole number from 1 to 2.")).to_be_visible()
    page.get_by_label("Units").fill("1")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_text("Waiting for the seller")).to_be_visible()
    page.get_by_role("button", name="Withdraw the request").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw the request").click()
    expect(page.get_by_text("Withdrawn", exact=True)).to_be_visible()

    page.get_by_role("button", name="Ask for a refund").click()
    page.get_by_label("Reason").fill("I do not need it")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_text("Waiting for the seller")).to_be_visible()
    (asked,) = call(server, seller.token, "GET", f"/refund-requests?orderId={order_id}&limit=1")[
        "data"
    ]
    call(
        server, seller.token, "POST", f"/refund-requests/{asked['id']}/approve", {"answer": "Sure"}
    )
    page.reload()
    expect(page.get_by_text("Seller: Sure")).to_be_visible()
    expect(page.get_by_text("Paid back")).to_be_visible()
    expect(page.get_by_role("button", name="Ask for a refund")).to_have_count(0)


def test_notifications_are_chosen(page: Page, server: LiveServer) -> None:
    buyer = new_account(server)
    sign_in(page, server, buyer)
    open_view(page, server, "/settings/notifications", heading="Settings")
    box = page.get_by_label("Refunds: Email")
    expect(box).to_be_checked()
    box.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Refunds: Email")).not_to_be_checked()
    expect(page.get_by_label("Security: Email")).to_be_disabled()


def test_a_lost_connection_is_shown_and_comes_back(page: Page, server: LiveServer) -> None:
    buyer = new_account(server, balance="40.00")
    sign_in(page, server, buyer)
    page.context.set_offline(True)
    expect(page.get_by_text("No connection.")).to_be_visible()
    expect(page.get_by_test_id("available")).to_have_text("$40.00")  # it stays
    call(server, buyer.token, "POST", "/wallet/deposit", {"amount": "2.00"})
    page.context.set_offline(False)
    expect(page.get_by_text("You are connected again.")).to_be_visible()
    expect(page.get_by_text("No connection.")).to_have_count(0)
    expect(page.get_by_test_id("available")).to_have_text("$42.00")


def test_a_payment_under_review_is_not_called_paid(page: Page, server: LiveServer) -> None:
    payer, payee = new_account(server, balance="40.00"), new_account(server)
    review = {
        "object": "review",
        "id": "01a21c0c-d75d-772c-9ad6-906d69e3b04c",
        "amount": "5.00",
        "currency": "USD",
        "expiresAt": "2099-01-01T00:00:00Z",
    }
    sign_in(page, server, payer)
    page.route("**/api/v1/transfers", lambda route: route.fulfill(status=202, json=review))
    open_view(page, server, "/send", heading="Send money")
    page.get_by_label("Recipient").fill(payee.email)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Amount").fill("5")
    page.get_by_role("button", name="Send $5.00").click()
    expect(page.get_by_role("heading", name="We are checking this payment")).to_be_visible()


@pytest.fixture(scope="module")
def views(server: LiveServer) -> tuple[Account, dict[str, str]]:
    """A buyer, and addresses and headings of all views, with something to show."""
    buyer = new_account(server, balance="900.00")
    other = new_account(server, balance="90.00")
    seller = new_account(server, role="MERCHANT")
    asked = request_money(server, buyer, amount="12.50", note=LONG * 2)
    open_amount = request_money(server, other, payer={"email": buyer.email}, note=ARABIC)
    product_id = add_licence_product(server, seller, name="W" * 120)
    printed = call(server, seller.token, "POST", "/merchant-codes", {"productId": product_id})
    account = save_bank_account(server, buyer, holder=ARABIC, label="Savings for bad times " * 2)
    payout = {"bankAccountId": account["id"], "amount": "15.00", "description": LONG}
    payout_id = call(server, buyer.token, "POST", "/wallet/payouts", payout)["id"]
    transfer = {"recipient": {"email": other.email}, "amount": "7.00", "note": ARABIC}
    call(server, buyer.token, "POST", "/transfers", transfer)
    order_id = buy(server, buyer, product_id, quantity=2)["id"]
    refund = {"reason": LONG, "units": 1}
    call(server, buyer.token, "POST", f"/orders/{order_id}/refund-requests", refund)
    purchase, sent, *_ = transactions_of(server, buyer)
    return buyer, {
        "/": "Hello, Ada",
        "/request": "Request money",
        "/request/all": "All requests",
        "/request/all?role=payer": "All requests",
        f"/request/{asked['id']}": "Payment request",
        f"/request/{open_amount['id']}": "Payment request",
        "/pay": "Pay a code",
        f"/pay/{open_amount['token']}": "Pay a code",
        f"/pay/{printed['token']}": "Pay a code",
        f"/pay/{'A' * 22}": "Pay a code",
        "/withdraw": "Withdraw",
        "/withdraw/all": "All withdrawals",
        f"/withdraw/{payout_id}": "Withdrawal",
        "/transactions": "Activity",
        f"/transactions/{purchase['id']}": "Transaction",
        f"/transactions/{sent['id']}": "Transaction",
        f"/purchases/{order_id}": "W" * 120,
        "/settings/notifications": "Settings",
        "/settings/bank-accounts": "Settings",
        "/settings/limits": "Settings",
    }


def test_all_views_are_accessible_and_fit(
    themed_page: Page, server: LiveServer, views: tuple[Account, dict[str, str]]
) -> None:
    page = themed_page
    buyer, addresses = views
    sign_in(page, server, buyer)
    for path, heading in addresses.items():
        open_view(page, server, path, heading=heading)
        check(page)
    open_view(page, server, "/settings/bank-accounts", heading="Settings")
    page.get_by_role("button", name="Add a bank account").click()
    check(page)
    page.get_by_role("button", name=re.compile("^Remove")).click()
    check(page)
    page.context.set_offline(True)
    expect(page.get_by_text("No connection.")).to_be_visible()
    check(page)
