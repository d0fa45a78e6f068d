"""The codes of errors: those of the document, and those that no operation has."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.docs.reference import operations_of


@dataclass(slots=True)
class ErrorCode:
    """A stable code of errors.

    example: of a response; None if it belongs to no operation. operations: method, path and summary
    of those that may answer it.
    """

    code: str
    status: int
    message: str
    example: Mapping[str, Any] | None = None
    operations: list[tuple[str, str, str]] = field(default_factory=list)


#: Answered before an operation is found, or instead of any.
_GENERAL: Final = (
    ErrorCode("BAD_REQUEST", 400, "The request is not HTTP as this server understands it"),
    ErrorCode("NOT_FOUND", 404, "There is no such endpoint, or no such record"),
    ErrorCode("METHOD_NOT_ALLOWED", 405, "The endpoint has other methods: see the header Allow"),
    ErrorCode("NOT_ACCEPTABLE", 406, "The endpoint has no response of the requested type"),
    ErrorCode("URI_TOO_LONG", 414, "The address of the request is too long"),
    ErrorCode(
        "OUTCOME_UNKNOWN",
        503,
        "The connection to the database was lost during a commit. Repeat the request with the same"
        " Idempotency-Key to learn the outcome",
    ),
)


def codes_of(document: dict[str, Any]) -> dict[str, ErrorCode]:
    """All codes in alphabetical order. document: the OpenAPI document."""
    found = {error.code: replace(error, operations=[]) for error in _GENERAL}
    for path, method, operation in operations_of(document):
        for response in operation["responses"].values():
            examples = response.get("content", {}).get("application/json", {}).get("examples", {})
            for code, example in examples.items():
                body = example["value"]
                if code not in found:
                    found[code] = ErrorCode(code, body["statusCode"], body["message"], body)
                found[code].operations.append((method.upper(), path, operation["summary"]))
    return dict(sorted(found.items()))
