"""A client of the public API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import urllib3

_TIMEOUT: Final = urllib3.Timeout(connect=5.0, read=30.0)
_CONNECTIONS: Final = 32


class ApiAway(Exception):
    """The API does not answer; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Answer:
    """body: of a JSON object; empty without one."""

    status: int
    body: Mapping[str, Any]

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def error(self) -> str:
        """The stable code of the error."""
        return str(self.body.get("error", self.status))


class Api:
    """url: of the API, with its prefix."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(maxsize=_CONNECTIONS, timeout=_TIMEOUT, retries=False)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        code: str | None = None,
    ) -> Answer:
        """No status raises. code: of two-factor authentication. Raises ApiAway."""
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if code is not None:
            headers["X-Two-Factor-Code"] = code
        if method == "POST" and not path.startswith("/auth/"):
            headers["Idempotency-Key"] = str(uuid4())
        try:
            response = self._http.request(
                method, self._url + path, json=body, headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise ApiAway(f"{self._url} does not answer: {type(error).__name__}.") from None
        return Answer(response.status, _object(response.data))

    def close(self) -> None:
        self._http.clear()


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(data)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
