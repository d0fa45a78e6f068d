"""The HTTP interface of the traffic simulator."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import urllib3

from app.administration.traffic.errors import TrafficForbidden, TrafficUnavailable
from app.common.process_state import Slot

#: A single transaction takes longest: the first one signs its people up.
TIMEOUT: Final = urllib3.Timeout(connect=1.0, read=20.0)

#: The address of the simulator; None in production.
address: Final[Slot[str | None]] = Slot("traffic simulator")
_http: Final = urllib3.PoolManager(maxsize=4, timeout=TIMEOUT, retries=False)


def call(method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """The JSON of the response. Raises TrafficForbidden, TrafficUnavailable."""
    base = address()
    if base is None:
        raise TrafficForbidden
    try:
        response = _http.request(method, base + path, json=body)
        answer: Mapping[str, Any] = orjson.loads(response.data)
    except (urllib3.exceptions.HTTPError, orjson.JSONDecodeError):
        raise TrafficUnavailable(retry_after=5) from None
    if response.status != 200:
        raise TrafficUnavailable(str(answer.get("message") or "") or None, retry_after=5)
    return answer
