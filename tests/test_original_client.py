"""Compatibility with a client of the original service.

The client is a shell script that searches responses with grep, so they must be compact JSON with
unchanged names. Each function is one part of the script and continues from the previous one.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.common.settings import Settings
from tests.live import LiveServer
from tests.stripe import Shop, live_server_with_gateway

API = "/api/v1"
ALICE = {"email": "alice@example.com", "password": "SecurePass123!"}
SHOP = {"email": "merchant@example.com", "password": "MerchantPass123!"}


class Script:
    """Sends requests, and searches the text of the last response."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server
        self.answer = ""

    def send(self, method: str, path: str, body: Any = None, token: str | None = None) -> str:
        self.answer = self._server.call(method, API + path, body, token=token).text
        return self.answer

    def cut(self, pattern: str) -> str:
        """The group of the first match, like `grep -o | head -1 | cut`."""
        match = re.search(pattern, self.answer)
        assert match, f"{pattern} is not in {self.answer}"
        return match[1]

    def has(self, *texts: str) -> None:
        for text in texts:
            assert text in self.answer

    def first_id(self) -> str:
        return self.cut(r'"id":"([^"]*)')

    def balance(self) -> str:
        return self.cut(r'"balance":"([^"]*)')


@pytest.fixture
def script(settings: Settings, worker_number: int, tmp_path: Path) -> Iterator[Script]:
    """The client of a server with the simulated gateway."""
    name = f"payment_flow_original_{worker_number}"
    with (
        Shop.listening() as receiver,
        live_server_with_gateway(settings, name, receiver.url, tmp_path, workers=1) as server,
    ):
        yield Script(server)


def test_the_script_of_the_original_service_succeeds(script: Script) -> None:
    alice = sign_up_and_in(script)
    shop = register(script, SHOP, role="MERCHANT")
    move_money(script, alice)
    course, book = put_on_sale(script, shop, alice)
    change_price(script, shop, course)
    buy(script, alice, course, book)
    buy_without_funds(script, alice, shop)
    list_orders(script, alice)
    check_sales(script, shop)
    pay_by_card(script, alice, course)
    be_refused(script, alice)


def register(script: Script, credentials: dict[str, str], *, role: str) -> str:
    names = {"firstName": "Alice", "lastName": "Jones"}
    script.send("POST", "/auth/register", credentials | names | {"role": role})
    script.has('"user":{"id":"', '"refreshToken":"', f'"role":"{role}"', credentials["email"])
    return script.cut(r'"accessToken":"([^"]*)')


def sign_up_and_in(script: Script) -> str:
    register(script, ALICE, role="USER")
    script.send("POST", "/auth/login", ALICE)
    script.has('"isActive":true')
    refresh_token = script.cut(r'"refreshToken":"([^"]*)')
    script.send("POST", "/auth/login", ALICE | {"password": "WrongPassword123!"})
    script.has("401", "Invalid credentials")
    script.send("POST", "/auth/refresh", {"refreshToken": refresh_token})
    return script.cut(r'"accessToken":"([^"]*)')


def move_money(script: Script, alice: str) -> None:
    script.send("GET", "/wallet", token=alice)
    assert script.balance() == "0.00"
    script.has('"currency":"USD"', '"isLocked":false')

    def move(operation: str, amount: float, description: str | None = None) -> None:
        body: dict[str, Any] = {"amount": amount}
        if description:
            body["description"] = description
        script.send("POST", f"/wallet/{operation}", body, token=alice)

    move("deposit", 500.00, "Initial deposit")
    script.has('"type":"DEPOSIT"', '"status":"COMPLETED"')
    assert script.cut(r'"balanceAfter":"([^"]*)') == "500.00"
    move("deposit", 300.00)
    assert script.balance() == "800.00"
    move("withdraw", 100.00, "Test withdrawal")
    script.has('"type":"WITHDRAWAL"')
    assert script.cut(r'"balanceAfter":"([^"]*)') == "700.00"
    move("withdraw", 10000.00)
    script.has("400", "Insufficient")
    move("deposit", 20000.00)
    script.has("400", "maximum")

    script.send("GET", "/wallet/transactions?page=1&limit=10", token=alice)
    script.has('"data":[', '"page":1', '"limit":10')
    assert script.cut(r'"total":([0-9]*)') == "3"


