"""The structure that a new delivery kind relies on."""

import ast
from importlib import import_module
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from app.common.http import Blueprint
from app.common.settings import PROJECT_ROOT
from app.delivery.schemas import DeliveryOut
from app.delivery.service import HANDLERS
from app.products.models import ProductKind
from tests import factories
from tests.delivery.codes.helpers import stocked
from tests.delivery.files.helpers import on_sale
from tests.delivery.helpers import bought, get_delivery, product

DELIVERY = PROJECT_ROOT / "app" / "delivery"


def test_every_kind_has_a_handler() -> None:
    assert set(HANDLERS) == set(ProductKind)
    assert {kind: handler.kind for kind, handler in HANDLERS.items()} == {
        kind: kind for kind in ProductKind
    }


def test_every_kind_can_be_delivered_as_its_schema_says(client: FlaskClient) -> None:
    seller, buyer = factories.merchant(), factories.buyer()
    products = {
        kind: product(seller, kind, units=1) for kind in (ProductKind.PLAIN, ProductKind.LICENCE)
    }
    products[ProductKind.CODES] = stocked(client, "A")[1]
    products[ProductKind.FILE] = on_sale(client, seller)
    assert set(products) == set(ProductKind)
    for kind, product_id in products.items():
        line = bought(buyer, product_id)
        body = get_delivery(client, buyer, str(line.order_id)).json
        fields = HANDLERS[kind].schema().fields.values()
        names = {field.data_key for field in fields}
        assert set(body) == {"orderId", "orderNumber", "kind", "units", *names}
        assert DeliveryOut().validate(body) == {}


def test_a_kind_is_named_only_in_its_folder_and_where_it_is_declared() -> None:
    """Differences between kinds are in handlers and in properties of ProductKind."""
    names = {f"ProductKind.{kind.name}" for kind in ProductKind if kind is not ProductKind.PLAIN}
    app = PROJECT_ROOT / "app"
    naming = {
        path.relative_to(app)
        for path in app.rglob("*.py")
        if names
        & {
            ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
    }
    outside = {path for path in naming if path.parts[0] not in ("demo", "verify")}
    assert {path for path in outside if len(path.parts) < 3 or path.parts[0] != "delivery"} == {
        Path("products/models.py")
    }


def test_every_blueprint_of_a_kind_is_registered(app: Flask) -> None:
    found = {
        each.name
        for path in DELIVERY.rglob("views.py")
        for each in vars(
            import_module(".".join(path.relative_to(PROJECT_ROOT).with_suffix("").parts))
        ).values()
        if isinstance(each, Blueprint)
    }
    assert len(found) >= 5
    assert found <= set(app.blueprints)
