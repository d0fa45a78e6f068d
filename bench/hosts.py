"""Hosts with a limited CPU on one machine, by control groups of Linux (version 1 or 2).

The processes of a host together get a share of one core, in slices that are so short that it is
like a slower core: one that holds a lock holds it longer, instead of stopping with it.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
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

#: Files of a group, by version, and what they contain for a number of microseconds in a period.
_LIMIT: Final = {
    1: {"cpu.cfs_period_us": "{period}", "cpu.cfs_quota_us": "{quota}"},
    2: {"cpu.max": "{quota} {period}"},
}
#: What is measured comes before the other programs of the machine, which disturb it less then.
_WEIGHT: Final = {1: {"cpu.shares": "8192"}, 2: {"cpu.weight": "800"}}


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

    def lift(self, into: Path) -> None:
        """Limit nothing any more. into: the group of what is not limited."""
        for process in self.processes:
            for each in (process, *process.children(recursive=True)):
                move(each.pid, into)

    def cpu(self) -> float:
        """CPU seconds that were used so far."""
        return sum(cpu_of(process) for process in self.processes)


def move(pid: int, group: Path) -> None:
    """Move a process with its threads to a group, if it still runs."""
    with suppress(ProcessLookupError):
        (group / "cgroup.procs").write_text(str(pid))


@contextmanager
def unlimited() -> Iterator[Path]:
    """The group of this process and what it starts until the block ends, without a limit.

    Raises SystemExit if there are no control groups that we may change.
    """
    root, version = _hierarchy()
    with _groups("unlimited", files=_WEIGHT[version]) as (group,):
        move(os.getpid(), group)
        try:
            yield group
        finally:
            move(os.getpid(), root)


@contextmanager
def hosts(*names: str, cores: float) -> Iterator[list[Host]]:
    """Groups with a share of a core each. Their processes must have ended when the block ends.

    Raises SystemExit as `unlimited` does.
    """
    _, version = _hierarchy()
    period = round(_SLICE_MICROSECONDS / cores)
    files = {
        name: text.format(quota=_SLICE_MICROSECONDS, period=period)
        for name, text in (_LIMIT[version] | _WEIGHT[version]).items()
    }
    with _groups(*names, files=files) as made:
        yield [Host(name, cores, group) for name, group in zip(names, made, strict=True)]


@contextmanager
def _groups(*names: str, files: Mapping[str, str]) -> Iterator[list[Path]]:
    root, _ = _hierarchy()
    made = [root / f"payment-flow-{os.getpid()}-{name}" for name in names]
    try:
        for group in made:
            group.mkdir()
            for file, text in files.items():
                (group / file).write_text(text)
    except OSError as error:
        _remove(made)
        raise SystemExit(f"CPU cannot be limited here: {error}. It takes root.") from error
    try:
        yield made
    finally:
        _remove(made)


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


def _remove(groups: Sequence[Path]) -> None:
    ends_at = time.monotonic() + _REMOVE_SECONDS
    for group in groups:
        while group.exists():
            try:
                group.rmdir()
            except OSError:  # a process of it is still ending
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.05)
