"""Every view of a merchant's products, and uploads that take longer."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, page
from tests.console.accessibility import ARABIC, LONG, check
from tests.console.accessibility import page as themed_page
from tests.console.helpers import (
    Account,
    add_code_product,
    add_licence_product,
    buy,
    new_account,
    open_view,
    server_of_module,
    sign_in,
)
from tests.console.merchants import create, seller, text_file
from tests.images.helpers import picture
from tests.live import LiveServer

__all__ = ["chromium", "page", "seller", "themed_page"]  # fixtures, which pytest finds by name

server = server_of_module("merchant")


@pytest.mark.stress
def test_many_codes_are_added_with_progress(
    page: Page, server: LiveServer, seller: Account
) -> None:
    product_id = create(server, seller, kind="CODES", availableUnits=0)
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}/codes", heading="Codes")
    page.get_by_label("From a file").check()
    codes = "\n".join(f"CARD-{number:06}" for number in range(4000))
    page.get_by_label("Choose a text or CSV file").set_input_files(
        text_file("codes.txt", codes, "text/plain")
    )
    page.get_by_role("button", name="Add 4,000 codes").click()
    expect(page.get_by_role("progressbar", name="Adding codes")).to_be_visible()
    with server.worker():
        expect(page.get_by_text("4,000 codes are on sale.")).to_be_visible(timeout=60_000)


@pytest.mark.stress
def test_views_are_accessible(themed_page: Page, server: LiveServer, seller: Account) -> None:
    page = themed_page
    empty = new_account(server, role="MERCHANT")
    licence = add_licence_product(server, seller)
    for name in (LONG * 3, ARABIC, "W" * 120):
        add_licence_product(server, seller, name=name[:200])
    codes = add_code_product(server, seller, ["GIFT-1", "GIFT-2"], name="W" * 120)
    film = create(server, seller, kind="FILE")
    image = server.call(
        "POST",
        f"/api/v1/products/{licence}/images?alt=A%20bird",
        data=picture(300, 200),
        token=seller.token,
        headers={"Content-Type": "image/png"},
    )
    assert image.status == 201
    buyer = new_account(server, balance="90.00")
    for product_id in (licence, codes):
        buy(server, buyer, product_id)
    table = f"id,name,price,availableUnits\n{licence},{'W' * 120},24.99,\n,Map,5,3\n"
    for account, paths in (
        (empty, ("/merchant", "/merchant/products")),
        (
            seller,
            (
                "/merchant",
                "/merchant?days=1",
                "/merchant/products",
                "/merchant/products?q=nothing",
                "/merchant/products/new",
                f"/merchant/products/{licence}",
                f"/merchant/products/{codes}",
                f"/merchant/products/{codes}/codes",
                f"/merchant/products/{film}",
                "/merchant/products/01a21c0c-d75d-772c-9ad6-906d69e3b04c",
                "/merchant/shop",
                "/merchant/products/import",
            ),
        ),
    ):
        page.context.clear_cookies()
        sign_in(page, server, account, heading="Overview")
        for path in paths:
            open_view(page, server, path, heading=re.compile("."))
            check(page, path)
    choose = page.get_by_label("Choose a CSV file")
    choose.set_input_files(text_file("products.csv", "name,price\nMap,much\n"))
    expect(page.get_by_text("line 2: price")).to_be_visible()
    check(page)
    choose.set_input_files(text_file("products.csv", table))
    expect(page.get_by_text("1 new, 1 changed, 0 unchanged")).to_be_visible()
    check(page)
    open_view(page, server, f"/merchant/products/{codes}/codes", heading="Codes")
    page.get_by_label("Codes", exact=True).fill("GIFT-1\nGIFT-3")
    page.get_by_role("button", name="Check the codes").click()
    expect(page.get_by_text("The file has 2 codes.")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Revoke ••").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page)
