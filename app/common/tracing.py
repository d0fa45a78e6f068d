"""Traces: which parts of a request took how long, in which process.

Spans are recorded when they have ended, and only if something exports them (app.common.otlp), which
is the case if OTEL_EXPORTER_OTLP_ENDPOINT is set.
"""

import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Protocol

from app.common.process_state import Slot

#: https://www.w3.org/TR/trace-context/
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_TRACE_BITS, _SPAN_BITS = 128, 64

Attributes = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class SpanContext:
    """What identifies a span."""

    trace_id: int
    span_id: int

    def __str__(self) -> str:
        """As the header `traceparent` has it."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-01"

    def child(self) -> "SpanContext":
        return SpanContext(self.trace_id, _new_id(_SPAN_BITS))


class Kind(Enum):
    """What a span does: it serves a request of a client, sends one, handles a message, or none."""

    INTERNAL = auto()
    SERVER = auto()
    CLIENT = auto()
    CONSUMER = auto()


@dataclass(slots=True)
class Span:
    """A part of a trace. began, ended: nanoseconds since 1970; links: other spans that belong to
    it."""

    name: str
    context: SpanContext
    parent: SpanContext | None = None
    kind: Kind = Kind.INTERNAL
    began: int = field(default_factory=time.time_ns)
    ended: int = 0
    attributes: Attributes = field(default_factory=dict)
    links: list[SpanContext] = field(default_factory=list)
    has_failed: bool = False


class Exporter(Protocol):
    """Takes spans that have ended. Never waits for anything."""

    def export(self, span: Span) -> None: ...


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where spans go, and which share of the requests is traced, from 0 to 1."""

    exporter: Exporter
    ratio: float = 1.0

    def begin(self, traceparent: str | None) -> Span | None:
        """The span of a request that arrives, if it is traced.

        traceparent: of the client, whose trace it continues. Whether it is traced depends on the
        id of the trace, and not on the client.
        """
        parent = parse(traceparent)
        trace_id = _new_id(_TRACE_BITS) if parent is None else parent.trace_id
        # As TraceIdRatioBased of OpenTelemetry decides.
        if trace_id % 2**64 >= self.ratio * 2**64:
            return None
        context = SpanContext(trace_id, _new_id(_SPAN_BITS))
        return Span("", context, parent, Kind.SERVER)


#: How this process traces; None if it does not.
tracing: Final[Slot[Tracing | None]] = Slot("tracing", default=None)
#: The span of the request or job that this thread executes.
current: Final[ContextVar[Span | None]] = ContextVar("span of the request", default=None)


def begin(traceparent: str | None) -> Span | None:
    """Begin the span of a request, which is `current` until `end`. None if it is not traced."""
    configured = tracing()
    if configured is None:
        return None
    span = configured.begin(traceparent)
    current.set(span)
    return span


def begin_message(name: str, traceparent: str | None) -> Span | None:
    """The span of a message of another system, if it is traced. It never becomes `current`."""
    configured = tracing()
    span = None if configured is None else configured.begin(traceparent)
    if span is not None:
        span.name, span.kind = name, Kind.CONSUMER
    return span


def end(span: Span) -> None:
    """Export the span of a request."""
    current.set(None)
    export(span)


def export(span: Span) -> None:
    """Export a span, which ends now unless it has ended."""
    configured = tracing()
    if configured is not None:
        span.ended = span.ended or time.time_ns()
        configured.exporter.export(span)


def is_on() -> bool:
    return tracing() is not None


def parse(traceparent: str | None) -> SpanContext | None:
    """The span that a header or a column names; None for anything else."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None:
        return None
    context = SpanContext(int(match[1], 16), int(match[2], 16))
    return context if context.trace_id and context.span_id else None


def export_batch(name: str, requests: Sequence[Span], *, began: int, size: int) -> None:
    """Export the span of a batch: a part of its first traced request, and linked with the others.

    requests: the traced ones, at least one. began: nanoseconds since 1970.
    """
    first, *others = requests
    context = first.context.child()
    links = [other.context for other in others]
    for other in others:
        other.links.append(context)
    export(
        Span(
            name,
            context,
            first.context,
            began=began,
            attributes={"payment_flow.batch.size": size},
            links=links,
        )
    )


def export_following(
    name: str,
    traceparent: str | None,
    *,
    kind: Kind,
    began: int,
    attributes: Attributes,
    has_failed: bool = False,
) -> None:
    """Export what followed from a request after its response, if that was traced."""
    parent = parse(traceparent) if is_on() else None
    if parent is not None:
        export(
            Span(
                name,
                parent.child(),
                parent,
                kind,
                began=began,
                attributes=attributes,
                has_failed=has_failed,
            )
        )


@contextmanager
def following(
    name: str, traceparent: str | None, *, kind: Kind, attributes: Attributes
) -> Iterator[Span | None]:
    """A block that follows from a request. If that was traced, it has a span, which is `current`:
    what it records and enqueues belongs to the trace, too."""
    parent = parse(traceparent) if is_on() else None
    if parent is None:
        yield None
        return
    span = Span(name, parent.child(), parent, kind, attributes=attributes)
    current.set(span)
    try:
        yield span
    except BaseException:
        span.has_failed = True
        raise
    finally:
        end(span)


def traceparent() -> str | None:
    """The header of what this thread has others do for its request, if that is traced."""
    span = current.get()
    return None if span is None else str(span.context)


def _new_id(bits: int) -> int:
    """Random, and not 0, which identifies nothing."""
    return random.getrandbits(bits) or 1
