"""Every endpoint refuses query parameters that it does not have, and repeated ones."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.operations.access_matrix import operations_of
from tests.operations.sample_requests import SampleData
from tests.operations.test_idempotency_keys import caller_of
from tests.responses import refusal


def parameters_of(operation: dict[str, Any]) -> list[str]:
    return [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]


def test_an_unknown_parameter_is_refused_by_name(
    app: Flask, client: FlaskClient, data: SampleData
) -> None:
    operations = operations_of(app)
    assert len(operations) > 100
    for (method, path), operation in operations.items():
        # Misspelt: the right names are in camelCase.
        names = ["buyer_email", *(name.upper() for name in parameters_of(operation))]
        query = dict.fromkeys(names, "1")
        answer = client.open(path.format(**data.names), method=method, query_string=query)
        assert refusal(answer) == (400, "VALIDATION_ERROR"), (method, path)
        expected = {name: ["Unknown query parameter."] for name in names}
        assert answer.json["details"] == expected, (method, path)


def test_a_repeated_parameter_is_refused_by_name(
    app: Flask, client: FlaskClient, data: SampleData
) -> None:
    checked = 0
    for (method, path), operation in operations_of(app).items():
        for name in parameters_of(operation):
            answer = client.open(
                path.format(**data.names), method=method, query_string=f"{name}=1&{name}=2"
            )
            assert refusal(answer) == (400, "VALIDATION_ERROR"), (method, path, name)
            assert answer.json["details"] == {name: ["Must be given once only."]}
            checked += 1
    assert checked > 80


@pytest.mark.parametrize(
    ("since", "until"), [("2026-03-02", "2026-03-01"), ("2026-03-01", "2026-03-01")]
)
def test_periods_without_any_time_are_refused_alike(
    app: Flask, client: FlaskClient, data: SampleData, since: str, until: str
) -> None:
    checked = 0
    for route, operation in operations_of(app).items():
        if not {"from", "to"} <= set(parameters_of(operation)):
            continue
        answer = data.send(client, route, caller_of(route), query={"from": since, "to": until})
        assert refusal(answer) == (400, "VALIDATION_ERROR"), route
        assert answer.json["details"] == {"from": ["Must be before `to`."]}, route
        checked += 1
    assert checked >= 6


def test_an_encoded_body_is_refused(app: Flask, client: FlaskClient, data: SampleData) -> None:
    for (method, path), operation in operations_of(app).items():
        if "requestBody" not in operation:
            continue
        answer = client.open(
            path.format(**data.names),
            method=method,
            data=b"\x1f\x8b\x08",
            headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
        )
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE"), (method, path)
        assert answer.json["message"] == "Send the request body without Content-Encoding"
        assert answer.headers["Accept-Encoding"] == "identity"


def test_pages_for_people_ignore_what_others_add_to_links(client: FlaskClient) -> None:
    for path in ("/api/docs", "/checkout/return", "/health/live"):
        with client.get(f"{path}?utm_source=mail&utm_source=x") as answer:
            assert answer.status_code == 200, path
