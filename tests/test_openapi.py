"""The OpenAPI document, and the pages that show it."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from app.auth.scopes import Scope
from app.docs import reference

METHODS = {"get", "post", "put", "patch", "delete"}

#: The verbs of operation names by method. POST accepts any verb.
VERBS = {
    "get": {"get", "list", "export", "download"},
    "put": {"set", "upload"},
    "patch": {"update"},
    "delete": {"delete", "revoke", "disable", "reset"},
}

#: Operations whose name is only a verb.
VERBS_WITHOUT_NOUN = {"login", "logout"}

_NO_ACCOUNT = "The caller has no account that a key could belong to."
_STATE = "It sets a state or proves something: repeated, it is refused or does the same again."
_STORED_ONCE = "Repeating it has no further effect: what is stored already is recognized."

#: The operations that change something and take no Idempotency-Key, each with its reason.
_SIMULATED = "It makes no change here; the simulator, which it calls, uses keys."
WITHOUT_KEY = {
    "POST /api/v1/auth/register": _NO_ACCOUNT,
    "POST /api/v1/auth/login": _NO_ACCOUNT,
    "POST /api/v1/auth/phone": _NO_ACCOUNT,
    "POST /api/v1/auth/refresh": _NO_ACCOUNT,
    "POST /api/v1/auth/refresh/cookie": _NO_ACCOUNT,
    "POST /api/v1/licences/activate": _NO_ACCOUNT,
    "POST /api/v1/licences/deactivate": _NO_ACCOUNT,
    "POST /api/v1/licences/file": _NO_ACCOUNT,
    "POST /api/v1/licences/validate": _NO_ACCOUNT,
    "POST /api/v1/auth/logout": "It ends the session; nothing is replayed to an ended one.",
    "POST /api/v1/auth/password": _STATE,
    "POST /api/v1/auth/password/forgotten": _NO_ACCOUNT,
    "POST /api/v1/auth/password/reset": _NO_ACCOUNT,
    "POST /api/v1/auth/email": _STATE,
    "POST /api/v1/auth/email/verification": "Repeating it sends another mail, as often as allowed.",
    "POST /api/v1/auth/email/verification/confirm": _NO_ACCOUNT,
    "POST /api/v1/auth/phone/verification": "Repeating it sends another code, as often as allowed.",
    "POST /api/v1/auth/phone/verification/confirm": _STATE,
    "POST /api/v1/auth/stream-tickets": "A ticket is valid for seconds, and opens one stream.",
    "POST /api/v1/admin/traffic/start": _SIMULATED,
    "POST /api/v1/admin/traffic/stop": _SIMULATED,
    "POST /api/v1/admin/traffic/once": _SIMULATED,
    "POST /api/v1/auth/two-factor": _STATE,
    "POST /api/v1/auth/two-factor/confirm": _STATE,
    "DELETE /api/v1/auth/two-factor": _STATE,
    "POST /api/v1/auth/two-factor/recovery-codes": _STATE,
    "POST /api/v1/products/{product_id}/codes": _STORED_ONCE,
    "PUT /api/v1/products/{product_id}/file": _STORED_ONCE,
    "POST /api/v1/products/{product_id}/file/upload": _STORED_ONCE,
    "POST /api/v1/products/{product_id}/file/upload/{upload_id}/complete": _STORED_ONCE,
    "PUT /api/v1/products/{product_id}/file/upload/{upload_id}/parts/{number}": _STORED_ONCE,
    "POST /api/v1/products/{product_id}/images": _STORED_ONCE,
    "PUT /api/v1/shop/logo": _STORED_ONCE,
    "POST /api/v1/admin/reconciliations": _STORED_ONCE,
    "POST /api/v1/onramp/webhooks/{provider}": _STORED_ONCE,
    "POST /api/v1/webhooks/stripe": _STORED_ONCE,
}

#: Statuses that every operation documents.
EVERYWHERE = {"429", "500", "503"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return client.get("/api/openapi.json").json


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


class TestDocument:
    def test_the_document_is_valid_openapi_3_1(self, document: dict[str, Any]) -> None:
        assert document["openapi"] == "3.1.0"
        validate(document, cls=OpenAPIV31SpecValidator)

    def test_every_operation_has_a_summary_and_a_description(
        self, document: dict[str, Any]
    ) -> None:
        undescribed = [
            name
            for name, operation in operations(document)
            if not operation.get("summary") or not operation.get("description")
        ]
        assert undescribed == []

    def test_summaries_are_unique(self, document: dict[str, Any]) -> None:
        summaries = [operation["summary"] for _, operation in operations(document)]
        assert len(summaries) == len(set(summaries))

    def test_texts_are_not_in_the_first_person(self, document: dict[str, Any]) -> None:
        texts = re.findall(r'"(?:summary|description)": "((?:[^"\\]|\\.)*)"', json.dumps(document))
        assert len(texts) > 500
        assert [text for text in texts if re.search(r"\b(my|mine|myself|me)\b", text, re.I)] == []

    def test_every_operation_has_described_tags(self, document: dict[str, Any]) -> None:
        described = {tag["name"] for tag in document["tags"] if tag["description"]}
        for name, operation in operations(document):
            assert operation["tags"], name
            assert set(operation["tags"]) <= described, name

    def test_every_field_of_a_request_has_an_example(self, document: dict[str, Any]) -> None:
        bare = []
        for name, operation in operations(document):
            for media in operation.get("requestBody", {}).get("content", {}).values():
                schema = resolved(document, media["schema"])
                if "properties" not in schema and "example" not in media:
                    bare.append(name)
                fields = schema.get("properties", {})
                bare += [
                    f"{name}: {field}"
                    for field, schema in fields.items()
                    if not {"example", "enum"} & schema.keys() and schema.get("type") != "boolean"
                ]
        assert bare == []

    def test_every_parameter_has_a_description(self, document: dict[str, Any]) -> None:
        bare = []
        for path, item in document["paths"].items():
            for operation in (item, *(item[method] for method in METHODS & item.keys())):
                bare += [
                    f"{path}: {parameter['name']}"
                    for parameter in operation.get("parameters", ())
                    if not parameter.get("description")
                ]
        assert bare == []

    def test_every_response_is_described(self, document: dict[str, Any]) -> None:
        for name, operation in operations(document):
            for status, answer in operation["responses"].items():
                assert resolved(document, answer)["description"], f"{name} {status}"

    def test_every_error_has_the_common_body_and_an_example_per_code(
        self, document: dict[str, Any]
    ) -> None:
        for name, operation in operations(document):
            failures = {s: a for s, a in operation["responses"].items() if s >= "400"}
            assert failures.keys() >= EVERYWHERE, name
            for status, answer in failures.items():
                media = resolved(document, answer)["content"]["application/json"]
                assert media["schema"] == {"$ref": "#/components/schemas/Error"}, name
                for code, example in media["examples"].items():
                    assert example["value"]["error"] == code
                    assert str(example["value"]["statusCode"]) == status
                    assert f"`{code}`" in answer["description"]

    def test_operations_with_a_body_document_its_errors(self, document: dict[str, Any]) -> None:
        for name, operation in operations(document):
            takes_body = "requestBody" in operation
            assert ({"400", "413", "415"} <= operation["responses"].keys()) == takes_body, name

    def test_protected_operations_document_401_and_those_with_ids_404(
        self, document: dict[str, Any]
    ) -> None:
        schemes = document["components"]["securitySchemes"]
        assert {name: scheme["scheme"] for name, scheme in schemes.items()} == {
            "bearerAuth": "bearer",
            "apiKeyAuth": "bearer",
        }
        for name, operation in operations(document):
            if security := operation.get("security"):
                assert security[0] == {"bearerAuth": []}, name
                assert security[1:] in ([], [{"apiKeyAuth": []}]), name
                assert "401" in operation["responses"], name
            if "{" in name:
                assert "404" in operation["responses"], name

    def test_operations_that_accept_api_keys_document_the_scope(
        self, document: dict[str, Any]
    ) -> None:
        for name, operation in operations(document):
            takes_keys = {"apiKeyAuth": []} in operation.get("security", ())
            scope = operation.get("x-required-scope")
            assert takes_keys == (scope in set(Scope)), name
            assert takes_keys == (f"require the scope `{scope}`" in operation["description"]), name
            refusals = operation["responses"].get("403", {}).get("description", "")
            assert takes_keys == ("`SCOPE_REQUIRED`" in refusals), name

    def test_every_request_that_changes_something_accepts_an_idempotency_key(
        self, document: dict[str, Any]
    ) -> None:
        changing, with_key = set(), set()
        for name, operation in operations(document):
            if not name.startswith("GET "):
                changing.add(name)
            if any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", ())):
                with_key.add(name)
        assert len(with_key) > 40
        assert with_key <= changing
        assert changing - with_key == WITHOUT_KEY.keys()

    def test_an_unchanged_document_is_not_sent_again(self, client: FlaskClient) -> None:
        first = client.get("/api/openapi.json")
        again = client.get("/api/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def body_name(operation: dict[str, Any]) -> str | None:
    """The schema name of the JSON body of an operation."""
    content = operation.get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref")
    return reference and reference.rpartition("/")[2]


class TestNames:
    """The names that a client generator uses for functions, arguments and types."""

    def test_an_operation_name_is_a_verb_and_a_noun_and_the_verb_fits_the_method(
        self, document: dict[str, Any]
    ) -> None:
        for name, operation in operations(document):
            method = name.partition(" ")[0].lower()
            match = re.fullmatch(r"([a-z]+)([A-Z][a-z]+)*", operation["operationId"])
            assert match, name
            assert match[2] or match[1] in VERBS_WITHOUT_NOUN, name
            assert match[1] in VERBS.get(method, {match[1]}), name
            assert method == "post" or match[1] != "create", name

    def test_names_are_unique_regardless_of_case(self, document: dict[str, Any]) -> None:
        ids = [operation["operationId"].lower() for _, operation in operations(document)]
        assert len(ids) == len(set(ids))
        types = [name.lower() for name in document["components"]["schemas"]]
        assert len(types) == len(set(types))

    def test_type_names_have_no_technical_suffixes(self, document: dict[str, Any]) -> None:
        for name in document["components"]["schemas"]:
            assert re.fullmatch(r"([A-Z][a-z]+)+", name), name
            assert not re.search(r"(In|Out|Body|Schema|Page|Patch|Args)$", name), name

    def test_a_request_body_is_named_after_its_operation(self, document: dict[str, Any]) -> None:
        """Except for bodies of several operations, and events, which other systems define."""
        takers: dict[str, list[str]] = {}
        for _, operation in operations(document):
            if body := body_name(operation):
                takers.setdefault(body, []).append(operation["operationId"])
        odd = {
            body
            for body, taken_by in takers.items()
            if taken_by != [body[0].lower() + body[1:]] and len(taken_by) == 1
        }
        assert odd == {"BankEvent", "StripeEvent"}

    def test_a_page_is_named_after_its_items(self, document: dict[str, Any]) -> None:
        for name, schema in document["components"]["schemas"].items():
            fields = schema.get("properties", {})
            assert name.endswith("List") == (fields.keys() == {"data", "meta"}), name
            if name.endswith("List"):
                item = fields["data"]["items"]["$ref"].rpartition("/")[2]
                assert name == f"{item}List"

    def test_every_reference_is_defined_and_every_type_is_used(
        self, document: dict[str, Any]
    ) -> None:
        used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
        assert used == document["components"]["schemas"].keys()


class TestReference:
    """docs/api.md, which also detects changed names."""

    def test_the_reference_is_as_generated(self, document: dict[str, Any]) -> None:
        page = reference.PAGE.read_text()
        assert reference.updated(page, document, prefix="/api/v1") == page, "run ./flow api --write"

    def test_the_reference_lists_every_operation_and_schema(self, document: dict[str, Any]) -> None:
        page = reference.PAGE.read_text()
        for _, operation in operations(document):
            assert page.count(f"| `{operation['operationId']}` |") == 1
        for name in document["components"]["schemas"]:
            assert page.count(f"\n- `{name}`\n") == 1

    def test_a_changed_name_changes_the_reference(self, document: dict[str, Any]) -> None:
        page = reference.PAGE.read_text()
        document["paths"]["/api/v1/orders"]["post"]["operationId"] = "buy"
        assert reference.updated(page, document, prefix="/api/v1") != page


class TestPages:
    @pytest.mark.parametrize("page", ["/api/docs", "/api/redoc"])
    def test_a_page_refers_only_to_our_own_assets(self, client: FlaskClient, page: str) -> None:
        with client.get(page) as answer:
            html, policy = answer.text, answer.headers["Content-Security-Policy"]
        links = re.findall(r'(?:src|href|spec-url)="([^"]+)"', html)
        assert any(link.endswith(".js") for link in links)
        for link in links:
            assert not re.match(r"(\w+:)?//", link)
            with client.get(urljoin(page, link)) as asset:
                assert (link, asset.status_code) == (link, 200)
                assert asset.content_length
        assert "http" not in policy

    def test_swagger_ui_loads_the_document_and_keeps_the_token(self, client: FlaskClient) -> None:
        with client.get("/api/docs/assets/swagger.js") as answer:
            script = answer.text
        assert re.search(r"persistAuthorization:\s*true", script)
        (url,) = re.findall(r'url:\s*"([^"]+)"', script)
        assert client.get(urljoin("/api/docs", url)).json["openapi"] == "3.1.0"

    def test_the_pages_load_no_external_fonts_or_scripts(self, app: Flask) -> None:
        client = app.test_client()
        with client.get("/api/redoc") as answer:
            assert "disable-google-font" in answer.text
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("name", ["../views.py", "%2e%2e/views.py", "nothing.js", "", "/"])
    def test_other_files_are_not_served_as_assets(self, client: FlaskClient, name: str) -> None:
        assert client.get(f"/api/docs/assets/{name}").status_code == 404
