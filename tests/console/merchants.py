"""What the tests of merchants' views share."""

from typing import Any

import pytest
from playwright.sync_api import FilePayload

from tests.console.helpers import Account, call, new_account
from tests.live import LiveServer


@pytest.fixture
def seller(server: LiveServer) -> Account:
    return new_account(server, role="MERCHANT")


def text_file(name: str, text: str, media_type: str = "text/csv") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": text.encode()}


def create(server: LiveServer, seller: Account, **fields: Any) -> str:
    product = {"name": "Field Guide", "price": "19.99", "availableUnits": 5} | fields
    product_id: str = call(server, seller.token, "POST", "/products", product)["id"]
    return product_id


def get(server: LiveServer, product_id: str, seller: Account) -> Any:
    return call(server, seller.token, "GET", f"/products/{product_id}")
