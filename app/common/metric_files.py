"""Files in which the processes of one command keep their metrics, so that each can report the sum.

Each process writes the files of its slot, such as `counter_web-1.db`. The process that replaces a
crashed one gets its slot, and counts on from the values in its files: so counters never decrease,
and the number of files does not grow with the number of restarts.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from prometheus_client import Metric, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.registry import Collector

from app.common.process_state import Slot

_PREFIX: Final = "payment-flow-metrics-"
_LOCK: Final = "lock"
#: Where prometheus_client looks for the folder when it opens a file.
_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
#: A folder without a lock may belong to a command that is starting.
_START_SECONDS: Final = 60
#: Of the process that starts the others.
_FIRST: Final = "parent"

#: The folder of this command; None if metrics are those of this process alone.
folder: Final[Slot[Path | None]] = Slot("folder of metrics", default=None)
_slot: Final[Slot[str]] = Slot("slot of metrics", default=_FIRST)

_in_files: Callable[..., Any] = values.MultiProcessValue
_values_of: Callable[[str], Iterable[tuple[Any, ...]]] = MmapedDict.read_all_values_from_file

# A program that this one starts must not count in its folder, whose name it inherits.
values.ValueClass = values.MutexValue


@contextmanager
def shared(*, are_read: bool) -> Iterator[None]:
    """A block whose processes share their metrics. are_read: whether they can be scraped.

    Before anything that counts is imported: a metric decides when it is declared where it keeps its
    values.
    """
    if not are_read:
        yield
        return
    remove_abandoned()
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX) as name,
        (Path(name) / _LOCK).open("w") as lock,
    ):
        # Held until the last of our processes has ended, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = values.ValueClass
        folder.configure(Path(name))
        os.environ[_VARIABLE] = name
        values.ValueClass = _in_files(process_identifier=_slot)
        try:
            yield
        finally:
            values.ValueClass = before
            del os.environ[_VARIABLE]
            folder.configure(None)


def use_slot(name: str) -> None:
    """Count in the files of this slot from now on, which no other process may use.

    name: without an underscore.
    """
    _slot.configure(name)


def remove_abandoned() -> None:
    """Remove folders of commands that were killed."""
    for found in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_abandoned(found):
            shutil.rmtree(found, ignore_errors=True)


def _is_abandoned(found: Path) -> bool:
    try:
        state = found.lstat()
        if state.st_uid != os.geteuid() or time.time() - state.st_mtime < _START_SECONDS:
            return False
        with (found / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return found.is_dir()
    except OSError:  # locked, or not ours
        return False
    return True


class AllProcesses(Collector):
    """Sums the metrics of all processes of the command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        sums: dict[tuple[str, str], float] = {}
        for path in self._folder.glob("*.db"):
            # A process that is starting, or died while starting, has an empty file.
            if path.stat().st_size:
                kind = path.name.partition("_")[0]
                for key, value, *_ in _values_of(str(path)):
                    sums[kind, key] = sums.get((kind, key), 0.0) + value
        return _families(sums)


def _families(sums: Mapping[tuple[str, str], float]) -> Collection[Metric]:
    """Metrics from their sums by kind and key, which prometheus_client writes.

    What it makes of several files itself takes twice as long: it reads the key of each value.
    """
    families: dict[str, Metric] = {}
    below: dict[tuple[str, ...], float] = {}
    for (kind, key), value in sums.items():
        family_name, name, labels, description = orjson.loads(key)
        family = families.get(family_name)
        if family is None:
            family = families[family_name] = Metric(family_name, description, kind)
        bound = labels.get("le")
        if bound is None:
            family.add_sample(name, labels, value)
            continue
        # Each bucket is stored without those below it, and after them.
        child = {label: of for label, of in labels.items() if label != "le"}
        series = family_name, *child.values()
        below[series] = below.get(series, 0.0) + value
        family.add_sample(name, labels, below[series])
        if bound == "+Inf":
            family.add_sample(f"{family_name}_count", child, below[series])
    return families.values()
