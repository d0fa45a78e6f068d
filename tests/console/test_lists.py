"""Lists in the order that was chosen, their exports, and what is reached from them."""

import csv
import io
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import chromium, page
from tests.console.accessibility import check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import (
    Account,
    add_licence_product,
    buy,
    call,
    open_view,
    same_origin,
    server_of_module,
    sign_in,
)
from tests.console.merchant_sales import Sales, make_sales
from tests.console.merchants import create
from tests.console.operators import new_operator
from tests.live import LiveServer

pytestmark = pytest.mark.stress

__all__ = ["chromium", "page", "same_origin", "themed_page"]  # fixtures, found by name

server = server_of_module("lists")


@pytest.fixture(scope="module")
def sales(server: LiveServer) -> Sales:
    return make_sales(server)


@pytest.fixture(scope="module")
def operator(server: LiveServer) -> Account:
    return new_operator(server)


def first_row(page: Page) -> Locator:
    return page.locator("tbody tr").first


def saved_rows(page: Page) -> list[dict[str, Any]]:
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export CSV").click()
    text = saved.value.path().read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_an_operator_sorts_and_exports_orders_and_refunds_one(
    page: Page, server: LiveServer, sales: Sales, operator: Account
) -> None:
    sign_in(page, server, operator, "/operator/orders", heading="Orders")
    when = page.get_by_role("columnheader", name="Created")
    expect(when).to_have_attribute("aria-sort", "descending")
    when.get_by_role("button").press("Enter")
    expect(when).to_have_attribute("aria-sort", "ascending")
    expect(first_row(page)).to_contain_text(sales.number)
    expect(page).to_have_url(re.compile("sort=oldest"))
    page.get_by_label("State").select_option("Complete")
    assert len(saved_rows(page)) == page.locator("tbody tr").count()

    balance = call(server, sales.buyer.token, "GET", "/wallet")["balance"]
    open_view(page, server, f"/operator/orders/{sales.order_id}", heading=f"Order {sales.number}")
    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_label("Some units").check()
    preview = page.get_by_role("region", name="What moves")
    expect(preview).to_contain_text("From the merchant's wallet")
    page.get_by_role("button", name="Refund $10.00").click()
    expect(page.get_by_text("Say why you refund this order.")).to_be_visible()
    page.get_by_label("Reason").fill("The shop does not answer")
    page.get_by_role("button", name="Refund $10.00").click()
    expect(page.get_by_text("By an administrator, for the merchant")).to_be_visible()
    expect(page.get_by_text("The shop does not answer")).to_be_visible()
    now = call(server, sales.buyer.token, "GET", "/wallet")["balance"]
    assert (balance, now) == ("870.00", "880.00")


def test_a_merchant_sorts_products(page: Page, server: LiveServer, sales: Sales) -> None:
    create(server, sales.seller, name="Atlas", price="99.00")
    sign_in(page, server, sales.seller, "/merchant/products?sort=nothing", heading="Products")
    created = page.get_by_role("columnheader", name="Created")
    expect(created).to_have_attribute("aria-sort", "descending")
    price = page.get_by_role("columnheader", name="Price")
    price.get_by_role("button").click()
    expect(price).to_have_attribute("aria-sort", "ascending")
    expect(first_row(page)).to_contain_text("$12.50")
    price.get_by_role("button").click()
    expect(first_row(page)).to_contain_text("$99.00")
    page.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(first_row(page)).to_contain_text("An extraordinarily long")
    page.go_back()
    expect(first_row(page)).to_contain_text("$99.00")
    page.set_viewport_size({"width": 320, "height": 800})
    page.get_by_role("button", name="Name").click()
    expect(first_row(page)).to_contain_text("An extraordinarily long")


def test_orders_with_a_coupon_and_requests_by_state(
    page: Page, server: LiveServer, sales: Sales
) -> None:
    sign_in(page, server, sales.seller, f"/merchant/coupons/{sales.coupon_id}", heading="SPRING")
    page.get_by_role("link", name="Show the orders").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(first_row(page)).to_contain_text(sales.number)
    assert [row["couponCode"] for row in saved_rows(page)] == ["SPRING"]
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.locator("tbody tr")).to_have_count(5)

    page.get_by_role("link", name="Refund requests").click()
    expect(page.get_by_role("button", name="Decline").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Decline")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Decline").click()
    expect(page.locator(".badge", has_text="Declined")).to_have_count(1)
    page.get_by_label("State").select_option("Declined")
    expect(page.locator(".request")).to_have_count(1)
    page.get_by_label("State").select_option("Needs an answer")
    expect(page.locator(".request")).to_have_count(2)


