"""The HTTP transport of the Stripe library. Importing this imports the library."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import stripe
import urllib3

from app.common import outbound

#: Seconds to connect to the gateway, and to wait for each part of its response.
TIMEOUT: Final = urllib3.Timeout(connect=2, read=10)
#: Seconds in which the whole body must have been received.
_BODY_SECONDS: Final = 15
#: The library makes one retry (app.gateway.client).
_ATTEMPTS: Final = 2

_MAX_RESPONSE_BYTES: Final = 1024 * 1024
_MAX_CONNECTIONS: Final = 8

# It would report the machine and the duration of each call to Stripe.
stripe.enable_telemetry = False


class Transport(stripe.HTTPClient):
    """urllib3, which is a dependency already, with a few connections for all threads.

    The library's own transport keeps one per thread, waits 80 seconds and follows redirects.
    """

    name = "urllib3"

    def __init__(self) -> None:
        super().__init__()
        self._pool = urllib3.PoolManager(
            maxsize=_MAX_CONNECTIONS, timeout=TIMEOUT, retries=False, ca_certs=stripe.ca_bundle_path
        )

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """Body, status and headers of the response. Raises APIConnectionError."""
        try:
            response = self._pool.request(
                method.upper(),
                url,
                headers=dict(headers or {}),
                body=post_data,
                redirect=False,
                preload_content=False,
                timeout=outbound.within_deadline(TIMEOUT, attempts=_ATTEMPTS),
            )
            try:
                raw = outbound.read_body(
                    response, max_bytes=_MAX_RESPONSE_BYTES, seconds=_BODY_SECONDS
                )
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise _connection_error(type(error).__name__) from error
        if not _is_object(raw):
            raise _connection_error(f"HTTP {response.status}, and no JSON object")
        return raw, response.status, response.headers

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()


def _connection_error(problem: str) -> stripe.APIConnectionError:
    """Retried: every POST has an idempotency key."""
    return stripe.APIConnectionError(problem, should_retry=True)  # type: ignore[no-untyped-call]


def _is_object(raw: bytes) -> bool:
    """Whether it is a JSON object, as every response must be. The library fails on others."""
    try:
        return isinstance(orjson.loads(raw), dict)
    except ValueError:
        return False
