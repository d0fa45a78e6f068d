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

    @property
    def remedy(self) -> str:
        """What a client does about it."""
        return _REMEDIES.get(self.status, _REMEDY_OF_OTHERS)


_REMEDY_OF_OTHERS: Final = (
    "Change the request: the same one gets the same answer. `details` says what is wrong with it."
)
#: By status.
_REMEDIES: Final = {
    401: "Sign in, or refresh the access token, and repeat the request.",
    403: "The caller may not do this. `details` says what is missing, where that helps.",
    404: "Check the address and the IDs in it. What belongs to somebody else is not found either.",
    409: "The request was right, and the state of its object does not allow it. Read the object"
    " again, and decide with the user.",
    429: "Wait for as many seconds as the header `Retry-After` says, and repeat the request.",
    500: "A defect. Report it with its `requestId`. Repeat the request with the same"
    " Idempotency-Key: it takes effect once.",
    502: "Another system did not answer as it should. Repeat the request later, with the same"
    " Idempotency-Key.",
    503: "Wait for as many seconds as the header `Retry-After` says, and repeat the request with"
    " the same Idempotency-Key.",
}

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
                    found[code] = ErrorCode(code, body["statusCode"], example["summary"], body)
                found[code].operations.append((method.upper(), path, operation["summary"]))
    return dict(sorted(found.items()))