def test_a_sold_licence_is_found_and_revoked(page: Page, server: LiveServer, sales: Sales) -> None:
    product_id = add_licence_product(server, sales.seller, name="Night Editor")
    orders = [buy(server, user, product_id) for user in (sales.buyer, sales.other)]
    sign_in(page, server, sales.seller, f"/merchant/products/{product_id}", heading="Night Editor")
    page.get_by_role("link", name="Sold licences").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Buyer's email address").fill(sales.buyer.email)
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(first_row(page)).to_contain_text(orders[0]["number"])
    expect(first_row(page)).to_contain_text("0 of 3")
    page.get_by_role("button", name=re.compile("^Revoke")).click()
    page.get_by_role("dialog").get_by_label("Reason").fill("Shared with others")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(first_row(page)).to_contain_text("Shared with others")
    page.get_by_label("State").select_option("Not revoked")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_metadata_of_a_product_is_changed(page: Page, server: LiveServer, sales: Sales) -> None:
    product_id = create(server, sales.seller, name="Globe", metadata={"sku": "G-1"})
    sign_in(page, server, sales.seller, f"/merchant/products/{product_id}", heading="Globe")

    def saved() -> Any:
        return call(server, sales.seller.token, "GET", f"/products/{product_id}")["metadata"]

    page.get_by_role("button", name="Add a pair").click()
    page.get_by_label("Value 2").fill("12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Each value needs a name.")).to_be_visible()
    page.get_by_label("Name 2").fill("shelf")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    assert saved() == {"sku": "G-1", "shelf": "12"}
    page.get_by_role("button", name="Remove pair 1").click()
    page.get_by_role("button", name="Remove pair 1").click()
    expect(page.get_by_label("Name 1")).to_have_count(0)
    with page.expect_response(re.compile(f"/products/{product_id}$")):
        page.get_by_role("button", name="Save").click()
    assert saved() is None


def test_a_buyer_finds_requests_and_the_first_posting(
    page: Page, server: LiveServer, sales: Sales
) -> None:
    sign_in(page, server, sales.other, "/purchases", heading="Purchases")
    page.get_by_role("link", name="Refund requests").click()
    expect(page.locator(".list li")).to_have_count(3)
    page.get_by_label("State").select_option("Approved")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    open_view(page, server, "/transactions", heading="Activity")
    page.get_by_role("columnheader", name="Date").get_by_role("button").click()
    expect(first_row(page)).to_contain_text("$900.00")


def test_views_are_accessible(
    themed_page: Page, server: LiveServer, sales: Sales, operator: Account
) -> None:
    page = themed_page
    product_id = create(server, sales.seller, name="W" * 120, metadata={"sku": "W" * 40})
    sign_in(page, server, sales.seller, "/merchant/products?sort=-price", heading="Products")
    check(page, "products")
    licences = f"/merchant/products/{sales.product_id}/licences"
    for path, heading in {
        licences: "Sold licences",
        f"{licences}?isRevoked=true": "Sold licences",
        f"/merchant/products/{product_id}": "W" * 120,
        "/merchant/orders?sort=oldest": "Orders",
        f"/merchant/orders?couponId={sales.coupon_id}": "Orders",
        "/merchant/refund-requests?status=OPEN": "Refund requests",
        "/purchases/refund-requests": "Refund requests",
    }.items():
        open_view(page, server, path, heading=heading)
        check(page, path)


def test_views_of_operators_and_buyers_are_accessible(
    themed_page: Page, server: LiveServer, sales: Sales, operator: Account
) -> None:
    page = themed_page
    order = buy(server, sales.buyer, sales.product_id)
    sign_in(page, server, operator, "/operator/users?sort=oldest", heading="Users")
    check(page, "users")
    for path, heading in {
        "/operator/orders?sort=oldest": "Orders",
        f"/operator/orders/{order['id']}/refund": f"Refund order {order['number']}",
        "/operator/bank": "Bank",
        "/operator/cases?show=all": "Reviews",
        "/purchases/refund-requests": "Refund requests",
    }.items():
        open_view(page, server, path, heading=heading)
        check(page, path)
