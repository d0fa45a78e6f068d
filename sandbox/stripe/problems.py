"""How the gateway refuses: errors in Stripe's shape."""

from typing import Any


class Problem(Exception):
    """What is answered instead. param: the field that is wrong; kept: whether it is the answer
    to the Idempotency-Key for good."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        kept: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        self._error = {"code": code, "message": message, "param": param, "type": kind}

    def as_answer(self) -> dict[str, Any]:
        return {"error": {name: text for name, text in self._error.items() if text is not None}}


def missing(what: str, named: str, *, param: str) -> Problem:
    """There is no such thing."""
    return Problem(f"No such {what}: '{named}'", status=404, code="resource_missing", param=param)
