"""Metrics of the application in Prometheus' format.

Several web processes serve one port, and a scrape reaches any one of them. So `app.server` names
a folder in PROMETHEUS_MULTIPROC_DIR: each process keeps its metrics in files there, and the process
that is scraped sums them up. Without that variable the metrics are those of this process.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, cast

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as MEDIA_TYPE
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.common.batch_executor import Observer

__all__ = [
    "MEDIA_TYPE",
    "TRANSACTION_RETRIES",
    "Gauge",
    "batch_observer",
    "counter",
    "exposition",
]

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


class _Uncounted:
    """Replaces a counter that cannot be created."""

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Count nothing."""


TRANSACTION_RETRIES: Final = SafeCounter(
    "payment_flow_transaction_retries_total",
    "Retries of transactions because of contention",
    registry=_REGISTRY,
)

_add_up: Callable[[list[str]], Iterable[Metric]] = MultiProcessCollector.merge

_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def counter(name: str, description: str, *labels: str) -> SafeCounter:
    """Declare a counter. Once per process and name; labels must have few values."""
    return SafeCounter(name, description, labels, registry=_REGISTRY)


def batch_observer(name: str, *, of: str) -> Observer:
    """Metrics of a BatchExecutor. name: part of their names; of: its requests, in the plural.

    Once per process and name.
    """
    size = Histogram(
        f"payment_flow_{name}_batch_size",
        f"Number of {of} executed in one transaction",
        buckets=_SIZES,
        registry=_REGISTRY,
    )
    wait = Histogram(
        f"payment_flow_{name}_wait_seconds",
        f"Seconds that {of} waited for their batch to start",
        buckets=_SECONDS,
        registry=_REGISTRY,
    )
    refused = Counter(
        f"payment_flow_{name}_refused_total",
        f"Number of {of} rejected because the queue was full or too slow",
        ["reason"],
        registry=_REGISTRY,
    )
    # Created in advance: a rate needs the zero before the first increment.
    by_reason = {reason: refused.labels(reason) for reason in ("full", "deadline")}

    def batch(waits: Sequence[float]) -> None:
        size.observe(len(waits))
        for seconds in waits:
            wait.observe(seconds)

    return Observer(batch=batch, refused=lambda reason: by_reason[reason].inc())


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that no process counts, for each value of a label: it is read for each scrape."""

    name: str
    description: str
    label: str
    values: Mapping[str, float]


def exposition(gauges: Iterable[Gauge] = ()) -> bytes:
    """All metrics of all web processes, and these gauges, in Prometheus' text format."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    counted = generate_latest(_REGISTRY if folder is None else _AllProcesses(Path(folder)))
    return counted + generate_latest(_Gauges(gauges))


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


class _AllProcesses(Collector):
    """Sums the metrics of all processes in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        # A process that is starting, or died while starting, has an empty file.
        files = [str(path) for path in self._folder.glob("*.db") if path.stat().st_size]
        return _add_up(files)
