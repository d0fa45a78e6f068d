"""Exports the spans of a process to a collector: OTLP over HTTP, as JSON.

A span is put into a queue, from which a thread sends it. Whatever the collector does, nothing else
waits for it: spans for which there is no room are dropped.

The SDK of OpenTelemetry does the same with ten packages and 7 MB per process, and redis imports it
wherever it is installed (docs/decisions/0033). https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson
import structlog
import urllib3

from app import VERSION
from app.common import metrics
from app.common.settings import Settings
from app.common.tracing import Attributes, Kind, Span, SpanContext, Tracing, tracing

_PATH: Final = "/v1/traces"
#: Seconds for a request to the collector, between two, and for the last ones when a process ends.
_TIMEOUT: Final = 5.0
_PAUSE_SECONDS: Final = 2.0
_STOP_SECONDS: Final = 3.0
#: Spans that wait for the collector, and spans of one request.
_MAX_WAITING: Final = 8192
_BATCH: Final = 512

#: Numbers of the protocol.
_KINDS: Final = {Kind.INTERNAL: 1, Kind.SERVER: 2, Kind.CLIENT: 3, Kind.CONSUMER: 5}
_ERROR: Final = 2

_SPANS: Final = metrics.counter(
    "payment_flow_spans_total", "Spans of traces that were exported or dropped", "outcome"
)
_EXPORTED, _DROPPED = _SPANS.labels("exported"), _SPANS.labels("dropped")

_log = structlog.get_logger()


@contextmanager
def exported(settings: Settings, *, process: str) -> Iterator[None]:
    """A block whose spans are exported, unless there is no OTEL_EXPORTER_OTLP_ENDPOINT.

    In the process itself and not before a fork, which threads do not survive. process: its name.
    """
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        yield
        return
    exporter = OtlpExporter(
        endpoint, headers=dict(settings.otel_exporter_otlp_headers), process=process
    )
    tracing.configure(Tracing(exporter, float(settings.trace_ratio)))
    try:
        yield
    finally:
        tracing.configure(None)
        exporter.stop()


class OtlpExporter:
    """The queue and its thread. endpoint: without a path; headers: of each request."""

    def __init__(self, endpoint: str, *, headers: Mapping[str, str], process: str) -> None:
        self._url = endpoint + _PATH
        self._headers = {**headers, "Content-Type": "application/json"}
        self._resource = {
            "service.name": "payment-flow",
            "service.version": VERSION,
            "service.instance.id": process,
        }
        self._waiting: deque[Span] = deque()
        self._stop = threading.Event()
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def export(self, span: Span) -> None:
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append(span)
        else:
            _DROPPED.inc()

    def stop(self) -> None:
        """Send what is waiting, for some seconds at most."""
        self._stop.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        with urllib3.PoolManager(
            num_pools=1, maxsize=1, retries=False, timeout=_TIMEOUT, headers=self._headers
        ) as client:
            while not self._stop.wait(_PAUSE_SECONDS):
                self._send_all(client)
            self._send_all(client)

    def _send_all(self, client: urllib3.PoolManager) -> None:
        """Send what is waiting. What cannot be sent is lost."""
        while spans := self._take():
            try:
                answer = client.request("POST", self._url, body=document(self._resource, spans))
                problem = None if 200 <= answer.status < 300 else f"status {answer.status}"
            except Exception as error:
                problem = type(error).__name__
            (_EXPORTED if problem is None else _DROPPED).inc(len(spans))
            if problem is not None and not self._is_away:
                _log.warning("traces_not_exported", problem=problem)
            self._is_away = problem is not None
            if self._is_away:
                return

    def _take(self) -> Sequence[Span]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]


def document(resource: Attributes, spans: Sequence[Span]) -> bytes:
    """An ExportTraceServiceRequest in JSON."""
    scope = {"name": "payment-flow", "version": VERSION}
    return orjson.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": _attributes(resource)},
                    "scopeSpans": [{"scope": scope, "spans": [_span(span) for span in spans]}],
                }
            ]
        }
    )


def _span(span: Span) -> dict[str, Any]:
    return {
        **_ids(span.context),
        **({} if span.parent is None else {"parentSpanId": _ids(span.parent)["spanId"]}),
        "name": span.name,
        "kind": _KINDS[span.kind],
        # Integers of 64 bits are strings.
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(span.ended),
        "attributes": _attributes(span.attributes),
        "links": [_ids(link) for link in span.links],
        "status": {"code": _ERROR} if span.has_failed else {},
    }


def _ids(context: SpanContext) -> dict[str, str]:
    return {"traceId": f"{context.trace_id:032x}", "spanId": f"{context.span_id:016x}"}


def _attributes(values: Attributes) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)},
        }
        for key, value in values.items()
    ]
