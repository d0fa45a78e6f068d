"""What a process counts, and how Prometheus reads it.

Several web processes serve one port, and a scrape reaches any one of them. So `app.server` names
a folder in PROMETHEUS_MULTIPROC_DIR: each process keeps its numbers in files there, and whoever is
asked adds all of them up. Without that variable the numbers are this process's own.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as MEDIA_TYPE
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.common.batch_executor import Watch

__all__ = ["MEDIA_TYPE", "TRANSACTION_RETRIES", "counter", "exposition", "watch"]

#: Ours alone: nothing about Python or the process, which several processes cannot add up.
_REGISTRY: Final = CollectorRegistry()

TRANSACTION_RETRIES: Final = Counter(
    "payment_flow_transaction_retries_total",
    "Tries of a transaction after its first, because others were in its way",
    registry=_REGISTRY,
)

_add_up: Callable[[list[str]], Iterable[Metric]] = MultiProcessCollector.merge

_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def counter(name: str, what: str, *labels: str) -> Counter:
    """Count something. Once per process and name; labels must have few values."""
    return Counter(name, what, labels, registry=_REGISTRY)


def watch(name: str, *, of: str) -> Watch:
    """Measure a Combiner. name: as its metrics have it; of: what it does, in the plural.

    Once per process and name.
    """
    size = Histogram(
        f"payment_flow_{name}_batch_size",
        f"How many {of} were done in one transaction",
        buckets=_SIZES,
        registry=_REGISTRY,
    )
    wait = Histogram(
        f"payment_flow_{name}_wait_seconds",
        f"How long {of} waited until their batch was begun",
        buckets=_SECONDS,
        registry=_REGISTRY,
    )
    refused = Counter(
        f"payment_flow_{name}_refused_total",
        f"How many {of} were turned away untouched, because the queue was full or too slow",
        ["reason"],
        registry=_REGISTRY,
    )
    # Both are there from the start: a rate needs the zero before the first one.
    by_reason = {reason: refused.labels(reason) for reason in ("full", "deadline")}

    def batch(waits: Sequence[float]) -> None:
        size.observe(len(waits))
        for seconds in waits:
            wait.observe(seconds)

    return Watch(batch=batch, refused=lambda reason: by_reason[reason].inc())


def exposition() -> bytes:
    """All numbers of all web processes in Prometheus' text format."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return generate_latest(_REGISTRY if folder is None else _Everybodys(Path(folder)))


class _Everybodys(Collector):
    """What all processes keep in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        # A process that is starting, or died doing so, has made its file and not yet filled it.
        files = [str(path) for path in self._folder.glob("*.db") if path.stat().st_size]
        return _add_up(files)
