"""Things that have a quota, and how to get rid of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.auth.quotas.quota import Quota
from tests import factories
from tests.delivery.codes.helpers import codes_product
from tests.delivery.files.helpers import file_product
from tests.factories import Actor

API = "/api/v1"


@dataclass
class Shop:
    """A merchant who creates things over HTTP."""

    client: FlaskClient
    actor: Actor
    made: int = 0

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        return self.client.open(
            f"{API}{path}", method=method, headers=self.actor.headers, **options
        )

    def number(self) -> int:
        self.made += 1
        return self.made


def _path_of(answer: TestResponse) -> str:
    """The path of the request, below the prefix of the API."""
    return answer.request.path.removeprefix(API)


Create = Callable[[Shop], TestResponse]
Delete = Callable[[Shop, TestResponse], TestResponse]


def _product(shop: Shop) -> TestResponse:
    body = {"name": "Course", "price": "1.00", "availableUnits": 1}
    return shop.send("POST", "/products", json=body)


def _coupon(shop: Shop) -> TestResponse:
    body = {"code": f"SPRING{shop.number()}", "kind": "PERCENT", "value": "10"}
    return shop.send("POST", "/coupons", json=body)


def _codes(shop: Shop) -> TestResponse:
    product_id = codes_product(shop.actor)
    path = f"/products/{product_id}/codes"
    return shop.send("POST", path, data=f"CODE-{shop.number()}", content_type="text/plain")


def _delete_code(shop: Shop, made: TestResponse) -> TestResponse:
    path = _path_of(made)
    code = shop.send("GET", path).json["data"][0]
    return shop.send("DELETE", f"{path}/{code['id']}")


def _file(shop: Shop) -> TestResponse:
    """Of one byte, as much as its quota counts."""
    path = f"/products/{file_product(shop.actor)}/file"
    options = {"query_string": {"name": "a.pdf"}, "content_type": "application/pdf"}
    return shop.send("PUT", path, data=b"x", **options)


def _key(shop: Shop) -> TestResponse:
    body = {"name": "Server", "scopes": ["orders:read"], "password": factories.PASSWORD}
    return shop.send("POST", "/auth/api-keys", json=body)


def _hold(shop: Shop) -> TestResponse:
    body = {"payeeId": str(factories.merchant().id), "amount": "1.00"}
    return shop.send("POST", "/wallet/holds", json=body)


#: How to create one unit of each quota, and how to get rid of it. None: another user has to.
UNITS: dict[Quota, tuple[Create, Delete | None]] = {
    Quota.PRODUCTS: (
        _product,
        lambda shop, made: shop.send("DELETE", f"/products/{made.json['id']}"),
    ),
    Quota.COUPONS: (_coupon, lambda shop, made: shop.send("DELETE", f"/coupons/{made.json['id']}")),
    Quota.CODES: (_codes, _delete_code),
    Quota.FILE_BYTES: (
        _file,
        lambda shop, made: shop.send("DELETE", _path_of(made)),
    ),
    Quota.API_KEYS: (
        _key,
        lambda shop, made: shop.send("DELETE", f"/auth/api-keys/{made.json['id']}"),
    ),
    Quota.WEBHOOK_ENDPOINTS: (
        lambda shop: shop.send("POST", "/webhook-endpoints", json={"url": "https://a.example.com"}),
        lambda shop, made: shop.send("DELETE", f"/webhook-endpoints/{made.json['id']}"),
    ),
    Quota.MERCHANT_CODES: (
        lambda shop: shop.send("POST", "/merchant-codes", json={}),
        lambda shop, made: shop.send("POST", f"/merchant-codes/{made.json['id']}/deactivate"),
    ),
    Quota.PAYMENT_REQUESTS: (
        lambda shop: shop.send("POST", "/payment-requests", json={"amount": "1.00"}),
        lambda shop, made: shop.send("POST", f"/payment-requests/{made.json['id']}/cancel"),
    ),
    Quota.HOLDS: (_hold, None),
}
