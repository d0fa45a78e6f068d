"""Headers of every response, CORS, and JSON bodies."""

import re
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from app.common import http
from app.common.http import json_response
from app.common.json_format import MalformedJson, dump_json, parse_json
from tests import factories

UUID_TEXT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class TestRequestIds:
    @pytest.mark.parametrize(
        "given",
        [
            "my-request-1",
            "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11",
            "a.b:c_d-e",
            "x" * 128,
            "12345678",
        ],
    )
    def test_a_valid_request_id_is_kept(self, client: FlaskClient, given: str) -> None:
        answer = client.get("/nothing", headers={"X-Request-Id": given})

        assert answer.headers["X-Request-Id"] == answer.json["requestId"] == given

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "short",
            "x" * 129,
            "with space",
            "<script>alert(1)</script>",
            "née-12345",
            "a" * 8 + "\t",
        ],
    )
    def test_an_invalid_request_id_is_replaced(self, client: FlaskClient, given: str) -> None:
        answer = client.get("/nothing", headers={"X-Request-Id": given})

        assert re.fullmatch(UUID_TEXT, answer.headers["X-Request-Id"])
        assert answer.json["requestId"] == answer.headers["X-Request-Id"]

    def test_each_request_gets_its_own_id(self, client: FlaskClient) -> None:
        ids = {client.get("/health/live").headers["X-Request-Id"] for _ in range(5)}

        assert len(ids) == 5

    @pytest.mark.parametrize(
        "path", ["/api/v1/products", "/nothing", "/api/openapi.json", "/health/ready"]
    )
    def test_every_response_has_a_request_id(self, client: FlaskClient, path: str) -> None:
        assert re.fullmatch(UUID_TEXT, client.get(path).headers["X-Request-Id"])


class TestHeaders:
    @pytest.mark.parametrize("path", ["/api/v1/products", "/api/v1/wallet", "/nothing"])
    def test_responses_have_security_headers(self, client: FlaskClient, path: str) -> None:
        headers = client.get(path).headers

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"

    def test_private_responses_are_not_cached(self, client: FlaskClient) -> None:
        answer = client.get("/api/v1/wallet", headers=factories.actor().headers)

        assert answer.headers["Cache-Control"] == "no-store"

    def test_public_responses_are_revalidated(self, client: FlaskClient) -> None:
        assert client.get("/api/v1/products").headers["Cache-Control"] == "no-cache"

    def test_hsts_is_sent_over_https_only(self, client: FlaskClient) -> None:
        plain = client.get("/health/live")
        secure = client.get("/health/live", base_url="https://shop.example")

        assert "Strict-Transport-Security" not in plain.headers
        assert secure.headers["Strict-Transport-Security"].startswith("max-age=31536000")

    def test_json_is_compact_utf_8(self) -> None:
        assert dump_json({"a": [1, "é"], "b": None}) == '{"a":[1,"é"],"b":null}'.encode()


class TestCors:
    def client(self, *origins: str) -> FlaskClient:
        app = Flask("shop")
        http.install(app, cors_origins=origins)

        @app.get("/things")
        def things() -> Response:
            return json_response(b"[]")

        return app.test_client()

    def test_without_configured_origins_none_is_allowed(self) -> None:
        answer = self.client().get("/things", headers={"Origin": "https://shop.example"})

        assert "Access-Control-Allow-Origin" not in answer.headers

    def test_a_configured_origin_is_allowed(self) -> None:
        answer = self.client("https://shop.example").get(
            "/things", headers={"Origin": "https://shop.example"}
        )

        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert answer.headers["Vary"] == "Origin"
        assert "X-Pagination" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "https://shop.example.evil.example",
            "http://shop.example",
            "https://shop.example:8443",
            "null",
            "*",
        ],
    )
    def test_other_origins_are_not_allowed(self, origin: str) -> None:
        answer = self.client("https://shop.example").get("/things", headers={"Origin": origin})

        assert "Access-Control-Allow-Origin" not in answer.headers
        # So that a shared cache does not serve the response for one origin to another.
        assert answer.headers["Vary"] == "Origin"

    def test_an_asterisk_allows_every_origin(self) -> None:
        answer = self.client("*").get("/things", headers={"Origin": "https://any.example"})

        assert answer.headers["Access-Control-Allow-Origin"] == "https://any.example"

    def test_a_preflight_lists_allowed_methods_and_headers(self) -> None:
        answer = self.client("https://shop.example").options(
            "/things",
            headers={
                "Origin": "https://shop.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,idempotency-key",
            },
        )

        assert answer.status_code == 204
        assert {"POST", "PUT"} <= {*answer.headers["Access-Control-Allow-Methods"].split(", ")}
        for name in ("Authorization", "Content-Type", "Idempotency-Key", "X-Two-Factor-Code"):
            assert name in answer.headers["Access-Control-Allow-Headers"]

    def test_a_preflight_from_another_origin_gets_no_cors_headers(self) -> None:
        answer = self.client("https://shop.example").options(
            "/things",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        )

        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


class TestParsingJson:
    @pytest.mark.parametrize(
        ("raw", "value"),
        [
            (b'{"a":0.1}', "{'a': Decimal('0.1')}"),
            (b"1e400", "Decimal('1E+400')"),
            (b"12345678901234567890", "12345678901234567890"),
            (b'"\\ud83d\\ude00"', "'😀'"),
            ('"é"'.encode(), "'é'"),
        ],
    )
    def test_numbers_and_text_are_parsed_exactly(self, raw: bytes, value: str) -> None:
        assert repr(parse_json(raw)) == value

    @pytest.mark.parametrize("raw", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000])
    def test_100_000_levels_are_malformed(self, raw: bytes) -> None:
        with pytest.raises(MalformedJson):
            parse_json(raw)

    def test_a_long_sequence_of_backslashes_is_parsed_quickly(self) -> None:
        raw: Any = b'"' + b"\\" * 60_000 + b'"'

        assert parse_json(raw) == "\\" * 30_000


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "%00", "..%2f..%2fviews.py"])
def test_an_asset_with_an_invalid_name_is_not_found(client: FlaskClient, name: str) -> None:
    assert client.get(f"/api/docs/assets/{name}").status_code == 404
