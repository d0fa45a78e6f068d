"""Hosts with a share of a core, by control groups."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from bench import hosts

SPIN = "import sys\nprint(flush=True)\nwhile True: pass"


@pytest.mark.linux
@pytest.mark.root
def test_a_host_gets_its_share_of_a_core_with_the_processes_that_it_starts() -> None:
    starts_another = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN!r}])"
    with hosts.hosts("test", cores=0.1) as (host,):
        with subprocess.Popen([sys.executable, "-c", starts_another], stdout=subprocess.PIPE) as it:
            try:
                assert it.stdout is not None
                it.stdout.readline()
                process = psutil.Process(it.pid)
                (child,) = process.children()
                host.add(process)
                before, started = host.cpu(), time.monotonic()
                time.sleep(1)
                used = (host.cpu() - before) / (time.monotonic() - started)
            finally:
                child.kill()
        assert 0.02 < used < 0.2
        group = host.group
    assert not group.exists()


def test_without_control_groups_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_MOUNTS", tmp_path / "mounts")
    with pytest.raises(SystemExit, match="CPU cannot be limited"), hosts.hosts("a", cores=0.2):
        pass


@pytest.mark.parametrize(
    ("mount", "written"),
    [
        (
            "cgroup {} cgroup rw,cpu,cpuacct 0 0",
            {"cpu.cfs_period_us": "5000", "cpu.cfs_quota_us": "1000", "cpu.shares": "8192"},
        ),
        ("cgroup2 {} cgroup2 rw 0 0", {"cpu.max": "1000 5000", "cpu.weight": "800"}),
    ],
)
def test_both_versions_of_control_groups_are_known(
    mount: str, written: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a folder in the place of theirs."""
    (tmp_path / "mounts").write_text(f"tmpfs / tmpfs rw 0 0\n{mount.format(tmp_path)}\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory")
    monkeypatch.setattr(hosts, "_MOUNTS", tmp_path / "mounts")
    with hosts.hosts("a", cores=0.2) as (host,):
        assert {path.name: path.read_text() for path in host.group.iterdir()} == written
        for path in host.group.iterdir():
            path.unlink()
    assert [path.name for path in tmp_path.iterdir() if str(os.getpid()) in path.name] == []
