"""Two web servers that have only PostgreSQL, Redis and the settings in common."""

import secrets
from collections.abc import Iterator

import pytest

from app.common.settings import Settings
from tests import servers
from tests.live import PASSWORD, LiveServer, completed_orders, order, wait_until

pytestmark = pytest.mark.stress

API = "/api/v1"


@pytest.fixture(scope="module")
def hosts(
    settings: Settings, worker_number: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LiveServer, LiveServer]]:
    shared = {name: secrets.token_hex(32) for name in ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET")}
    shared |= {
        "ENCRYPTION_KEYS": secrets.token_hex(32),
        "FILES_DIR": str(tmp_path_factory.mktemp("files")),
        "BANK_PROVIDERS": "[]",
        "STRIPE_SECRET_KEY": "off",
        "RATELIMIT_ENABLED": "true",
    }

    def own_folder(name: str) -> dict[str, str]:
        return shared | {"DATA_DIR": str(tmp_path_factory.mktemp(name))}

    with (
        servers.database(f"payment_flow_hosts_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1, **own_folder("one")) as one,
        LiveServer.start(settings, made, workers=1, **own_folder("two")) as two,
    ):
        yield one, two


def sign_in(server: LiveServer, name: str) -> str:
    account = {"email": f"{name}@example.com", "password": PASSWORD}
    answer = server.call("POST", f"{API}/auth/login", account)
    assert answer.status == 200, answer.text
    return str(answer.json["accessToken"])


def test_a_session_is_valid_and_ends_on_both(hosts: tuple[LiveServer, LiveServer]) -> None:
    one, two = hosts
    one.sign_up("visitor")
    token, other = sign_in(one, "visitor"), sign_in(two, "visitor")
    assert two.call("GET", f"{API}/wallet", token=token).status == 200
    assert one.call("GET", f"{API}/wallet", token=other).status == 200

    assert two.call("POST", f"{API}/auth/logout", {}, token=token).status in (200, 204)

    assert one.call("GET", f"{API}/wallet", token=token).status == 401
    assert two.call("GET", f"{API}/wallet", token=token).status == 401
    assert one.call("GET", f"{API}/wallet", token=other).status == 200


def test_a_key_that_one_has_revoked_is_refused_by_the_other(
    hosts: tuple[LiveServer, LiveServer],
) -> None:
    one, two = hosts
    seller = one.sign_up("key-owner", role="MERCHANT")
    body = {"name": "Shop", "scopes": ["orders:read"], "password": PASSWORD}
    made = one.call("POST", f"{API}/auth/api-keys", body, token=seller)
    assert made.status == 201, made.text
    sales = f"{API}/orders/merchant/sales"
    assert two.call("GET", sales, token=made.json["key"]).status == 200

    path = f"{API}/auth/api-keys/{made.json['id']}"
    assert one.call("DELETE", path, token=seller).status == 204

    assert two.call("GET", sales, token=made.json["key"]).status == 401


def test_a_price_that_one_has_changed_is_shown_by_the_other(
    hosts: tuple[LiveServer, LiveServer],
) -> None:
    one, two = hosts
    seller = one.sign_up("price-maker", role="MERCHANT")
    product_id = one.create_product(seller, price="5.00", units=10)

    def prices(server: LiveServer) -> list[str]:
        shown = server.call("GET", f"{API}/products").json
        return [each["price"] for each in shown if each["id"] == product_id]

    assert [prices(two) for _ in range(3)] == [["5.00"]] * 3  # from a copy in its memory

    for price in ("6.00", "7.00", "8.00"):
        path = f"{API}/products/{product_id}"
        assert one.call("PATCH", path, {"price": price}, token=seller).status == 200
        wait_until(lambda price=price: prices(two) == [price], seconds=1)
        assert prices(one) == [price]


def test_requests_are_counted_together(hosts: tuple[LiveServer, LiveServer]) -> None:
    one, two = hosts
    seller = one.sign_up("counted", role="MERCHANT")

    statuses = [
        server.call("GET", f"{API}/orders/merchant/summary", token=seller).status
        for _ in range(11)
        for server in (one, two)
    ]

    assert statuses == [200] * 20 + [429] * 2  # 20 per minute


def test_a_request_that_one_has_answered_is_not_executed_by_the_other(
    hosts: tuple[LiveServer, LiveServer],
) -> None:
    one, two = hosts
    seller = one.sign_up("seller", role="MERCHANT")
    buyer = two.sign_up("buyer", balance="10.00")
    body, key = order(one.create_product(seller, price="4.00", units=5)), {"Idempotency-Key": "k-1"}

    answers = [
        server.call("POST", f"{API}/orders", body, token=buyer, headers=key)
        for server in (one, two, one)
    ]

    assert [answer.status for answer in answers] == [201] * 3
    assert {answer.json["id"] for answer in answers} == completed_orders(one)
    assert two.call("GET", f"{API}/wallet", token=buyer).json["balance"] == "6.00"
