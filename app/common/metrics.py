"""Metrics of the application in Prometheus' format.

Several processes serve one port, and a scrape reaches any one of them. So each keeps its metrics in
files (app.common.metric_files), and the process that is scraped sums them up. Without these files
the metrics are those of this process.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as MEDIA_TYPE
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.common import metric_files
from app.common.queue_observer import Observer

__all__ = [
    "MEDIA_TYPE",
    "TRANSACTION_RETRIES",
    "Gauge",
    "Histogram",
    "SafeCounter",
    "batch_observer",
    "counter",
    "exposition",
    "histogram",
    "names",
    "queue_observer",
]

# Each series would have another one with the time of its creation.
disable_created_metrics()  # type: ignore[no-untyped-call]

#: Without the default metrics of Python and the process, which cannot be summed over processes.
_REGISTRY: Final = CollectorRegistry()


class SafeCounter(Counter):
    """A counter that is not counted when its file cannot be written, such as on a full disk.

    A request must not fail because of it, and its effect may already be committed.
    """

    def labels(self, *values: Any, **by_name: Any) -> Self:
        try:
            return super().labels(*values, **by_name)
        except OSError:
            return cast("Self", _Uncounted())

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        with suppress(OSError):
            super().inc(amount, exemplar)


class SafeHistogram(Histogram):
    """A histogram that, as `SafeCounter`, counts nothing when its file cannot be written."""

    def labels(self, *values: Any, **by_name: Any) -> Self:
        try:
            return super().labels(*values, **by_name)
        except OSError:
            return cast("Self", _Uncounted())

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        with suppress(OSError):
            super().observe(amount, exemplar)


class _Uncounted:
    """Replaces what cannot be created."""

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Count nothing."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Count nothing."""


TRANSACTION_RETRIES: Final = SafeCounter(
    "payment_flow_transaction_retries_total",
    "Retries of transactions because of contention",
    registry=_REGISTRY,
)

_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
#: Bounds of durations.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def counter(name: str, description: str, *labels: str) -> SafeCounter:
    """Declare a counter. Once per process and name; labels must have few values."""
    return SafeCounter(name, description, labels, registry=_REGISTRY)


def histogram(
    name: str, description: str, *labels: str, buckets: Sequence[float] = SECONDS
) -> SafeHistogram:
    """Declare a histogram, as `counter` does. buckets: their upper bounds, by default seconds."""
    return SafeHistogram(name, description, labels, buckets=buckets, registry=_REGISTRY)


def queue_observer(name: str, *, of: str) -> Observer:
    """Metrics of a queue. name: part of their names; of: what waits, in the plural.

    Once per process and name.
    """
    wait = histogram(f"payment_flow_{name}_wait_seconds", f"Seconds that {of} waited to start")
    refused = counter(
        f"payment_flow_{name}_refused_total",
        f"Number of {of} rejected because the queue was full or too slow",
        "reason",
    )
    # Created in advance: a rate needs the zero before the first increment.
    by_reason = {reason: refused.labels(reason) for reason in ("full", "deadline")}

    def started(waits: Sequence[float]) -> None:
        for seconds in waits:
            wait.observe(seconds)

    return Observer(batch=started, refused=lambda reason: by_reason[reason].inc())


def batch_observer(name: str, *, of: str) -> Observer:
    """Metrics of a BatchExecutor: those of a queue, and the size of batches."""
    size = histogram(
        f"payment_flow_{name}_batch_size",
        f"Number of {of} executed in one transaction",
        buckets=_SIZES,
    )
    queue = queue_observer(name, of=of)

    def batch(waits: Sequence[float]) -> None:
        size.observe(len(waits))
        queue.batch(waits)

    return Observer(batch=batch, refused=queue.refused)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that no process counts, for each value of a label: it is read for each scrape."""

    name: str
    description: str
    label: str
    values: Mapping[str, float]


def exposition(gauges: Iterable[Gauge] = ()) -> bytes:
    """All metrics of all processes of this command, and these gauges, in Prometheus' text
    format."""
    folder = metric_files.folder()
    counted = _REGISTRY if folder is None else metric_files.AllProcesses(folder)
    return generate_latest(counted) + generate_latest(_Gauges(gauges))


def names() -> frozenset[str]:
    """The names of the metrics that are declared in this process, as Prometheus shows them."""
    return frozenset(
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in _REGISTRY.collect()
    )


class _Gauges(Collector):
    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for gauge in self._gauges:
            family = families.setdefault(
                gauge.name,
                GaugeMetricFamily(gauge.name, gauge.description, labels=[gauge.label]),
            )
            for value, number in gauge.values.items():
                family.add_metric([value], number)
        return families.values()
