"""The demo data: loaded once, with consistent books."""

import stat
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.auth import passwords
from app.auth import service as auth
from app.auth.schemas import Email
from app.common.db import transaction
from app.common.pagination import PageRequest
from app.common.settings import Settings, SettingsError
from app.coupons.models import Coupon
from app.delivery.licences.models import Licence
from app.demo import seed as seeding
from app.demo.catalogue import COUPON, PASSWORD, PRODUCTS, SHOPS
from app.demo.history import ORDERS, PlacedOrder, Step, history
from app.demo.people import ADMIN, BUYERS
from app.demo.seed import seed
from app.products import service as products
from app.products.models import ProductKind
from app.sales import service as sold
from app.verify.report import violations
from tests import factories
from tests.delivery.helpers import get_delivery
from tests.environment import PRODUCTION
from tests.orders.helpers import buy


@pytest.fixture
def demo_settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a data folder of their own, which does not exist yet."""
    return replace(settings, data_dir=tmp_path / "data")


def sales() -> int:
    """The number of orders of all demo merchants."""
    with transaction() as session:
        merchants = [auth.get_user_by_email(session, email=shop.owner.email) for shop in SHOPS]
        return sum(
            sold.list_sales(session, PageRequest(limit=1), merchant_id=merchant.id).total
            for merchant in merchants
            if merchant
        )


def on_sale() -> int:
    with transaction() as session:
        return products.list_on_sale(session, PageRequest(limit=1), sort="newest").total


class TestCatalogue:
    def test_the_catalogue_is_large_enough_and_its_names_are_unique(self) -> None:
        assert len(SHOPS) >= 6
        assert len(PRODUCTS) >= 66
        assert len(BUYERS) >= 22
        emails = [person.email for person in (ADMIN, *BUYERS, *(shop.owner for shop in SHOPS))]
        for names in (
            emails,
            [product.name for product in PRODUCTS],
            [product.description for product in PRODUCTS],
        ):
            assert [name for name, times in Counter(names).items() if times > 1] == []
        assert [Email().deserialize(email) for email in emails] == emails

    def test_the_password_is_accepted_by_registration(self) -> None:
        passwords.require_acceptable(PASSWORD)

    def test_the_history_is_deterministic(self) -> None:
        assert history() == history()


class TestSeeding:
    def test_an_empty_shop_is_filled_and_the_books_are_consistent(
        self, app: Flask, demo_settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seed(demo_settings, if_empty=True)

        assert [found for found in violations() if found[1]] == []
        assert f", {ORDERS} orders." in capsys.readouterr().out
        assert sales() == ORDERS
        gone = sum(product.units_left == 0 or product.deactivated for product in PRODUCTS)
        assert gone == 3
        assert on_sale() == len(PRODUCTS) - gone

    def test_software_is_sold_with_licences_and_every_shop_has_the_coupon(
        self, app: Flask, demo_settings: Settings
    ) -> None:
        seed(demo_settings, if_empty=True)
        with transaction() as session:
            licences = session.scalar(select(func.count()).select_from(Licence)) or 0
            shops = session.scalars(
                select(Coupon.merchant_id).where(Coupon.code == COUPON).distinct()
            ).all()
        assert licences > 0
        assert len(shops) == len(SHOPS)

    def test_a_buyer_finds_the_code_of_a_product_of_codes(
        self, client: FlaskClient, demo_settings: Settings
    ) -> None:
        seed(demo_settings, if_empty=True)
        (product,) = [product for product in PRODUCTS if product.kind is ProductKind.CODES]
        found = client.get("/api/v1/products", query_string={"q": product.name}).json
        (shown,) = [one for one in found if one["name"] == product.name]

        buyer = factories.buyer("50.00")
        order = buy(client, buyer, shown["id"])

        assert order.status_code == 201, order.text
        assert "DEMO-" in get_delivery(client, buyer, order.json["id"]).text

    def test_the_printed_credentials_work_and_their_file_is_private(
        self, client: FlaskClient, demo_settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seed(demo_settings, if_empty=False)

        assert demo_settings.data_dir
        file = demo_settings.data_dir / "demo-logins.txt"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        shown = file.read_text()
        assert shown in capsys.readouterr().out
        credentials = [line.split() for line in shown.splitlines() if "@" in line]
        assert [role for role, _, _ in credentials] == ["MERCHANT", "USER", "USER", "ADMIN"]
        for role, email, password in credentials:
            answer = client.post("/api/v1/auth/login", json={"email": email, "password": password})
            assert (answer.status_code, answer.get_json()["user"]["role"]) == (200, role)

    def test_a_second_run_has_no_effect(
        self, app: Flask, demo_settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seed(demo_settings, if_empty=True)
        capsys.readouterr()

        seed(demo_settings, if_empty=True)
        assert capsys.readouterr().out == ""
        seed(demo_settings, if_empty=False)
        assert capsys.readouterr().out.count("\n") == 1
        assert sales() == ORDERS

    def test_an_interrupted_run_is_completed_by_the_next(
        self, app: Flask, demo_settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        move = seeding._run_step
        bought = 0

        def interrupt(settings: Settings, data: Any, step: Step, *, key: str) -> bool:
            nonlocal bought
            if bought == 20:
                raise KeyboardInterrupt
            bought += isinstance(step, PlacedOrder)
            return move(settings, data, step, key=key)

        with monkeypatch.context() as patched:
            patched.setattr(seeding, "_run_step", interrupt)
            with pytest.raises(KeyboardInterrupt):
                seed(demo_settings, if_empty=True)
        assert sales() == 20

        seed(demo_settings, if_empty=True)
        assert sales() == ORDERS
        assert [found for found in violations() if found[1]] == []

    def test_low_limits_shorten_the_history(
        self, app: Flask, demo_settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seed(replace(demo_settings, maximum_deposit=Decimal(150)), if_empty=False)

        assert 0 < sales() < ORDERS
        assert f", {sales()} orders." in capsys.readouterr().out

    def test_with_if_empty_a_shop_with_products_is_unchanged(
        self, app: Flask, demo_settings: Settings
    ) -> None:
        factories.product(factories.merchant())

        seed(demo_settings, if_empty=True)

        assert on_sale() == 1

    def test_production_is_refused(self, app: Flask, demo_settings: Settings) -> None:
        production = replace(demo_settings, **PRODUCTION)

        with pytest.raises(SettingsError, match="refused in production"):
            seed(production, if_empty=True)

        assert on_sale() == 0
