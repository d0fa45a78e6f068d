"""A merchant's products in the console, in a real browser."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browser import chromium, page
from tests.console.helpers import (
    Account,
    add_licence_product,
    buy,
    call,
    lose_first_answer,
    new_account,
    open_sign_in,
    open_view,
    press_until_focused,
    send_sign_in,
    server_of_module,
    sign_in,
)
from tests.console.merchants import create, get, seller, text_file
from tests.images.helpers import picture
from tests.live import LiveServer

__all__ = ["chromium", "page", "seller"]  # fixtures, which pytest finds by name

server = server_of_module("products")


def test_a_new_merchant_sells_codes(page: Page, server: LiveServer, seller: Account) -> None:
    sign_in(page, server, seller, heading="Overview")
    expect(page.get_by_text("0 of 7 steps done")).to_be_visible()
    page.get_by_role("link", name="Create a product").click()
    page.get_by_role("button", name="Create the product").click()
    expect(page.get_by_text("Give the product a name.")).to_be_visible()
    page.get_by_label("Name").fill("Coffee card")
    page.get_by_label("Price").fill("1.234,5")
    page.get_by_role("button", name="Create the product").click()
    expect(page.get_by_label("Price")).to_be_focused()
    page.get_by_label("Price").fill("20")
    page.get_by_role("button", name="Create the product").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Codes")
    page.get_by_label("Codes", exact=True).fill("GIFT-1111-AAAA\nGIFT-2222-BBBB\nGIFT-1111-AAAA\n")
    page.get_by_role("button", name="Check the codes").click()
    expect(page.get_by_text("The file has 3 codes.")).to_be_visible()
    expect(page.get_by_text("1 is there already and is left out.")).to_be_visible()
    expect(page.get_by_text("GIFT-2222-BBBB")).to_be_visible()
    page.get_by_role("button", name="Add 2 codes").click()
    expect(page.get_by_role("heading", name="The codes are added")).to_be_visible()
    expect(page.get_by_text("2 codes are on sale.")).to_be_visible()
    expect(page.get_by_text("lines 3")).to_be_visible()
    expect(page.get_by_role("cell", name="••••AAAA", exact=True)).to_be_visible()

    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("2 of 7 steps done")).to_be_visible()
    buyer = new_account(server, balance="50.00")
    (product,) = call(server, seller.token, "GET", "/products/merchant/my-products")
    order_id = buy(server, buyer, product["id"])["id"]
    delivered = call(server, buyer.token, "GET", f"/orders/{order_id}/delivery")
    assert delivered["codes"] == ["GIFT-1111-AAAA"]
    page.get_by_role("link", name="Today").click()
    expect(page.locator(".key-figures")).to_contain_text("$20.00")
    expect(page.get_by_role("region", name="Best products")).to_contain_text("1 unit sold")
    low = page.get_by_role("region", name="Low stock")
    expect(low.get_by_role("link", name=re.compile("Coffee card"))).to_contain_text("1 left")


@pytest.mark.stress
def test_a_table_of_codes_is_understood_by_asking(
    page: Page, server: LiveServer, seller: Account
) -> None:
    product_id = create(server, seller, kind="CODES", availableUnits=0)
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}/codes", heading="Codes")
    page.get_by_label("From a file").check()
    table = "pin;value\n12-34;5\n56-78;10\n"
    page.get_by_label("Choose a text or CSV file").set_input_files(text_file("codes.csv", table))
    page.get_by_label("Names of columns").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Columns to sell").fill("pin")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Sold: pin")).to_be_visible()
    page.get_by_role("button", name="Add 2 codes").click()
    expect(page.get_by_text("2 codes are on sale.")).to_be_visible()

    page.get_by_role("button", name=re.compile("Delete .*78")).click()
    dialog = page.get_by_role("dialog", name="Delete this code?")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("cell", name=re.compile("78$"))).to_have_count(0)
    assert get(server, product_id, seller)["availableUnits"] == 1


@pytest.mark.stress
def test_damaged_codes_are_shown_with_their_lines(
    page: Page, server: LiveServer, seller: Account
) -> None:
    product_id = create(server, seller, kind="CODES", availableUnits=0)
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}/codes", heading="Codes")
    page.get_by_label("Codes", exact=True).fill("GIFT-1\n1.23E+15\n")
    page.get_by_role("button", name="Check the codes").click()
    expect(page.get_by_text("line 2")).to_be_visible()
    page.get_by_role("button", name="Sell them as they are").click()
    expect(page.get_by_text("The file has 2 codes.")).to_be_visible()
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_label("Codes", exact=True)).to_have_value("")


@pytest.mark.stress
def test_a_lost_connection_does_not_end_an_upload(
    page: Page, server: LiveServer, seller: Account
) -> None:
    product_id = create(server, seller, kind="FILE")
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}", heading="Field Guide")
    expect(page.get_by_text("It goes on sale when its file is uploaded.")).to_be_visible()
    attempts: list[str] = []

    def lose_first(route: Route) -> None:
        attempts.append(route.request.method)
        if route.request.method == "PUT" and attempts.count("PUT") == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/products/*/file*", lose_first)
    content: FilePayload = {
        "name": "guide.pdf",
        "mimeType": "application/pdf",
        "buffer": b"x" * 200_000,
    }
    page.get_by_label("Choose the file").set_input_files(content)
    expect(page.get_by_text("The connection was lost.")).to_be_visible()
    expect(page.get_by_text("200 kB · version 1")).to_be_visible()
    expect(page.get_by_text("guide.pdf", exact=True)).to_be_visible()
    expect(page.get_by_text("Buyers can find it in the shop")).to_be_visible()
    assert attempts.count("PUT") == 2


@pytest.mark.stress
def test_a_failed_upload_is_sent_again(page: Page, server: LiveServer, seller: Account) -> None:
    product_id = create(server, seller, kind="FILE")
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}", heading="Field Guide")
    failing = re.compile(r"/file\?name=")
    page.route(failing, lambda route: route.fulfill(status=507, json={"message": "No space left."}))
    page.get_by_label("Choose the file").set_input_files(text_file("guide.txt", "text"))
    expect(page.get_by_text("No space left.")).to_be_visible()
    page.unroute(failing)
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("guide.txt", exact=True)).to_be_visible()

    page.get_by_label("Choose a new version").set_input_files(text_file("empty.txt", ""))
    expect(page.get_by_text("The file is empty.")).to_be_visible()
    buy(server, new_account(server, balance="50.00"), product_id)
    page.get_by_role("button", name="Delete the file").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete the file").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This file has been sold")


@pytest.mark.stress
def test_only_what_was_changed_is_sent(page: Page, server: LiveServer, seller: Account) -> None:
    product_id = create(server, seller, metadata={"sku": "GUIDE"})
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}", heading="Field Guide")
    page.get_by_label("Price").fill("21,5")
    with page.expect_request(lambda sent: sent.method == "PATCH") as patched:
        page.get_by_role("button", name="Save changes").click()
    assert json.loads(patched.value.post_data or "") == {"price": "21.50"}
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    page.get_by_role("button", name="Take off sale").click()
    expect(page.get_by_role("button", name="Put on sale")).to_be_visible()
    changed = get(server, product_id, seller)
    assert (changed["price"], changed["isActive"]) == ("21.50", False)
    assert changed["metadata"] == {"sku": "GUIDE"}

    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Delete this product?")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Your shop is empty")).to_be_visible()


@pytest.mark.stress
def test_images_are_added_described_ordered_and_deleted(
    page: Page, server: LiveServer, seller: Account
) -> None:
    product_id = create(server, seller)
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}", heading="Field Guide")
    for number in (1, 2):
        content: FilePayload = {
            "name": f"{number}.png",
            "mimeType": "image/png",
            "buffer": picture(300 + number, 200),
        }
        page.get_by_label("Add an image").set_input_files(content)
        expect(page.locator(".image-edit")).to_have_count(number)
    page.get_by_text("Image 2", exact=True).click()
    second = page.locator(".image-edit").nth(1)
    second.get_by_label("What does it show?").fill("A kingfisher")
    second.get_by_role("button", name="Save the description").click()
    expect(page.get_by_role("img", name="A kingfisher")).to_be_visible()
    second.get_by_role("button", name="Make it the main image").click()
    expect(page.locator(".image-edit").first).to_contain_text("A kingfisher")
    images = get(server, product_id, seller)["images"]
    assert [image["alt"] for image in images] == ["A kingfisher", None]

    first = page.locator(".image-edit").first
    first.get_by_role("button", name="Delete the image").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the image").click()
    expect(page.locator(".image-edit")).to_have_count(1)
    page.get_by_label("Add an image").set_input_files(text_file("a.txt", "x", "text/plain"))
    expect(page.get_by_text("This kind of file cannot be used here.")).to_be_visible()


@pytest.mark.stress
def test_licence_terms_are_set(page: Page, server: LiveServer, seller: Account) -> None:
    product_id = add_licence_product(server, seller)
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, f"/merchant/products/{product_id}", heading="Grue Editor")
    terms = page.get_by_role("region", name="Licence terms")
    terms.get_by_label("Machines at a time").fill("0")
    terms.get_by_role("button", name="Save changes").click()
    expect(terms.get_by_text("Enter a whole number from 1.")).to_be_visible()
    terms.get_by_label("Machines at a time").fill("")
    terms.get_by_label("Days until it expires").fill("365")
    terms.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    found = call(server, seller.token, "GET", f"/products/{product_id}/licence-terms")
    assert (found["activationLimit"], found["validDays"]) == (None, 365)


@pytest.mark.stress
def test_an_import_shows_every_change_first(
    page: Page, server: LiveServer, seller: Account
) -> None:
    product_id = create(server, seller)
    table = f"id,name,price,availableUnits\n{product_id},Field Guide,24.99,\n,Map,5,3\n"
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, "/merchant/products/import", heading="Import products")
    page.get_by_label("Choose a CSV file").set_input_files(
        text_file("products.csv", "name,price,availableUnits\nMap,much,3\n")
    )
    expect(page.get_by_text("line 2: price")).to_be_visible()
    page.get_by_label("Choose a CSV file").set_input_files(text_file("products.csv", table))
    expect(page.get_by_text("1 new, 1 changed, 0 unchanged")).to_be_visible()
    expect(page.locator("del")).to_have_text("was 19.99")
    expect(page.locator(".changes ins").first).to_have_text(re.compile("24.99"))
    assert get(server, product_id, seller)["price"] == "19.99"

    lose_first_answer(page, "**/products/import")
    page.get_by_role("button", name="Import 2 products").click()
    expect(page.get_by_text("Imported: 1 new, 1 changed.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Products")
    products = call(server, seller.token, "GET", "/products/merchant/my-products")
    assert [row["name"] for row in products] == ["Map", "Field Guide"]  # not twice
    assert products[1]["price"] == "24.99"


@pytest.mark.stress
def test_filters_survive_a_reload_and_bind_the_export(
    page: Page, server: LiveServer, seller: Account, tmp_path: Path
) -> None:
    create(server, seller, name="Field Guide")
    create(server, seller, name="Café guide", availableUnits=0)
    create(server, seller, name="Film", kind="FILE")
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, "/merchant/products", heading="Products")
    expect(page.get_by_role("row")).to_have_count(4)
    page.get_by_label("Search your products").fill("cafe")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_label("State").select_option("Sold out")
    page.reload()
    expect(page.get_by_label("State")).to_have_value("SOLD_OUT")
    expect(page.get_by_role("row")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    saved = tmp_path / "products.csv"
    download.value.save_as(saved)
    rows = saved.read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 2
    assert "Café guide" in rows[1]

    page.go_back()
    expect(page.get_by_label("State")).to_have_value("")
    page.get_by_label("State").select_option("Incomplete")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_role("row")).to_have_count(4)


@pytest.mark.stress
def test_a_shop_has_a_name_and_a_logo(page: Page, server: LiveServer, seller: Account) -> None:
    sign_in(page, server, seller, heading="Overview")
    page.get_by_role("link", name="Shop profile", exact=True).click()
    expect(page.get_by_text("Without one, buyers see “Ada L.”.")).to_be_visible()
    page.get_by_label("Name of the shop").fill("Corner Bakery")
    page.get_by_label("Tell me when so few units are left").fill("many")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Enter a whole number.")).to_be_visible()
    page.get_by_label("Tell me when so few units are left").fill("3")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    content: FilePayload = {
        "name": "logo.png",
        "mimeType": "image/png",
        "buffer": picture(64, 64),
    }
    page.get_by_label("Choose a logo").set_input_files(content)
    expect(page.get_by_role("img", name="Corner Bakery")).to_be_visible()
    shop = call(server, seller.token, "GET", "/shop")
    assert (shop["name"], shop["lowStockUnits"]) == ("Corner Bakery", 3)


@pytest.mark.stress
def test_what_somebody_may_not_see_is_said(page: Page, server: LiveServer) -> None:
    buyer = new_account(server)
    open_sign_in(page, server, "/merchant/products")
    send_sign_in(page, buyer.email)
    heading = page.get_by_role("heading", name="Your account cannot open this page")
    expect(heading).to_be_visible()


@pytest.mark.stress
def test_a_product_is_created_with_the_keyboard_alone(
    page: Page, server: LiveServer, seller: Account
) -> None:
    sign_in(page, server, seller, heading="Overview")
    open_view(page, server, "/merchant/products", heading="Products")
    press_until_focused(page, page.get_by_role("link", name="New product").first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("New product")
    press_until_focused(page, page.get_by_label("Codes"))
    page.keyboard.press("ArrowRight")  # licence keys
    press_until_focused(page, page.get_by_label("Name"))
    page.keyboard.type("Key")
    press_until_focused(page, page.get_by_label("Price"))
    page.keyboard.type("5")
    press_until_focused(page, page.get_by_label("Units in stock"))
    page.keyboard.type("10")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Key")
    expect(page.get_by_role("region", name="Licence terms")).to_be_visible()
