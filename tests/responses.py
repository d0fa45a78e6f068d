"""Checks of responses, and of the body that all errors share."""

from typing import Any

from werkzeug.test import TestResponse

from app.common.middleware import public_path

#: Regular expressions of ids and timestamps in responses.
UUID_TEXT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

ERROR_KEYS = [
    "statusCode",
    "error",
    "message",
    "details",
    "timestamp",
    "path",
    "method",
    "requestId",
]


def created(answer: TestResponse) -> Any:
    """The body of a response, whose status must be 201."""
    assert answer.status_code == 201, answer.text
    return answer.json


def refusal(answer: TestResponse) -> tuple[int, str]:
    """Status and code of an error, whose body must be the documented one."""
    body = error_body(answer)
    return answer.status_code, body["error"]


def error_body(answer: TestResponse) -> dict[str, Any]:
    """The body of an error. Checks that it has exactly the documented keys and fits the request."""
    assert answer.content_type == "application/json"
    body: dict[str, Any] = answer.json
    assert list(body) == ERROR_KEYS
    assert body["statusCode"] == answer.status_code
    path = public_path(answer.request.path)
    assert (body["path"], body["method"]) == (path, answer.request.method)
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert isinstance(body["details"], dict)
    return body
