"""The logo of a shop."""

from base64 import b64decode
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.common.db import transaction
from tests import factories
from tests.factories import Actor
from tests.images.helpers import API, decoded, picture, shown, with_logo
from tests.orders.helpers import buy
from tests.orders.order_page.helpers import page_path
from tests.responses import refusal
from tests.shops.helpers import with_shop

SVG = "{http://www.w3.org/2000/svg}"


def upload(client: FlaskClient, merchant: Actor, content: bytes) -> TestResponse:
    headers = merchant.headers | {"Content-Type": "image/png"}
    return client.put(f"{API}/shop/logo", data=content, headers=headers)


def logo_of(client: FlaskClient, merchant: Actor) -> dict[str, Any] | None:
    own = client.get(f"{API}/shop", headers=merchant.headers).json["logo"]
    assert client.get(f"{API}/shops/{merchant.id}").json["logo"] == own
    logo: dict[str, Any] | None = own
    return logo


def status_of(client: FlaskClient, logo: dict[str, Any]) -> int:
    return client.get(urlsplit(logo["sizes"][0]["url"]).path).status_code


@pytest.fixture
def merchant(client: FlaskClient) -> Actor:
    return with_shop(client, factories.merchant(), name="Corner Bakery")


def test_a_logo_is_uploaded_replaced_and_deleted(client: FlaskClient, merchant: Actor) -> None:
    answer = upload(client, merchant, picture(64, 32))

    assert answer.status_code == 200, answer.text
    first = answer.json["logo"]
    assert first["alt"] == "Corner Bakery"
    assert [(size["width"], size["height"]) for size in first["sizes"]] == [(64, 32)]
    assert upload(client, merchant, picture(64, 32)).json["logo"] == first
    assert logo_of(client, merchant) == first

    second = upload(client, merchant, picture(32, 64)).json["logo"]
    assert logo_of(client, merchant) == second
    assert (status_of(client, first), status_of(client, second)) == (404, 200)

    for _ in range(2):
        answer = client.delete(f"{API}/shop/logo", headers=merchant.headers)
        assert (answer.status_code, answer.json["logo"]) == (200, None)
    assert logo_of(client, merchant) is None
    assert status_of(client, second) == 404
    with transaction() as session:
        details = session.scalars(
            select(AuditRecord.details)
            .where(AuditRecord.actor_id == merchant.id, AuditRecord.action == "shop.update")
            .order_by(AuditRecord.id)
        ).all()[1:]  # the first is that of the name
    one, two = ({"logo": logo["id"]} for logo in (first, second))
    assert details == [
        {"before": {"logo": None}, "after": one},
        {"before": one, "after": two},
        {"before": two, "after": {"logo": None}},
    ]


def test_what_is_no_image_is_refused(client: FlaskClient, merchant: Actor) -> None:
    assert refusal(upload(client, merchant, b"GIF89a")) == (400, "IMAGE_INVALID")
    assert logo_of(client, merchant) is None


def test_the_payment_page_and_the_printed_code_show_it(
    client: FlaskClient, merchant: Actor
) -> None:
    product_id = factories.product(merchant)
    image_id = shown(merchant, product_id, alt='A "cake"')
    with_logo(merchant)
    logo = logo_of(client, merchant)
    assert logo is not None
    code = client.post(
        f"{API}/merchant-codes", json={"productId": str(product_id)}, headers=merchant.headers
    ).json

    page = client.get(f"/pay/{code['token']}").text
    sheet = client.get(f"{API}/merchant-codes/{code['id']}/sheet.svg", headers=merchant.headers)

    assert f'src="{API}/images/{logo["id"]}/160.webp" alt="Corner Bakery"' in page
    assert f'src="{API}/images/{image_id}/160.webp" alt="A &#34;cake&#34;"' in page
    assert "img-src data:" in sheet.headers["Content-Security-Policy"]
    (embedded,) = ElementTree.fromstring(sheet.text).iter(f"{SVG}image")
    assert decoded(b64decode(embedded.attrib["href"].partition(",")[2])).size == (16, 16)


def test_the_page_of_an_order_and_its_receipt_show_it(client: FlaskClient, merchant: Actor) -> None:
    product_id = factories.product(merchant)
    buyer = factories.buyer()
    order = buy(client, buyer, product_id).json
    path = page_path(client, buyer, order["id"])
    assert "/images/" not in client.get(path).text

    image_id = shown(merchant, product_id, alt="A cake")
    with_logo(merchant)
    logo = logo_of(client, merchant)

    assert logo is not None
    page, receipt = client.get(path).text, client.get(f"{path}/receipt").text
    for text in (page, receipt):
        assert f'src="{API}/images/{logo["id"]}/160.webp" alt="Corner Bakery"' in text
    assert f'src="{API}/images/{image_id}/160.webp" alt="A cake"' in page


def test_a_page_without_images_has_none(client: FlaskClient, merchant: Actor) -> None:
    code = client.post(f"{API}/merchant-codes", json={}, headers=merchant.headers).json

    assert "/images/" not in client.get(f"/pay/{code['token']}").text
    sheet = client.get(f"{API}/merchant-codes/{code['id']}/sheet.svg", headers=merchant.headers)
    assert "<image" not in sheet.text
