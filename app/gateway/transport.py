"""How the Stripe library reaches the gateway. Importing this imports the library."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import stripe
import urllib3

#: Seconds to reach the gateway, and to wait for each piece of its answer.
TIME_OUT: Final = urllib3.Timeout(connect=2, read=10)

_LONGEST_ANSWER: Final = 1024 * 1024
_CONNECTIONS: Final = 8

# It would tell Stripe about the machine, and how long each call took.
stripe.enable_telemetry = False


class Transport(stripe.HTTPClient):
    """urllib3, which we have anyway, with a few connections for all threads.

    The library's own keeps one for each thread, waits 80 seconds, and follows redirects.
    """

    name = "urllib3"

    def __init__(self) -> None:
        super().__init__()
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS, timeout=TIME_OUT, retries=False, ca_certs=stripe.ca_bundle_path
        )

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """Body, status and headers of the answer. Raises APIConnectionError."""
        try:
            answer = self._pool.request(
                method.upper(),
                url,
                headers=dict(headers or {}),
                body=post_data,
                redirect=False,
                preload_content=False,
            )
            try:
                raw = answer.read(_LONGEST_ANSWER)
            finally:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise _away(type(error).__name__) from error
        if not _is_object(raw):
            raise _away(f"HTTP {answer.status}, and no JSON object")
        return raw, answer.status, answer.headers

    def close(self) -> None:
        """Close what is idle."""
        self._pool.clear()


def _away(why: str) -> stripe.APIConnectionError:
    """Safe to repeat: every POST has a key."""
    return stripe.APIConnectionError(why, should_retry=True)  # type: ignore[no-untyped-call]


def _is_object(raw: bytes) -> bool:
    """Whether it is what every answer should be; the library stumbles over anything else."""
    try:
        return isinstance(orjson.loads(raw), dict)
    except ValueError:
        return False
