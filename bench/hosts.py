"""Hosts with a limited CPU on one machine, by control groups of Linux (version 1 or 2).

The processes of a host together get a share of one core, in slices that are so short that it is
like a slower core: one that holds a lock holds it longer, instead of stopping with it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # publishes no types

from bench.servers import cpu_of

#: Of a core's time in a period. The kernel allows no shorter slices.
_SLICE_MICROSECONDS: Final = 1000
_REMOVE_SECONDS: Final = 10.0
_MOUNTS: Final = Path("/proc/mounts")

#: Files of a group and what they contain for a number of microseconds in a period of others. Hosts
#: come before the other programs of the machine, which disturb them less then.
_FILES: Final = {
    1: {
        "cpu.cfs_period_us": "{period}",
        "cpu.cfs_quota_us": "{quota}",
        "cpu.shares": "8192",
    },
    2: {"cpu.max": "{quota} {period}", "cpu.weight": "800"},
}


@dataclass
class Host:
    """A group of processes. cores: how much CPU they get; processes: with their children."""

    name: str
    cores: float
    group: Path
    processes: list[psutil.Process] = field(default_factory=list)

    def add(self, process: psutil.Process) -> None:
        """Limit a process, its children, and those that they will start."""
        moved: set[int] = set()
        while new := {each.pid for each in (process, *process.children(recursive=True))} - moved:
            for pid in new:
                move(pid, self.group)
            moved |= new
        self.processes.append(process)

    def lift(self) -> None:
        """Limit nothing any more."""
        for process in self.processes:
            for each in (process, *process.children(recursive=True)):
                move(each.pid, root())

    def cpu(self) -> float:
        """CPU seconds that were used so far."""
        return sum(cpu_of(process) for process in self.processes)


def move(pid: int, group: Path) -> None:
    """Move a process with its threads to a group, if it still runs."""
    with suppress(ProcessLookupError):
        (group / "cgroup.procs").write_text(str(pid))


@contextmanager
def hosts(*names: str, cores: float) -> Iterator[list[Host]]:
    """Groups with a share of a core each. Their processes must have ended when the block ends.

    Raises SystemExit if there are no control groups that we may change.
    """
    root, version = _hierarchy()
    made: list[Host] = []
    try:
        for name in names:
            group = root / f"payment-flow-{os.getpid()}-{name}"
            made.append(Host(name, cores, group))
            group.mkdir()
            for file, text in _FILES[version].items():
                period = round(_SLICE_MICROSECONDS / cores)
                (group / file).write_text(text.format(quota=_SLICE_MICROSECONDS, period=period))
    except OSError as error:
        _remove(made)
        raise SystemExit(f"CPU cannot be limited here: {error}. It takes root.") from error
    try:
        yield made
    finally:
        _remove(made)


def root() -> Path:
    """The group of processes without a limit. Raises SystemExit as `hosts` does."""
    return _hierarchy()[0]


def _hierarchy() -> tuple[Path, int]:
    """The control groups that limit CPU, and their version."""
    mounts = _MOUNTS.read_text().splitlines() if _MOUNTS.exists() else []
    for _, path, kind, options, *_ in (line.split() for line in mounts):
        if kind == "cgroup" and "cpu" in options.split(","):
            return Path(path), 1
        controllers = Path(path, "cgroup.subtree_control")
        if kind == "cgroup2" and "cpu" in controllers.read_text().split():
            return Path(path), 2
    raise SystemExit("CPU cannot be limited here: Linux has control groups for it (cpu).")


def _remove(made: list[Host]) -> None:
    ends_at = time.monotonic() + _REMOVE_SECONDS
    for host in made:
        while host.group.exists():
            try:
                host.group.rmdir()
            except OSError:  # a process of it is still ending
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.05)
