"""Files of metrics: one set for each slot, however many processes have had it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from app.common import metric_files
from app.common.settings import PROJECT_ROOT

SLOTS = 4
RESTARTS = 1000
LONG_AGO = 1_700_000_000


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def folder(temporary: Path) -> Iterator[Path]:
    with metric_files.shared(are_read=True):
        folder = metric_files.folder()
        assert folder is not None
        yield folder
    metric_files.use_slot("parent")


def samples(folder: Path) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in metric_files.AllProcesses(folder).collect()
        for sample in family.samples
        if "le" not in sample.labels
    }


def test_a_process_that_replaces_another_counts_on_in_the_same_files(folder: Path) -> None:
    registry = CollectorRegistry()
    counter = Counter("counted", "…", registry=registry)
    histogram = Histogram("took", "…", registry=registry)
    before = 0.0
    for restart in range(RESTARTS):
        metric_files.use_slot(f"web-{restart % SLOTS}")
        counter.inc()
        histogram.observe(1)
        if restart % 100 == 0:
            seen = samples(folder)["counted_total"]
            assert seen > before
            before = seen

    files = sorted(path.name for path in folder.glob("*.db"))
    assert samples(folder) == {
        "counted_total": RESTARTS,
        "took_count": RESTARTS,
        "took_sum": RESTARTS,
    }
    # Two for each slot, and those of the process that has declared the metrics.
    assert len(files) == 2 * (SLOTS + 1)
    assert {name.partition("_")[2] for name in files} == {
        "parent.db",
        *(f"web-{slot}.db" for slot in range(SLOTS)),
    }


def test_sums_are_those_of_the_library(folder: Path) -> None:
    registry = CollectorRegistry()
    counter = Counter("asked", "…", ["by"], registry=registry)
    histogram = Histogram("waited", "…", ["by", "of"], registry=registry)
    for number in range(40):
        metric_files.use_slot(f"web-{number % SLOTS}")
        counter.labels(f'"{number % 3}\n').inc()
        histogram.labels(str(number % 5), "é").observe(number / 3)

    def read(families: Iterable[Metric]) -> set[tuple[object, ...]]:
        return {
            (family.name, family.type, family.documentation, name, *sorted(labels.items()), value)
            for family in families
            for name, labels, value, *_ in family.samples
        }

    files = [str(path) for path in folder.glob("*.db")]
    assert read(metric_files.AllProcesses(folder).collect()) == read(
        MultiProcessCollector.merge(files)
    )


def test_what_is_not_read_is_not_written(temporary: Path) -> None:
    with metric_files.shared(are_read=False):
        Counter("unread", "…", registry=CollectorRegistry()).inc()

    assert metric_files.folder() is None
    assert list(temporary.iterdir()) == []


def test_the_folder_is_removed_at_the_end(temporary: Path) -> None:
    with metric_files.shared(are_read=True):
        assert len(list(temporary.iterdir())) == 1

    assert list(temporary.iterdir()) == []


def test_folders_of_commands_that_were_killed_are_removed(folder: Path, temporary: Path) -> None:
    for name, moment in (("killed", LONG_AGO), ("starting", time.time())):
        made = temporary / f"payment-flow-metrics-{name}"
        made.mkdir()
        (made / "lock").touch()
        os.utime(made, (moment, moment))
    os.utime(folder, (LONG_AGO, LONG_AGO))  # of a command that runs

    metric_files.remove_abandoned()

    assert {path.name for path in temporary.iterdir()} == {
        folder.name,
        "payment-flow-metrics-starting",
    }


def test_a_program_that_is_started_does_not_count_in_the_folder(folder: Path) -> None:
    before = sorted(folder.iterdir())
    script = "from app.common import metrics; metrics.TRANSACTION_RETRIES.inc()"
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT_ROOT, check=True, env=os.environ)

    assert sorted(folder.iterdir()) == before


def test_a_folder_that_is_gone_costs_a_count_and_no_request(folder: Path) -> None:
    from app.common.metrics import SafeCounter, SafeHistogram

    registry = CollectorRegistry()
    counter = SafeCounter("lost", "…", ["label"], registry=registry)
    histogram = SafeHistogram("lost_seconds", "…", ["label"], registry=registry)
    shutil.rmtree(folder)
    metric_files.use_slot("web-0")

    counter.labels("value").inc()
    histogram.labels("value").observe(1)
    folder.mkdir()
