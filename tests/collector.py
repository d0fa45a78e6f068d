"""A collector of traces: real OTLP over HTTP, in a thread."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.http_server import listening


@dataclass(frozen=True)
class Collected:
    """A span as it arrived. process: that has exported it; ids are in hexadecimal digits."""

    name: str
    process: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    attributes: dict[str, str | int]
    nanoseconds: int


@dataclass
class Collector:
    """Keeps what it receives. hangs: whether it answers only when it is closed."""

    url: str = ""
    hangs: bool = False
    spans: list[Collected] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    @classmethod
    @contextmanager
    def open(cls, *, hangs: bool = False) -> Iterator["Collector"]:
        collector = cls(hangs=hangs)
        with listening(type("Handler", (_Handler,), {"collector": collector})) as collector.url:
            try:
                yield collector
            finally:
                collector.closed.set()

    def of_trace(self, trace_id: str) -> dict[str, list[Collected]]:
        """The spans of a trace, by name."""
        found: dict[str, list[Collected]] = {}
        for span in list(self.spans):
            if span.trace_id == trace_id:
                found.setdefault(span.name, []).append(span)
        return found


class _Handler(BaseHTTPRequestHandler):
    collector: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.collector.requests.append({"path": self.path, **self.headers})
        if self.collector.hangs:
            self.collector.closed.wait(60)
        self.collector.spans += _spans(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _spans(request: Any) -> Iterator[Collected]:
    for resource in request["resourceSpans"]:
        process = _attributes(resource["resource"])["service.instance.id"]
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield Collected(
                    span["name"],
                    str(process),
                    span["traceId"],
                    span["spanId"],
                    span.get("parentSpanId", ""),
                    tuple(link["spanId"] for link in span["links"]),
                    _attributes(span),
                    int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]),
                )


def _attributes(source: Any) -> dict[str, str | int]:
    return {
        each["key"]: int(each["value"]["intValue"])
        if "intValue" in each["value"]
        else each["value"]["stringValue"]
        for each in source["attributes"]
    }
