"""What the tests of merchants' views share."""

from typing import Any

from playwright.sync_api import FilePayload, Page, expect

from tests.console.helpers import Account, call
from tests.live import PASSWORD, LiveServer


def sign_in(page: Page, server: LiveServer, account: Account) -> None:
    page.goto(f"{server.url}/app/sign-in")
    page.get_by_label("Email or phone number").fill(account.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def text_file(name: str, text: str, media_type: str = "text/csv") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": text.encode()}


def create(server: LiveServer, seller: Account, **fields: Any) -> str:
    product = {"name": "Field Guide", "price": "19.99", "availableUnits": 5} | fields
    product_id: str = call(server, seller.token, "POST", "/products", product)["id"]
    return product_id


def get(server: LiveServer, product_id: str, seller: Account) -> Any:
    return call(server, seller.token, "GET", f"/products/{product_id}")
