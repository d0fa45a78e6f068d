"""What generators of clients and people need of the OpenAPI document."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common.errors import AppError
from app.docs.document import REQUIRED_BY_DEFAULT
from app.docs.glossary import GLOSSARY
from tests.test_openapi import operations, resolved

#: Codes of errors that only others inherit from.
ABSTRACT = {"CONFLICT", "GONE", "UNPROCESSABLE"}


def subclasses(kind: type[AppError]) -> Iterator[type[AppError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from subclasses(one)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(node, dict):
        yield node
        for part in node.values():
            yield from nodes(part)
    elif isinstance(node, list):
        for part in node:
            yield from nodes(part)


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return client.get("/api/openapi.json").json


def test_the_tags_are_few(document: dict[str, Any]) -> None:
    assert len(document["tags"]) <= 12


def test_server_licence_and_version_are_stated(document: dict[str, Any]) -> None:
    assert document["servers"]
    assert document["info"]["license"] == {"name": "MIT", "identifier": "MIT"}
    version = document["info"]["version"]
    shown = subprocess.run(
        [sys.executable, "-m", "app.cli", "--version"], capture_output=True, text=True
    )
    assert shown.stdout == f"Payment Flow {version}\n"


def test_every_field_has_a_description(document: dict[str, Any]) -> None:
    bare = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description")
    ]
    assert bare == []


def test_the_glossary_describes_only_fields_that_exist(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"].items()
    fields = {field for _, schema in schemas for field in schema.get("properties", {})}
    full = {f"{name}.{field}" for name, one in schemas for field in one.get("properties", {})}
    assert set(GLOSSARY) - fields - full == set()


def test_states_and_kinds_are_listed(document: dict[str, Any]) -> None:
    names = {"status", "type", "role", "kind", "paymentMethod", "destination", "outcome"}
    open_ended = {
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if field in names and "enum" not in described
    }
    # New ones are added.
    assert open_ended == {"EventType.type", "HeldEvent.type", "StripeEvent.type"}


def test_patterns_are_ecma_262_and_true_of_their_examples(document: dict[str, Any]) -> None:
    checked = 0
    for node in nodes(document):
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            assert not re.search(r"\\[AZz]|\(\?P|\(\?[imsx]", pattern), pattern
            assert (pattern[0], pattern[-1]) == ("^", "$"), pattern
            if "example" in node:
                assert re.search(pattern, str(node["example"])), node
                checked += 1
        if isinstance(node.get("enum"), list) and "example" in node:
            assert node["example"] in node["enum"], node
    assert checked > 10


def test_answers_with_several_shapes_are_told_apart(document: dict[str, Any]) -> None:
    found = [node for node in nodes(document) if "oneOf" in node]
    assert len(found) >= 2
    for node in nodes(document):  # otherwise there is one shape, or null, or text of either format
        assert len([one for one in node.get("anyOf", ()) if one.keys() - {"type", "format"}]) <= 1
    for node in found:
        discriminator = node["discriminator"]
        name, mapping = discriminator["propertyName"], discriminator["mapping"]
        assert sorted(mapping.values()) == sorted(shape["$ref"] for shape in node["oneOf"])
        for value, reference in mapping.items():
            schema = resolved(document, {"$ref": reference})
            assert schema["properties"][name]["enum"] == [value]
            assert name in schema["required"]


def test_examples_of_requests_have_only_what_is_required(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            continue
        schema = body["schema"].get("$ref", "").rpartition("/")[2]
        required = resolved(document, body["schema"]).get("required")
        if required is not None:
            expected = [*required, *REQUIRED_BY_DEFAULT.get(schema, ())]
            assert sorted(body["example"]) == sorted(expected), name
    for node in nodes(document):
        if node.get("name") == "Idempotency-Key":
            assert "example" not in node


def test_every_error_code_is_listed_and_has_a_page(
    app: Flask, client: FlaskClient, document: dict[str, Any]
) -> None:
    codes = document["components"]["schemas"]["Error"]["properties"]["error"]["enum"]
    raised = {one.code for one in subclasses(AppError) if one.code not in ABSTRACT}
    assert raised <= set(codes)
    index = client.get("/api/errors").text
    for code in codes:
        assert f'href="/api/errors/{code}"' in index
        page = client.get(f"/api/errors/{code}")
        assert (page.status_code, f"<h1>{code}</h1>" in page.text) == (200, True)
        assert ".." not in page.text
        assert "<h2>What to do</h2>" in page.text
    assert client.get("/api/errors/NOTHING").status_code == 404
    page = client.get("/api/errors/PRODUCT_OUT_OF_STOCK").text
    assert "POST /api/v1/orders" in page
