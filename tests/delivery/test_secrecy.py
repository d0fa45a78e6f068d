"""Delivered codes, keys and links are stored nowhere in plain text."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common.db import Base, reading
from app.delivery.codes import uploads
from app.products.models import ProductKind
from tests import factories
from tests.delivery.codes.helpers import codes_product, send
from tests.delivery.files.helpers import link_of, sold
from tests.delivery.helpers import get_delivery, product
from tests.factories import Actor

API = "/api/v1"
CODES = [f"GIFT-{number:04}-SECRET" for number in range(10)]


def everything_stored() -> str:
    """All rows of all tables as text."""
    with reading() as session:
        return "\n".join(
            row
            for table in Base.metadata.sorted_tables
            for row in session.scalars(text(f"SELECT CAST(t AS text) FROM {table.name} t"))
        )


def bought(client: FlaskClient, buyer: Actor, product_id: object) -> dict[str, Any]:
    """The delivery of an order placed with an idempotency key."""
    body = {"productId": str(product_id), "paymentMethod": "WALLET", "quantity": 2}
    headers = buyer.headers | {"Idempotency-Key": f"order-of-{product_id}"}
    order = client.post(f"{API}/orders", json=body, headers=headers)
    found: dict[str, Any] = get_delivery(client, buyer, order.json["id"]).json
    return found


def test_the_database_contains_no_code_no_licence_key_and_no_link(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "CHUNK_SIZE", 3)
    seller, buyer = factories.merchant(), factories.buyer()
    codes_product_id = codes_product(seller)
    assert send(client, seller, codes_product_id, "\n".join(CODES[:3])).status_code == 201
    assert send(client, seller, codes_product_id, "\n".join(CODES)).status_code == 202
    codes = bought(client, buyer, codes_product_id)["codes"]
    licences = bought(client, buyer, product(seller, ProductKind.LICENCE, units=5))["licences"]
    keys = [licence["key"] for licence in licences]
    activation = {"key": keys[0], "instance": "workstation"}
    assert client.post(f"{API}/licences/activate", json=activation).status_code == 200
    link = link_of(sold(client))
    client.get(link).close()

    written = everything_stored()

    assert codes == CODES[:2]
    assert "workstation" in written
    for secret in (*CODES, *keys, link.rpartition("/")[2]):
        assert secret not in written
        assert secret.encode().hex() not in written
