"""Requests by the template of their route, as Prometheus counts them."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.common import metrics

_REQUESTS: Final = metrics.counter(
    "payment_flow_http_requests_total",
    "Requests that were answered, by method, template of the route and status",
    "method",
    "route",
    "status",
)
_SECONDS: Final = metrics.histogram(
    "payment_flow_http_request_seconds",
    "Seconds from the arrival of a request until its response began",
    "method",
    "route",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
#: The route of requests that no route serves, whatever their paths and methods are.
_NONE: Final = "none"
#: `<uuid:order_id>` in a template of Flask.
_VARIABLE: Final = re.compile(r"<(?:[^:<>]*:)?([^<>]*)>")

#: What counts the requests of a route of Flask, by method, template and status.
_counts: Final[dict[tuple[str, str | None, int], Callable[[float], None]]] = {}


def observe(environ: Mapping[str, Any], *, seconds: float, status: int) -> None:
    """Count a request. environ: of WSGI, in which Flask has left its request."""
    rule = template(environ)
    key = environ["REQUEST_METHOD"] if rule is not None else "", rule, status
    count = _counts.get(key)
    if count is None:
        count = _counts[key] = _counter(*key)
    count(seconds)


def template(environ: Mapping[str, Any]) -> str | None:
    """The template of the route that serves a request, as Flask writes it; None if there is none,
    or Flask has not seen the request."""
    request = environ.get("werkzeug.request")
    rule = getattr(request, "url_rule", None)
    return rule.rule if rule is not None else None


def readable(template: str) -> str:
    """A template of Flask as the API's documents write it: `/orders/{order_id}`."""
    return _VARIABLE.sub(r"{\1}", template)


def _counter(method: str, rule: str | None, status: int) -> Callable[[float], None]:
    labels = (method, readable(rule)) if rule is not None else (_NONE, _NONE)
    requests = _REQUESTS.labels(*labels, str(status))
    duration = _SECONDS.labels(*labels)

    def count(seconds: float) -> None:
        requests.inc()
        duration.observe(seconds)

    return count
