"""Malformed and invalid request bodies and queries."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.responses import refusal

DEPOSIT = "/api/v1/wallet/deposit"
REGISTER = "/api/v1/auth/register"


def send(client: FlaskClient, body: bytes, content_type: str | None = "application/json") -> Any:
    return client.post(REGISTER, data=body, content_type=content_type)


class TestMalformedJson:
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"}",
            b'{"email":}',
            b"{'email':'a'}",
            b'{"email":"a",}',
            b"email=alice",
            b"<xml/>",
            b"\xff\xfe",
            b'{"email":"\xff"}',
            b'{"email":"\xed\xa0\x80"}',
            b'{"email":NaN}',
            b'{"email":Infinity}',
            b'{"email":-Infinity}',
            b'{"a":1}{"a":2}',
            b"\x00",
            b'{"email":"a\x00b"}',
            b'{"email":"a\nb"}',
            b'{"email":' + b"1" * 5000 + b"}",
            b'{"email":1e' + b"9" * 30 + b"}",
            b'{"email":"a","email":"a"}',
            b'{"email":"a","em\\u0061il":"b"}',
            b'{"email":[[{"a":{"b":1,"b":2}}]]}',
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_other_bodies_are_malformed(self, client: FlaskClient, body: bytes) -> None:
        assert refusal(send(client, body)) == (400, "MALFORMED_JSON")

    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    @pytest.mark.parametrize("depth", [1_000, 10_000, 65_000])
    def test_excessive_nesting_is_malformed(
        self, client: FlaskClient, opening: bytes, depth: int
    ) -> None:
        body = opening * min(depth, 65_000 // len(opening))

        assert refusal(send(client, body)) == (400, "MALFORMED_JSON")

    def test_100_000_levels_exceed_the_maximum_size(self, client: FlaskClient) -> None:
        body = b"[" * 100_000 + b"]" * 100_000

        assert refusal(send(client, body)) == (413, "BODY_TOO_LARGE")

    @pytest.mark.parametrize(
        "text",
        ["\\u0000", "a\\u0000b", "\\\\\\u0000", "\\ud800", "\\uDFFF", "\\ude00\\ud83d", "\\ud83dx"],
    )
    @pytest.mark.parametrize("place", ["value", "name", "nested"])
    def test_text_that_cannot_be_stored_is_malformed(
        self, client: FlaskClient, text: str, place: str
    ) -> None:
        body = {
            "value": f'{{"email":"{text}"}}',
            "name": f'{{"{text}":1}}',
            "nested": f'{{"email":[[{{"a":"{text}"}}]]}}',
        }[place]

        assert refusal(send(client, body.encode())) == (400, "MALFORMED_JSON")

    @pytest.mark.parametrize("text", ["\\ud83d\\ude00", "\\\\u0000", "\\\\ud800", "\\u00e9"])
    def test_similar_text_that_can_be_stored_is_accepted(
        self, client: FlaskClient, text: str
    ) -> None:
        answer = client.post(
            DEPOSIT,
            data=f'{{"amount":"1.00","description":"{text}"}}',
            content_type="application/json",
            headers=factories.actor().headers,
        )

        assert answer.status_code == 200
        assert answer.json["transaction"]["description"] == json.loads(f'"{text}"')


class TestInvalidBodies:
    @pytest.mark.parametrize("body", [b"[]", b"5", b'"text"', b"true", b"[{}]"])
    def test_json_that_is_not_an_object_is_refused(self, client: FlaskClient, body: bytes) -> None:
        answer = send(client, body)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert answer.json["details"] == {"body": ["Must be a JSON object."]}

    @pytest.mark.parametrize(("text", "what"), [("\\u0000", "NUL"), ("\\ud800", "half")])
    def test_a_text_that_cannot_be_stored_is_named(
        self, client: FlaskClient, text: str, what: str
    ) -> None:
        for body, field in (('{"email": "a%s"}', "email"), ('{"a": [1, {"b": "%s"}]}', "a[1].b")):
            answer = send(client, (body % text).encode())
            assert refusal(answer) == (400, "MALFORMED_JSON")
            ((where, (problem,)),) = answer.json["details"].items()
            assert (where, what in problem) == (field, True)

    @pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1"])
    def test_another_character_set_is_unsupported(self, client: FlaskClient, charset: str) -> None:
        answer = send(client, b"{}", f"application/json; charset={charset}")
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")

    @pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "us-ascii"])
    def test_utf_8_may_be_stated(self, client: FlaskClient, charset: str) -> None:
        answer = send(client, b"{}", f"application/json; charset={charset}")
        assert refusal(answer) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("body", [b"null", b"{}", b" {} "])
    def test_an_empty_object_lacks_the_required_fields(
        self, client: FlaskClient, body: bytes
    ) -> None:
        assert refusal(send(client, body)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
    def test_a_missing_body_lacks_the_required_fields(
        self, client: FlaskClient, content_type: str | None
    ) -> None:
        answer = send(client, b"", content_type)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert "email" in answer.json["details"]

    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/jsonp",
            "json",
        ],
    )
    def test_another_media_type_is_unsupported(
        self, client: FlaskClient, content_type: str | None
    ) -> None:
        answer = send(client, b'{"email":"a"}', content_type)

        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")

    @pytest.mark.parametrize(
        "content_type",
        ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"],
    )
    def test_every_json_media_type_is_accepted(
        self, client: FlaskClient, content_type: str
    ) -> None:
        assert refusal(send(client, b"{}", content_type)) == (400, "VALIDATION_ERROR")

    def test_a_body_above_64_kib_is_refused(self, client: FlaskClient) -> None:
        frame = b'{"email":""}'
        largest = b'{"email":"' + b"x" * (65_536 - len(frame)) + b'"}'
        assert len(largest) == 65_536

        assert refusal(send(client, largest)) == (400, "VALIDATION_ERROR")
        answer = send(client, largest + b" ")

        assert refusal(answer) == (413, "BODY_TOO_LARGE")
        assert answer.json["message"] == "The body is larger than 64 KiB"


class TestQueries:
    @pytest.mark.parametrize("query", ["q=%00", "q=a%00b", "%00=1", "unknown=%00"])
    def test_a_nul_character_is_refused(self, client: FlaskClient, query: str) -> None:
        assert refusal(client.get(f"/api/v1/products?{query}")) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("query", ["q=%FF", "q=%ED%A0%80", "q=%F0%9F%98%80"])
    def test_other_unusual_text_is_accepted(self, client: FlaskClient, query: str) -> None:
        assert client.get(f"/api/v1/products?{query}").status_code == 200
