"""Pagination of lists."""

import base64
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common.pagination import PageArgs, PageRequest
from tests import factories
from tests.operations.access_matrix import operations_of
from tests.responses import refusal


def cursor_of(*content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def load(**query: Any) -> PageRequest:
    loaded = PageArgs().load(query)
    assert list(loaded) == ["page"]
    request: PageRequest = loaded["page"]
    return request


class TestRequest:
    def test_the_default_is_the_first_page(self) -> None:
        assert load() == PageRequest(page=1, limit=20, after=None, total=None)

    def test_a_page_number_sets_the_offset(self) -> None:
        assert load(page=3, limit=50).offset == 100

    def test_a_cursor_contains_page_and_total_and_has_no_offset(self) -> None:
        request = load(cursor=cursor_of(31, 4, "name", 5), page=9)

        assert request == PageRequest(page=4, limit=20, after=("name", 5), total=31)
        assert request.offset == 0


def test_every_list_refuses_the_cursor_of_another_list(app: Flask, client: FlaskClient) -> None:
    seller = factories.merchant()
    product = str(factories.product(seller))
    lists = [
        path
        for (method, path), operation in operations_of(app).items()
        if method == "GET" and any(p["name"] == "cursor" for p in operation.get("parameters", ()))
    ]
    assert len(lists) >= 16
    for path in lists:
        for content in (["no id"], [1, 2], [None], [], ["a", "b", "c"]):
            answer = client.get(
                path.replace("{product_id}", product),
                query_string={"cursor": cursor_of(10, 2, *content)},
                headers=seller.headers,
            )
            assert refusal(answer) == (400, "VALIDATION_ERROR"), (path, content)
            assert answer.json["details"] == {"cursor": ["Invalid cursor."]}


@pytest.mark.parametrize("cursor", [cursor_of(10, 0, 5), cursor_of(-1, 2, 5), "garbage", ""])
def test_an_invalid_cursor_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get(
        "/api/v1/wallet/transactions",
        query_string={"cursor": cursor},
        headers=factories.buyer().headers,
    )

    assert refusal(answer) == (400, "VALIDATION_ERROR")
