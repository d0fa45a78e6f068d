"""Every list has a bound: `limit` with a default and a maximum, which it honours."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common.pagination import MAX_LIMIT
from tests.operations.access_matrix import CALLERS, EXPECTED
from tests.operations.sample_requests import SampleData

#: Arrays without `limit`, each with the reason why they are short.
SHORT = {
    "/api/v1/wallet/limits": "One for each type and window.",
    "/api/v1/admin/users/{user_id}/limits": "One for each type and window.",
    "/api/v1/quotas": "One for each quota.",
    "/api/v1/admin/users/{user_id}/quotas": "One for each quota.",
    "/api/v1/events/schemas": "One for each type of event.",
    "/api/v1/onramp/providers": "One for each bank of this installation.",
    "/api/v1/wallet/bank-accounts": "A user can have at most 10.",
}

READS = [route for route in EXPECTED if route[0] == "GET"]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def rows_of(body: Any) -> list[Any] | None:
    """The rows of a list, None if it is something else."""
    if isinstance(body, dict):
        body = body.get("data")
    return body if isinstance(body, list) else None


def lists(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and operation of everything that answers with an array, or a page."""
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        content = operations["get"]["responses"].get("200", {}).get("content", {})
        schema = resolved(document, content.get("application/json", {}).get("schema", {}))
        data = resolved(document, schema.get("properties", {}).get("data", {}))
        if "array" in (schema.get("type"), data.get("type")):
            yield path, operations["get"]


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/openapi.json").json
    return found


def test_every_list_takes_a_limit_with_a_default_and_a_maximum(document: dict[str, Any]) -> None:
    without, seen = set(), 0
    for path, operation in lists(document):
        limits = [each for each in operation.get("parameters", ()) if each.get("name") == "limit"]
        seen += 1
        if not limits:
            without.add(path)
            continue
        schema = limits[0]["schema"]
        assert schema["minimum"] == 1, path
        assert 1 <= schema["default"] <= schema["maximum"] <= MAX_LIMIT, path
    assert without == SHORT.keys()
    assert seen > len(SHORT) + 15


def test_a_limit_is_honoured(
    app: Flask, client: FlaskClient, data: SampleData, document: dict[str, Any]
) -> None:
    """With `limit=1` there is at most one row, and a way to the next one."""
    limited = {path for path, _ in lists(document)} - SHORT.keys()
    compared = set()
    for route, caller in product(READS, CALLERS):
        with data.send(client, route, caller) as answer:
            everything = rows_of(answer.json) if answer.is_json else None
        if route[1] not in limited or not everything:
            continue
        first = data.send(client, route, caller, query={"limit": "1"})
        described = first.headers.get("X-Pagination")
        meta = json.loads(described) if described else first.json["meta"]
        has_more = len(everything) > 1
        assert len(rows_of(first.json) or ()) == 1, route
        assert (meta["nextCursor"] is not None) == has_more, route
        assert ("Link" in first.headers) == (bool(described) and has_more), route
        compared.add((route[1], has_more))
    assert {has_more for _, has_more in compared} == {True, False}
    assert len({path for path, _ in compared}) >= 15
