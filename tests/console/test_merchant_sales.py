"""A merchant's orders, refunds, coupons, payment codes, webhooks and API keys in the console."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import chromium, page
from tests.console.helpers import (
    add_licence_product,
    buy,
    call,
    expect_view,
    lose_first_answer,
    new_account,
    open_view,
    press_until_focused,
    same_origin,
    server_of_module,
    sign_in,
    sign_in_by_keyboard,
)
from tests.console.merchant_sales import (
    Sales,
    add_endpoint,
    ask_for_refund,
    deliveries_of,
    make_sales,
    wait_for_delivery,
)
from tests.live import PASSWORD, LiveServer, wait_until
from tests.webhooks.receiver import Receiver

__all__ = ["chromium", "page", "same_origin"]  # fixtures, which pytest finds by name

server = server_of_module("sales")


@pytest.fixture(scope="module")
def sales(server: LiveServer) -> Sales:
    return make_sales(server)


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


@pytest.mark.stress
def test_orders_of_a_buyer_are_found_and_exported(
    page: Page, server: LiveServer, sales: Sales
) -> None:
    sign_in(page, server, sales.seller, "/merchant/orders", heading="Orders")
    expect(page.get_by_role("row")).to_have_count(6)
    expect(page.get_by_text("Test mode", exact=True)).to_be_visible()
    page.get_by_label("Buyer's email").fill("nobody")
    page.get_by_label("Buyer's email").press("Enter")
    expect(page.get_by_text("Enter the whole address.")).to_be_visible()
    page.get_by_label("Buyer's email").fill(sales.buyer.email.upper())
    page.get_by_label("Buyer's email").press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    page.reload()
    expect(row(page, sales.number)).to_be_visible()

    with page.expect_download() as saved:
        page.get_by_role("button", name="Export CSV").click()
    content = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    lines = content.splitlines()
    assert len(lines) == 2
    assert sales.buyer.email in lines[1]

    page.get_by_label("Order number").fill("9999-9999-994")
    page.get_by_label("Order number").press("Enter")
    page.get_by_role("main").get_by_role("button", name="Clear the filters").first.click()
    expect(page.get_by_role("row")).to_have_count(6)
    expect(page).to_have_url(f"{server.url}/app/merchant/orders")


def test_an_order_is_refunded_in_part_with_the_keyboard_alone(
    page: Page, server: LiveServer
) -> None:
    seller, buyer = new_account(server, role="MERCHANT"), new_account(server, balance="90.00")
    order = buy(server, buyer, add_licence_product(server, seller), quantity=3)
    sign_in_by_keyboard(page, server, seller, f"/merchant/orders/{order['id']}")
    expect_view(page, f"Order {order['number']}")
    timeline = page.locator(".timeline strong")
    expect(timeline).to_have_text(["Order created", "$37.50 paid", "Goods delivered"])
    link = page.get_by_role("main").get_by_role("link", name="Refund", exact=True)
    press_until_focused(page, link)
    page.keyboard.press("Enter")
    everything = page.get_by_role("radio", name=re.compile("^Everything"))
    expect(everything).to_be_visible()
    expect(page.get_by_role("button", name="Refund $37.50")).to_be_visible()
    press_until_focused(page, everything)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("2")
    preview = page.get_by_role("region", name="What moves")
    expect(preview).to_contain_text(re.compile(r"To the buyer's wallet\s*\$25\.00"))
    expect(preview).to_contain_text(re.compile(r"Units taken back\s*2"))
    expect(preview).to_contain_text(re.compile(r"Can be refunded afterwards\s*\$12\.50"))
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "52.50"
    press_until_focused(page, page.get_by_role("button", name="Refund $25.00"))
    page.keyboard.press("Enter")
    expect(timeline.last).to_have_text("$25.00 refunded")
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "77.50"


def test_a_lost_answer_does_not_refund_twice(page: Page, server: LiveServer) -> None:
    seller, buyer = new_account(server, role="MERCHANT"), new_account(server, balance="90.00")
    order = buy(server, buyer, add_licence_product(server, seller), quantity=2)
    sign_in(page, server, seller, f"/merchant/orders/{order['id']}/refund", heading="Refund")
    lose_first_answer(page, re.compile(r"/refunds$"))
    page.get_by_role("radio", name=re.compile("^An amount")).check()
    page.get_by_label("Amount").last.fill("1.234,5")
    page.get_by_role("button", name="Refund").last.click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    page.get_by_label("Amount").last.fill("5")
    page.get_by_role("button", name="Refund $5.00").click()
    expect(page.locator(".timeline strong").last).to_have_text("$5.00 refunded")
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "70.00"


@pytest.mark.stress
def test_refunds_that_are_too_large_say_so_before_they_are_sent(
    page: Page, server: LiveServer, sales: Sales
) -> None:
    path = f"/merchant/orders/{sales.order_id}/refund"
    sign_in(page, server, sales.seller, path, heading="Refund")
    page.get_by_role("radio", name=re.compile("^Some units")).check()
    page.get_by_label("Units", exact=True).fill("7")
    preview = page.get_by_role("region", name="What moves")
    expect(preview).to_contain_text("exceeds the remaining amount")
    page.get_by_label("Units", exact=True).fill("some")
    expect(preview).to_contain_text("Enter what is refunded")


@pytest.mark.stress
def test_refund_requests_are_answered(page: Page, server: LiveServer) -> None:
    seller, buyer = new_account(server, role="MERCHANT"), new_account(server, balance="90.00")
    product_id = add_licence_product(server, seller)
    first, second = (buy(server, buyer, product_id) for _ in range(2))
    for each in (first, second):
        ask_for_refund(server, buyer, each["id"])
    sign_in(page, server, seller, "/merchant/refund-requests", heading="Refund requests")
    page.get_by_role("button", name=f"Decline the refund of order {first['number']}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Answer to the buyer").fill("Please try the new version.")
    dialog.get_by_role("button", name="Decline", exact=True).click()
    expect(page.get_by_text("Your answer: Please try the new version.")).to_be_visible()
    page.get_by_role("button", name=f"Approve the refund of order {second['number']}").click()
    expect(dialog).to_contain_text(re.compile(r"From your wallet\s*\$12\.50"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name=f"Order {second['number']}").click()
    expect(page.locator(".timeline strong").last).to_have_text(
        "Buyer asks for a refund: everything that is left"
    )
    page.get_by_role("button", name=f"Approve the refund of order {second['number']}").click()
    dialog.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".timeline strong").filter(has_text="You approved")).to_be_visible()
    expect(page.locator(".timeline strong").filter(has_text="$12.50 refunded")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert call(server, buyer.token, "GET", "/wallet")["balance"] == "77.50"


@pytest.mark.stress
def test_a_coupon_is_created_limited_turned_off_and_deleted(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    sign_in(page, server, seller, "/merchant/coupons", heading="Coupons")
    page.get_by_role("main").get_by_role("link", name="New coupon").first.click()
    page.get_by_label("Code").fill("winter")
    page.get_by_label("Percent").fill("250")
    page.get_by_role("button", name="Create the coupon").click()
    expect(page.get_by_text("Enter a percentage of more than 0")).to_be_visible()
    page.get_by_label("Percent").fill("12,5")
    page.get_by_label("Uses in total").fill("5")
    page.get_by_label("Valid until").fill("2099-12-31T18:30")
    page.get_by_role("button", name="Create the coupon").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("WINTER")
    expect(page.get_by_text("12.5% off")).to_be_visible()
    expect(page.get_by_text("0 of 5")).to_be_visible()
    (coupon,) = call(server, seller.token, "GET", "/coupons")["data"]
    assert coupon["endsAt"] == "2099-12-31T18:30:00.000Z"

    page.get_by_label("Uses in total").fill("")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("0 of 5")).to_have_count(0)
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("Off", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No coupons yet")).to_be_visible()


@pytest.mark.stress
def test_a_payment_code_is_created_printed_and_turned_off(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    sign_in(page, server, seller, "/merchant/payment-codes/new", heading="New payment code")
    page.get_by_role("radio", name="A fixed amount").check()
    page.get_by_label("Amount").last.fill("4,5")
    page.get_by_label("Label").fill("Table 4")
    page.get_by_role("button", name="Create the code").click()
    sheet = page.get_by_role("img", name="Sheet to print: QR code of Table 4")
    expect(sheet).to_be_visible()
    assert sheet.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    with page.expect_download() as saved:
        page.get_by_role("button", name="QR code as PNG").click()
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
    page.emulate_media(media="print")
    expect(sheet).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Turn off").click()
    page.get_by_role("dialog").get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("This code is off: nobody can pay it.")).to_be_visible()


@pytest.mark.stress
def test_an_api_key_is_shown_once_and_revoked(page: Page, server: LiveServer) -> None:
    seller = new_account(server, role="MERCHANT")
    sign_in(page, server, seller, "/merchant/api-keys", heading="API keys")
    page.get_by_role("main").get_by_role("link", name="New key").first.click()
    page.get_by_label("Name").fill("Shop server")
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_text("Choose at least one permission.")).to_be_visible()
    page.get_by_role("checkbox", name="Orders and sales: read").check()
    page.get_by_label("Your password").fill("not-my-password")
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Create the key").click()
    key = page.get_by_test_id("secret").inner_text()
    assert server.call("GET", "/api/v1/orders/merchant/sales", token=key).status == 200
    page.get_by_role("button", name="I have stored it").click()
    expect(row(page, "Shop server")).to_contain_text("1 permission")
    assert key not in page.content()
    page.get_by_role("button", name="Revoke the key Shop server").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()
    assert server.call("GET", "/api/v1/orders/merchant/sales", token=key).status == 401


@pytest.mark.stress
def test_a_webhook_is_created_changed_and_its_secret_replaced(
    page: Page, server: LiveServer
) -> None:
    seller = new_account(server, role="MERCHANT")
    sign_in(page, server, seller, "/merchant/webhooks/new", heading="New webhook endpoint")
    page.get_by_label("Address").fill("ftp://127.0.0.1")
    page.get_by_role("button", name="Create the endpoint").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    page.get_by_label("Address").fill("http://127.0.0.1:9/hooks")
    page.get_by_role("radio", name=re.compile("^Only some events")).check()
    page.get_by_role("checkbox", name="Order paid").check()
    page.get_by_role("button", name="Create the endpoint").click()
    secret = page.get_by_test_id("secret").inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("button", name="I have stored it").click()
    expect(page.get_by_text("Order paid", exact=True).first).to_be_visible()

    page.get_by_role("button", name="New secret").click()
    page.get_by_role("dialog").get_by_role("button", name="New secret").click()
    expect(page.get_by_test_id("secret")).not_to_have_text(secret)
    page.get_by_role("main").get_by_role("link", name="Change").click()
    page.get_by_role("radio", name=re.compile("^All events")).check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("All events", exact=True)).to_be_visible()
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("You turned it off.")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()


@pytest.mark.stress
def test_deliveries_are_shown_with_the_order_and_sent_again(page: Page, server: LiveServer) -> None:
    seller, buyer = new_account(server, role="MERCHANT"), new_account(server, balance="90.00")
    product_id = add_licence_product(server, seller)
    with Receiver.open() as receiver, server.worker():
        endpoint_id = add_endpoint(server, seller, receiver.url)
        sign_in(page, server, seller, f"/merchant/webhooks/{endpoint_id}", heading="Shop server")
        page.get_by_role("button", name="Send a test message").click()
        wait_for_delivery(server, seller, endpoint_id)
        order = buy(server, buyer, product_id)
        wait_until(
            lambda: deliveries_of(
                server, seller, endpoint_id, f"&status=DELIVERED&objectId={order['id']}"
            ),
            seconds=60,
        )
        heading = f"Order {order['number']}"
        open_view(page, server, f"/merchant/orders/{order['id']}", heading=heading)
        event = page.locator(".timeline li").filter(has_text="Webhook: Order paid")
        expect(event).to_contain_text("Delivered")
        event.get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Order paid")
        expect(page.get_by_label("What is sent").last).to_contain_text(order["id"])
        expect(page.locator(".attempt")).to_have_count(1)
        before = len(receiver.received)
        page.get_by_role("button", name="Send again").click()
        wait_until(lambda: len(receiver.received) > before, seconds=60)
        open_view(page, server, f"/merchant/webhooks/{endpoint_id}", heading="Shop server")
        expect(page.get_by_role("heading", name="Replays")).to_be_visible()
        expect(page.get_by_text("1 of 1 delivered")).to_be_visible()


@pytest.mark.stress
def test_buyers_cannot_open_the_views_of_merchants(page: Page, server: LiveServer) -> None:
    buyer = new_account(server)
    sign_in(page, server, buyer, "/merchant/orders", heading="My shop")
    expect(page.get_by_role("heading", name="Your account cannot open this page")).to_be_visible()
