"""Products with files, orders for them, and links."""

import hashlib
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.auth import service as auth
from app.common.db import reading, transaction
from app.delivery import service as delivery
from app.delivery.files.models import FileDelivery
from app.delivery.handler import OrderLine
from app.products import service as products
from app.products.models import ProductKind
from tests import factories
from tests.factories import Actor

API = "/api/v1"
BASE = f"http://localhost{API}"
GUIDE = bytes(range(256)) * 40
PDF = "application/pdf"


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def file_product(seller: Actor, *, units: int = 50) -> UUID:
    """A product of the kind FILE, without a file yet."""
    with transaction() as session:
        offer = products.create(
            session,
            merchant=auth.require_user(session, seller.id),
            name="Field Guide",
            price=Decimal("1.00"),
            available_units=units,
            currency="USD",
            kind=ProductKind.FILE,
        )
    return offer.product.id


def upload(
    client: FlaskClient,
    seller: Actor,
    product_id: UUID,
    body: bytes = GUIDE,
    *,
    name: str | None = "guide.pdf",
    media_type: str = PDF,
    **headers: str,
) -> TestResponse:
    return client.put(
        f"{API}/products/{product_id}/file",
        query_string={} if name is None else {"name": name},
        data=body,
        headers=seller.headers | {"Content-Type": media_type} | headers,
    )


def on_sale(client: FlaskClient, seller: Actor, body: bytes = GUIDE, **sent: Any) -> UUID:
    """A product with a file."""
    product_id = file_product(seller)
    answer = upload(client, seller, product_id, body, **sent)
    assert answer.status_code == 201, answer.text
    return product_id


def bought(client: FlaskClient, buyer: Actor, product_id: UUID, *, quantity: int = 1) -> OrderLine:
    """A completed order for a file."""
    order = {"productId": str(product_id), "paymentMethod": "WALLET", "quantity": quantity}
    answer = client.post(f"{API}/orders", json=order, headers=buyer.headers)
    assert answer.status_code == 201, answer.text
    order_id, number = UUID(answer.json["id"]), answer.json["number"]
    merchant_id = UUID(answer.json["merchantId"])
    return OrderLine(order_id, number, product_id, ProductKind.FILE, quantity, merchant_id)


def sold(client: FlaskClient, body: bytes = GUIDE, **sent: Any) -> OrderLine:
    """A completed order for a file, with a new merchant and a new buyer."""
    product_id = on_sale(client, factories.merchant(), body, **sent)
    return bought(client, factories.buyer(), product_id)


def delivery_of(line: OrderLine) -> FileDelivery | None:
    with reading() as session:
        return session.scalars(
            select(FileDelivery).where(FileDelivery.order_id == line.order_id)
        ).one_or_none()


def delivered(line: OrderLine) -> dict[str, Any]:
    """The file as the buyer sees it."""
    with transaction() as session:
        (file,) = delivery.render(session, line, base_url=BASE)["files"]
    found: dict[str, Any] = file
    return found


def link_of(line: OrderLine) -> str:
    """The path of a new download link."""
    return urlsplit(delivered(line)["url"]).path