def put_on_sale(script: Script, shop: str, alice: str) -> tuple[str, str]:
    def create(name: str, price: float, units: int, token: str = shop) -> None:
        product = {"name": name, "description": name, "price": price, "availableUnits": units}
        script.send("POST", "/products", product, token=token)

    create("Premium Course", 199.99, 50)
    course = script.first_id()
    script.has('"price":"199.99"', '"availableUnits":50', '"isActive":true')
    create("E-Book", 49.99, 100)
    book = script.first_id()
    create("Not allowed", 10.00, 1, token=alice)
    script.has("403")

    script.send("GET", "/products", token=alice)
    assert script.answer.startswith("[{")
    assert script.answer.endswith("}]")
    script.has(course, book)
    script.send("GET", f"/products/{course}", token=alice)
    assert script.first_id() == course
    script.has('"name":"Premium Course"')
    return course, book


def change_price(script: Script, shop: str, course: str) -> None:
    change = {"name": "Premium Course - Updated", "price": 179.99}
    script.send("PATCH", f"/products/{course}", change, token=shop)
    script.has('"price":"179.99"', "Updated")


def buy(script: Script, alice: str, course: str, book: str) -> None:
    script.send("GET", "/wallet", token=alice)
    assert script.balance() == "700.00"
    script.send("POST", "/orders", order(book), token=alice)
    script.has('"status":"COMPLETED"', '"paymentMethod":"WALLET"', '"amount":"49.99"')
    script.send("GET", "/wallet", token=alice)
    assert script.balance() == "650.01"
    script.send("GET", f"/products/{book}", token=alice)
    assert script.cut(r'"availableUnits":([0-9]*)') == "99"
    script.send("POST", "/orders", order(course), token=alice)
    script.has('"status":"COMPLETED"', '"amount":"179.99"')


def buy_without_funds(script: Script, alice: str, shop: str) -> None:
    yacht = {"name": "Yacht", "description": "Big", "price": 5000.00, "availableUnits": 1}
    script.send("POST", "/products", yacht, token=shop)
    script.send("POST", "/orders", order(script.first_id()), token=alice)
    script.has("400", "Insufficient")


def order(product_id: str) -> dict[str, str]:
    return {"productId": product_id, "paymentMethod": "WALLET"}


def list_orders(script: Script, alice: str) -> None:
    script.send("GET", "/orders", token=alice)
    assert script.cut(r'"total":([0-9]*)') == "2"
    newest = script.first_id()
    script.send("GET", f"/orders/{newest}", token=alice)
    assert script.first_id() == newest
    script.has('"status":"COMPLETED"', '"product":{"id":"', ALICE["email"])


def check_sales(script: Script, shop: str) -> None:
    script.send("POST", "/wallet/deposit", {"amount": 100.00}, token=shop)
    script.send("GET", "/wallet", token=shop)
    assert script.balance() == "329.98"
    script.send("GET", "/orders/merchant/sales", token=shop)
    assert script.cut(r'"total":([0-9]*)') == "2"
    script.has('"user":{"id":"')
    script.send("POST", "/wallet/withdraw", {"amount": 50.00}, token=shop)
    assert script.cut(r'"balanceAfter":"([^"]*)') == "279.98"


def pay_by_card(script: Script, alice: str, course: str) -> None:
    script.send("POST", "/orders", order(course) | {"paymentMethod": "GATEWAY"}, token=alice)
    assert script.cut(r'"status":"([^"]*)') == "PENDING"
    assert script.cut(r'"checkoutUrl":"([^"]*)').startswith("http")
    assert script.cut(r'"sessionId":"([^"]*)') == script.cut(r'"stripeSessionId":"([^"]*)')


def be_refused(script: Script, alice: str) -> None:
    script.send("GET", "/wallet")
    script.has("401")
    script.send("GET", "/wallet", token="invalid.token.here")
    script.has("401")
    script.send("GET", "/orders/merchant/sales", token=alice)
    script.has("403")
