"""Requests of bulk import and export, and their effects."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.common import db
from app.products.models import Product, Restock
from tests.factories import Actor
from tests.products.helpers import PRODUCTS

HEADER = "name,description,price,availableUnits,kind,purchaseLimit,isActive"


def import_csv(
    client: FlaskClient, seller: Actor, table: str | bytes, *, media: str = "text/csv", **query: str
) -> TestResponse:
    return client.post(
        f"{PRODUCTS}/import",
        data=table,
        content_type=media,
        query_string=query,
        headers=seller.headers,
    )


def counts(answer: TestResponse) -> tuple[int, int, int]:
    """Created, changed, unchanged."""
    assert answer.status_code == 200, answer.text
    created, changed, unchanged = (answer.json[n] for n in ("created", "changed", "unchanged"))
    assert list(answer.json)[:4] == ["created", "changed", "unchanged", "rows"]
    assert ("changes" in answer.json) == (b"dryRun=true" in answer.request.query_string)
    assert answer.json["rows"] == created + changed + unchanged
    return created, changed, unchanged


def problems(answer: TestResponse) -> dict[str, list[str]]:
    assert (answer.status_code, answer.json["error"]) == (400, "VALIDATION_ERROR"), answer.text
    details: dict[str, list[str]] = answer.json["details"]
    return details


def own_products(client: FlaskClient, seller: Actor) -> list[dict[str, Any]]:
    """The merchant's products, oldest first."""
    answer = client.get(f"{PRODUCTS}/merchant/my-products", headers=seller.headers)
    products: list[dict[str, Any]] = answer.json[::-1]
    return products


def export(client: FlaskClient, seller: Actor) -> TestResponse:
    return client.get(f"{PRODUCTS}/merchant/export", headers=seller.headers, buffered=True)


def rows_of(answer: TestResponse) -> list[dict[str, str]]:
    """The rows of a CSV document."""
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def table_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as a CSV document."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def count_products() -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).select_from(Product)) or 0


def restocks() -> list[int]:
    """The differences of all restocks."""
    with db.transaction() as session:
        return list(session.scalars(select(Restock.delta)))
