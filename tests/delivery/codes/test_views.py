"""Codes as their merchants list and delete them."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.concurrency import broken_invariants
from tests.delivery.codes.helpers import (
    codes_product,
    listed,
    send,
    stock,
    stocked,
    upload,
    url,
)
from tests.delivery.helpers import UNKNOWN, bought
from tests.factories import Actor
from tests.lists import pages_of
from tests.responses import TIME, refusal


class TestLists:
    def test_codes_are_masked(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "AB", "ABCDE", "GIFT-7F3A-21C9")
        line = bought(factories.buyer(), product_id)
        rows = listed(client, seller, product_id)
        assert [row["code"] for row in rows] == ["••••", "••••B", "••••DE", "••••21C9"]
        assert [row["status"] for row in rows] == ["SOLD"] + ["AVAILABLE"] * 3
        assert list(rows[0]) == [
            "id",
            "code",
            "status",
            "orderId",
            "takenAt",
            "seenAt",
            "revokedAt",
            "revocationReason",
            "replacedBy",
            "orderNumber",
        ]
        assert rows[0]["orderId"] == str(line.order_id)
        assert rows[1]["takenAt"] is None
        assert re.fullmatch(TIME, rows[0]["takenAt"])

    def test_codes_can_be_filtered_by_status(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A-1", "B-2", "C-3")
        bought(factories.buyer(), product_id, 2)

        def codes(status: str) -> list[str]:
            return [row["code"] for row in listed(client, seller, product_id, status=status)]

        assert codes("SOLD") == ["••••1", "••••2"]
        assert codes("AVAILABLE") == ["••••3"]
        assert codes("REVOKED") == []
        answer = client.get(
            url(product_id), query_string={"status": "GONE"}, headers=seller.headers
        )
        assert refusal(answer) == (400, "VALIDATION_ERROR")

    def test_codes_are_paginated(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, *(f"{number:02}" for number in range(5)))
        pages = list(pages_of(client, seller, url(product_id), limit=2))
        assert [page["meta"]["total"] for page in pages] == [5, 5, 5]
        assert [row["code"][-1] for page in pages for row in page["data"]] == list("01234")
        second = listed(client, seller, product_id, limit=2, page=2)
        assert [row["code"][-1] for row in second] == ["2", "3"]

    def test_uploads_are_listed_newest_first(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A")
        newest = upload(client, seller, product_id, ["B", "C"])
        body = client.get(url(product_id, "/uploads"), headers=seller.headers).json
        assert [row["total"] for row in body["data"]] == [2, 1]
        assert body["data"][0] == newest
        assert body["meta"]["total"] == 2

    def test_an_upload_belongs_to_its_product(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        one, other = codes_product(seller), codes_product(seller)
        made = upload(client, seller, one, ["A"])
        answer = client.get(url(other, f"/uploads/{made['id']}"), headers=seller.headers)
        assert refusal(answer) == (404, "UPLOAD_NOT_FOUND")

    @pytest.mark.parametrize("rest", ["", "/summary", "/uploads", f"/uploads/{UNKNOWN}"])
    def test_only_the_owner_can_list_codes(self, client: FlaskClient, rest: str) -> None:
        _, product_id = stocked(client, "A")
        answer = client.get(url(product_id, rest), headers=factories.merchant().headers)
        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        answer = client.get(url(product_id, rest), headers=factories.buyer().headers)
        assert refusal(answer) == (403, "FORBIDDEN")


class TestDeleting:
    def remove(self, client: FlaskClient, seller: Actor, product_id: Any, code_id: str) -> Any:
        return client.delete(url(product_id, f"/{code_id}"), headers=seller.headers)

    def test_an_unsold_code_can_be_deleted(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A-1", "B-2")
        code_id = listed(client, seller, product_id)[0]["id"]
        assert self.remove(client, seller, product_id, code_id).status_code == 204
        assert stock(client, product_id) == 1
        assert [row["code"] for row in listed(client, seller, product_id)] == ["••••2"]
        assert refusal(self.remove(client, seller, product_id, code_id)) == (404, "CODE_NOT_FOUND")
        assert upload(client, seller, product_id, ["A-1"])["added"] == 1
        assert broken_invariants() == []

    def test_a_sold_code_cannot_be_deleted(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B")
        bought(factories.buyer(), product_id)
        code_id = listed(client, seller, product_id, status="SOLD")[0]["id"]
        assert refusal(self.remove(client, seller, product_id, code_id)) == (409, "CODE_SOLD")
        assert stock(client, product_id) == 1

    def test_only_the_owner_can_delete_a_code(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A")
        other, others_product = stocked(client, "A")
        code_id = listed(client, seller, product_id)[0]["id"]
        assert refusal(self.remove(client, other, product_id, code_id)) == (
            403,
            "UNAUTHORIZED_PRODUCT_ACCESS",
        )
        assert refusal(self.remove(client, other, others_product, code_id)) == (
            404,
            "CODE_NOT_FOUND",
        )
        assert stock(client, product_id) == 1


def test_the_stock_of_codes_cannot_be_set(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "A")
    answer = client.patch(
        f"/api/v1/products/{product_id}", json={"availableUnits": 5}, headers=seller.headers
    )
    assert refusal(answer) == (400, "STOCK_IS_CODES")


def test_nothing_about_a_text_is_guessed(client: FlaskClient) -> None:
    seller = factories.merchant()
    product_id = codes_product(seller)

    def sent(body: str, mimetype: str = "text/plain", **query: str) -> TestResponse:
        return send(client, seller, product_id, body, mimetype=mimetype, query_string=query)

    asked = sent("Gift Code\nA1", dryRun="true")
    assert refusal(asked) == (400, "CODES_INVALID")
    assert list(asked.json["details"]) == ["header"]
    shown = sent("Gift Code\nA1", header="true", dryRun="true").json
    assert (shown["header"], shown["codes"]) == (["Gift Code"], ["A1"])

    damaged = sent("A1\n1.23e15")
    assert refusal(damaged) == (400, "CODES_INVALID")
    assert list(damaged.json["details"]) == ["line 2"]
    assert sent("A1\n1.23e15", allowDamaged="true").json["added"] == 2

    for charset in ("iso-8859-1", "windows-1252"):
        answer = sent("A2", f"text/plain; charset={charset}")
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert sent("A2", "text/plain; charset=UTF-8").json["added"] == 1
