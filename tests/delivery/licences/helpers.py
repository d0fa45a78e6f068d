"""Asking the endpoints of licences."""

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.products.models import ProductKind
from tests import factories
from tests.delivery import helpers as asking
from tests.factories import Actor

#: Well-formed, and nobody's.
STRANGE_KEY = "7Z3QK-M0T8V-X4R1D-9HWYB-2C6ES"


def licence_product(seller: Actor | None = None, *, units: int = 1_000) -> UUID:
    """A product that sells licences."""
    return asking.product(seller or factories.merchant(), ProductKind.LICENCE, units=units)


def terms_url(product_id: UUID | str) -> str:
    return f"/api/v1/products/{product_id}/licence-terms"


def put_terms(
    client: FlaskClient, seller: Actor, product_id: UUID | str, **terms: Any
) -> TestResponse:
    body = {"activationLimit": 3, "validDays": None} | terms
    return client.put(terms_url(product_id), json=body, headers=seller.headers)


def sold_key(
    client: FlaskClient, seller: Actor | None = None, **terms: Any
) -> tuple[UUID, str, asking.Line]:
    """A product, and the key and the order of a licence of it on these terms."""
    seller = seller or factories.merchant()
    product_id = licence_product(seller)
    if terms:
        assert put_terms(client, seller, product_id, **terms).status_code == 200
    line = asking.bought(factories.buyer(), product_id)
    return product_id, asking.shown(line)["licences"][0]["key"], line


def ask(client: FlaskClient, what: str, key: str, **fields: Any) -> TestResponse:
    return client.post(f"/api/v1/licences/{what}", json={"key": key} | fields)


def activated(client: FlaskClient, key: str, instance: str, **fields: Any) -> dict[str, Any]:
    answer = ask(client, "activate", key, instance=instance, **fields)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body
