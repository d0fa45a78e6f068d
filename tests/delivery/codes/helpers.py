"""Requests to the endpoints of codes."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.products.models import ProductKind
from tests import factories
from tests.delivery import helpers as delivery_helpers
from tests.delivery.helpers import REASON
from tests.factories import Actor


def url(product_id: UUID, rest: str = "") -> str:
    return f"/api/v1/products/{product_id}/codes{rest}"


def codes_product(seller: Actor | None = None, *, price: str = "1.00") -> UUID:
    """A product of the kind CODES without codes."""
    return delivery_helpers.product(seller or factories.merchant(), ProductKind.CODES, price=price)


def send(
    client: FlaskClient,
    seller: Actor,
    product_id: UUID,
    body: bytes | str,
    *,
    mimetype: str = "text/plain",
    **options: Any,
) -> TestResponse:
    return client.post(
        url(product_id), data=body, content_type=mimetype, headers=seller.headers, **options
    )


def upload(
    client: FlaskClient, seller: Actor, product_id: UUID, codes: Iterable[str]
) -> dict[str, Any]:
    """Upload valid codes."""
    answer = send(client, seller, product_id, "\n".join(codes))
    assert answer.status_code in (201, 202), answer.text
    made: dict[str, Any] = answer.json
    return made


def stocked(client: FlaskClient, *codes: str) -> tuple[Actor, UUID]:
    """A merchant and a product with these codes."""
    seller = factories.merchant()
    product_id = codes_product(seller)
    upload(client, seller, product_id, codes)
    return seller, product_id


def listed(client: FlaskClient, seller: Actor, product_id: UUID, **query: Any) -> list[Any]:
    """The codes as the merchant sees them."""
    answer = client.get(url(product_id), query_string=query, headers=seller.headers)
    assert answer.status_code == 200, answer.text
    rows: list[Any] = answer.json["data"]
    return rows


def summary(client: FlaskClient, seller: Actor, product_id: UUID) -> dict[str, int]:
    counts: dict[str, int] = client.get(url(product_id, "/summary"), headers=seller.headers).json
    return counts


def stock(client: FlaskClient, product_id: UUID) -> int:
    units: int = client.get(f"/api/v1/products/{product_id}").json["availableUnits"]
    return units


def change(
    client: FlaskClient, caller: Actor, product_id: UUID, code: dict[str, Any], action: str
) -> TestResponse:
    """Revoke or reissue a code."""
    return client.post(
        url(product_id, f"/{code['id']}/{action}"), json=REASON, headers=caller.headers
    )
