"""Quotas: what is refused, what is counted, and who may change a maximum."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.audit.models import AuditRecord
from app.auth.quotas.quota import Quota
from app.common import clock
from app.common.db import transaction
from app.delivery.codes import tasks
from app.delivery.codes.models import ProductCode
from app.delivery.files.models import ProductFile
from tests import factories
from tests.auth.quotas.helpers import API, UNITS, Shop
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.delivery.codes.helpers import codes_product
from tests.delivery.files.helpers import file_product
from tests.responses import refusal

EXCEEDED = (403, "QUOTA_EXCEEDED")

DAY = timedelta(days=1)

SetMaximum = Callable[[Quota, int], None]


def usage(shop: Shop, quota: Quota) -> tuple[int, int]:
    """Used and maximum."""
    (row,) = [row for row in shop.send("GET", "/quotas").json if row["quota"] == quota]
    return row["used"], row["maximum"]


@pytest.mark.parametrize("quota", Quota)
class TestEveryQuota:
    def test_nothing_is_created_beyond_the_maximum(
        self, shop: Shop, set_maximum: SetMaximum, quota: Quota
    ) -> None:
        create, _ = UNITS[quota]
        set_maximum(quota, 2)

        made = [create(shop).status_code for _ in range(2)]
        answer = create(shop)

        assert made == [201, 201]
        assert refusal(answer) == EXCEEDED
        expected = {"quota": quota, "used": 2, "requested": 1, "maximum": 2}
        assert answer.json["details"] == expected
        assert usage(shop, quota) == (2, 2)

    def test_others_have_their_own(self, shop: Shop, set_maximum: SetMaximum, quota: Quota) -> None:
        create, _ = UNITS[quota]
        set_maximum(quota, 1)
        create(shop)
        other = Shop(shop.client, factories.actor("MERCHANT", balance="9.00"), made=100)

        assert usage(other, quota) == (0, 1)
        assert create(other).status_code == 201


@pytest.mark.parametrize("quota", [quota for quota, (_, delete) in UNITS.items() if delete])
def test_what_is_deleted_or_closed_no_longer_counts(
    shop: Shop, set_maximum: SetMaximum, quota: Quota
) -> None:
    create, delete = UNITS[quota]
    assert delete is not None
    set_maximum(quota, 1)
    made = create(shop)
    assert refusal(create(shop)) == EXCEEDED

    assert delete(shop, made).status_code in (200, 204)

    assert usage(shop, quota) == (0, 1)
    assert create(shop).status_code == 201


class TestProducts:
    def csv(self, rows: int) -> dict[str, Any]:
        lines = ["name,price,availableUnits", *["Course,1.00,1"] * rows]
        return {"data": "\r\n".join(lines), "content_type": "text/csv"}

    @pytest.mark.parametrize("query", ["", "?dryRun=true"])
    def test_an_import_stays_within_the_quota(
        self, shop: Shop, set_maximum: SetMaximum, query: str
    ) -> None:
        set_maximum(Quota.PRODUCTS, 5)
        shop.send("POST", "/products/import", **self.csv(3))

        answer = shop.send("POST", f"/products/import{query}", **self.csv(3))

        assert refusal(answer) == EXCEEDED
        assert answer.json["details"]["requested"] == 3
        assert usage(shop, Quota.PRODUCTS) == (3, 5)
        assert shop.send("POST", "/products/import", **self.csv(2)).status_code == 200

    def test_the_same_key_succeeds_once_there_is_room(
        self, shop: Shop, set_maximum: SetMaximum
    ) -> None:
        create, delete = UNITS[Quota.PRODUCTS]
        set_maximum(Quota.PRODUCTS, 1)
        made = create(shop)
        body = {"name": "Course", "price": "1.00", "availableUnits": 1}
        headers = shop.actor.headers | {"Idempotency-Key": "q-1"}

        refused = shop.client.post(f"{API}/products", json=body, headers=headers)
        assert delete is not None
        delete(shop, made)

        assert refusal(refused) == EXCEEDED
        assert shop.client.post(f"{API}/products", json=body, headers=headers).status_code == 201


class TestCodes:
    def upload(self, shop: Shop, product_id: UUID, codes: range) -> Any:
        data = "\n".join(f"CODE-{number}" for number in codes)
        path = f"/products/{product_id}/codes"
        return shop.send("POST", path, data=data, content_type="text/plain")

    @pytest.mark.parametrize("number", [40, 1_500])
    def test_a_large_file_is_refused_as_a_whole(
        self, shop: Shop, set_maximum: SetMaximum, number: int
    ) -> None:
        set_maximum(Quota.CODES, number - 1)
        product_id = codes_product(shop.actor)

        assert refusal(self.upload(shop, product_id, range(number))) == EXCEEDED
        assert usage(shop, Quota.CODES) == (0, number - 1)
        assert self.upload(shop, product_id, range(number - 1)).status_code in (201, 202)
        assert usage(shop, Quota.CODES) == (number - 1, number - 1)

    def test_a_repeated_upload_adds_nothing_and_is_accepted(
        self, shop: Shop, set_maximum: SetMaximum
    ) -> None:
        set_maximum(Quota.CODES, 3)
        product_id = codes_product(shop.actor)
        self.upload(shop, product_id, range(3))

        answer = self.upload(shop, product_id, range(3))

        assert (answer.status_code, answer.json["duplicates"]) == (201, 3)

    def test_sold_codes_do_not_count(self, shop: Shop, set_maximum: SetMaximum) -> None:
        set_maximum(Quota.CODES, 3)
        product_id = codes_product(shop.actor)
        self.upload(shop, product_id, range(3))
        order = {"productId": str(product_id), "paymentMethod": "WALLET", "quantity": 2}
        shop.client.post(f"{API}/orders", json=order, headers=factories.buyer().headers)

        assert usage(shop, Quota.CODES) == (1, 3)

    def test_unsold_codes_of_a_deleted_product_are_deleted(
        self, shop: Shop, set_maximum: SetMaximum
    ) -> None:
        set_maximum(Quota.CODES, 3)
        product_id = codes_product(shop.actor)
        self.upload(shop, product_id, range(3))
        order = {"productId": str(product_id), "paymentMethod": "WALLET"}
        shop.client.post(f"{API}/orders", json=order, headers=factories.buyer().headers)
        shop.send("DELETE", f"/products/{product_id}")

        tasks.sweep()

        with transaction() as session:
            kept = session.scalars(select(ProductCode.order_id)).all()
        assert len(kept) == 1
        assert kept[0] is not None
        assert usage(shop, Quota.CODES) == (0, 3)
        assert broken_invariants() == []


class TestFiles:
    def upload(self, shop: Shop, product_id: UUID, size: int) -> Any:
        return shop.send(
            "PUT",
            f"/products/{product_id}/file",
            data=bytes([shop.number()]) * size,
            query_string={"name": "a.pdf"},
            content_type="application/pdf",
        )

    def test_a_file_can_be_replaced_once_and_then_after_a_day(
        self, shop: Shop, set_maximum: SetMaximum
    ) -> None:
        set_maximum(Quota.FILE_BYTES, 100)
        product_id = file_product(shop.actor)

        sizes = [self.upload(shop, product_id, size).status_code for size in (80, 100)]
        answer = self.upload(shop, product_id, 100)

        assert sizes == [201, 200]
        assert refusal(answer) == EXCEEDED
        assert answer.json["details"] == {
            "quota": "FILE_BYTES",
            "used": 180,
            "requested": 100,
            "maximum": 200,
        }
        with transaction() as session:
            session.execute(
                update(ProductFile)
                .where(ProductFile.retired_at.is_not(None))
                .values(retired_at=clock.now() - 2 * DAY)
            )
        assert self.upload(shop, product_id, 100).status_code == 200

    def test_the_quota_is_of_all_files_together(self, shop: Shop, set_maximum: SetMaximum) -> None:
        set_maximum(Quota.FILE_BYTES, 100)
        first, second = file_product(shop.actor), file_product(shop.actor)
        self.upload(shop, first, 60)

        assert refusal(self.upload(shop, second, 41)) == EXCEEDED
        assert self.upload(shop, second, 40).status_code == 201

    def test_an_unsold_file_of_a_deleted_product_no_longer_counts(
        self, shop: Shop, set_maximum: SetMaximum
    ) -> None:
        set_maximum(Quota.FILE_BYTES, 100)
        unsold, sold = file_product(shop.actor), file_product(shop.actor)
        self.upload(shop, unsold, 60)
        self.upload(shop, sold, 30)
        order = {"productId": str(sold), "paymentMethod": "WALLET"}
        shop.client.post(f"{API}/orders", json=order, headers=factories.buyer().headers)

        for product_id in (unsold, sold):
            assert shop.send("DELETE", f"/products/{product_id}").status_code == 200

        assert usage(shop, Quota.FILE_BYTES) == (30, 100)
        assert broken_invariants() == []


class TestAdministration:
    def path(self, shop: Shop) -> str:
        return f"{API}/admin/users/{shop.actor.id}/quotas"

    def test_an_administrator_sets_the_maximum_of_one_user(
        self, client: FlaskClient, shop: Shop, set_maximum: SetMaximum
    ) -> None:
        create, _ = UNITS[Quota.COUPONS]
        set_maximum(Quota.COUPONS, 1)
        create(shop)
        admin = factories.admin()
        body = {"quota": "COUPONS", "maximum": 2}

        answer = client.put(self.path(shop), json=body, headers=admin.headers)

        assert answer.status_code == 200
        expected = {"quota": "COUPONS", "used": 1, "maximum": 2, "isOwn": True}
        assert expected in answer.json
        assert client.get(self.path(shop), headers=admin.headers).json == answer.json
        assert [create(shop).status_code for _ in range(2)] == [201, 403]
        with transaction() as session:
            record = session.scalars(select(AuditRecord)).one()
        assert (record.action, record.actor_id, record.target_id, record.details) == (
            "quota.set",
            admin.id,
            shop.actor.id,
            {"quota": "COUPONS", "maximum": 2},
        )

    def test_a_maximum_can_be_lowered_and_reset(
        self, client: FlaskClient, shop: Shop, set_maximum: SetMaximum
    ) -> None:
        create, _ = UNITS[Quota.COUPONS]
        set_maximum(Quota.COUPONS, 5)
        create(shop)
        headers = factories.admin().headers

        client.put(self.path(shop), json={"quota": "COUPONS", "maximum": 0}, headers=headers)
        assert usage(shop, Quota.COUPONS) == (1, 0)
        assert refusal(create(shop)) == EXCEEDED
        client.put(self.path(shop), json={"quota": "COUPONS", "maximum": None}, headers=headers)
        assert usage(shop, Quota.COUPONS) == (1, 5)
        assert create(shop).status_code == 201

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"quota": "COUPONS"},
            {"quota": "coupons", "maximum": 1},
            {"quota": "COUPONS", "maximum": -1},
            {"quota": "COUPONS", "maximum": 2**53 + 1},
        ],
    )
    def test_invalid_bodies_are_refused(
        self, client: FlaskClient, shop: Shop, body: dict[str, Any]
    ) -> None:
        answer = client.put(self.path(shop), json=body, headers=factories.admin().headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "quota", [Quota.PRODUCTS, Quota.COUPONS, Quota.MERCHANT_CODES, Quota.PAYMENT_REQUESTS]
)
def test_concurrent_requests_together_stay_within_a_quota(
    committing: Flask, set_maximum: SetMaximum, quota: Quota
) -> None:
    create, _ = UNITS[quota]
    set_maximum(quota, 3)
    actor = factories.actor("MERCHANT", balance="100.00")

    answers = all_at_once(
        lambda number: create(Shop(committing.test_client(), actor, made=number * 10)), range(12)
    )

    assert outcomes(answers) == {(201, None): 3, (403, "QUOTA_EXCEEDED"): 9}
    assert broken_invariants() == []
