"""What buyers save and print, and the machines of their licences."""

import csv
import io

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import chromium, page
from tests.console.helpers import (
    add_licence_product,
    buy,
    call,
    new_account,
    open_view,
    same_origin,
    server_of_module,
    sign_in,
)
from tests.live import PASSWORD, LiveServer

__all__ = ["chromium", "page", "same_origin"]  # fixtures, which pytest finds by name

server = server_of_module("goods")


def saved_rows(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export CSV").click()
    text = saved.value.path().read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.stress
def test_an_interrupted_download_goes_on_and_counts_once(page: Page, server: LiveServer) -> None:
    seller, buyer = new_account(server, role="MERCHANT"), new_account(server, balance="9.00")
    product = {"name": "Rain", "price": "3.00", "kind": "FILE", "availableUnits": 5}
    product_id = call(server, seller.token, "POST", "/products", product)["id"]
    content = bytes(range(256)) * 4000
    uploaded = server.call(
        "PUT",
        f"/api/v1/products/{product_id}/file?name=rain.bin",
        data=content,
        token=seller.token,
        headers={"Content-Type": "application/octet-stream"},
    )
    assert uploaded.status < 300, uploaded.text
    order = buy(server, buyer, product_id)
    ranges: list[tuple[str | None, str | None]] = []
    etags: list[str] = []

    def pass_half(route: Route) -> None:
        headers = route.request.headers
        ranges.append((headers.get("range"), headers.get("if-range")))
        if len(ranges) > 1:
            route.continue_()
            return
        answer = route.fetch()
        half = answer.body()[: len(content) // 2]
        etags.append(answer.headers["etag"])
        kept = {"Content-Type": "application/octet-stream", "ETag": etags[0]}
        route.fulfill(status=200, body=half, headers=kept)

    page.route("**/downloads/*", pass_half)
    sign_in(page, server, buyer, f"/purchases/{order['id']}", heading="Rain")
    expect(page.get_by_text("5 downloads left")).to_be_visible()
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_text("What has arrived is kept.")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Continue").click()
    assert saved.value.suggested_filename == "rain.bin"
    assert saved.value.path().read_bytes() == content
    assert ranges == [(None, None), (f"bytes={len(content) // 2}-", etags[0])]
    expect(page.get_by_text("4 downloads left")).to_be_visible()


@pytest.mark.stress
def test_a_licence_is_taken_off_a_machine(page: Page, server: LiveServer) -> None:
    seller, buyer = new_account(server, role="MERCHANT"), new_account(server, balance="50.00")
    order = buy(server, buyer, add_licence_product(server, seller, name="Grue Editor"))
    goods = call(server, buyer.token, "GET", f"/orders/{order['id']}/delivery")
    for instance, label in (("m-1", "Ada's laptop"), ("m-2", None)):
        body = {"key": goods["licences"][0]["key"], "instance": instance, "label": label}
        assert server.call("POST", "/api/v1/licences/activate", body).status < 300
    sign_in(page, server, buyer, f"/purchases/{order['id']}", heading="Grue Editor")
    expect(page.get_by_text("Active on 2 of 3 machines")).to_be_visible()
    page.get_by_text("Show the machines").click()
    expect(page.get_by_text("m-2")).to_be_visible()
    page.get_by_role("button", name="Remove Ada's laptop").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Active on 1 of 3 machines")).to_be_visible()


@pytest.mark.stress
def test_a_new_merchant_is_led_to_the_shop_and_what_a_buyer_sees_is_saved(
    page: Page, server: LiveServer
) -> None:
    page.goto(f"{server.url}/app/register")
    page.get_by_label("For a shop").check()
    page.get_by_label("Email").fill("new-shop@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("link", name="Payouts").click()
    expect(page.get_by_text("No payouts yet")).to_be_visible()

    buyer = new_account(server, balance="50.00")
    orders = [
        buy(
            server, buyer, add_licence_product(server, new_account(server, role="MERCHANT"), name=n)
        )
        for n in ("=1+1", "Maps, old")
    ]
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, server, buyer, "/purchases?status=COMPLETED", heading="Purchases")
    rows = saved_rows(page)
    assert [row["product"] for row in rows] == ["Maps, old", "'=1+1"]
    assert [row["orderId"] for row in rows] == [order["id"] for order in reversed(orders)]
    open_view(page, server, "/transactions?type=PAYMENT", heading="Activity")
    rows = saved_rows(page)
    assert [row["amount"] for row in rows] == ["-12.50", "-12.50"]


@pytest.mark.stress
def test_a_dark_page_is_printed_with_dark_ink(page: Page, server: LiveServer) -> None:
    buyer = new_account(server, balance="5.00")
    sign_in(page, server, buyer, "/transactions", heading="Activity")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    ink = "getComputedStyle(document.querySelector('h1')).color"
    assert page.evaluate(ink) == "rgb(233, 239, 236)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(ink) == "rgb(0, 0, 0)"
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
