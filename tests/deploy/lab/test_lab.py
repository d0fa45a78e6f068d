"""The lab itself: it starts, survives a drill, and leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from app.common.settings import PROJECT_ROOT
from deploy.lab import network, packages

MISSING = ", ".join(packages.missing())

pytestmark = [
    pytest.mark.stress,
    pytest.mark.linux,
    pytest.mark.root,
    pytest.mark.skipif(bool(MISSING), reason=f"the lab needs {MISSING}"),
    pytest.mark.skipif(
        network.BRIDGE in psutil.net_if_stats(), reason="another lab runs on this machine"
    ),
]


def lab(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy.lab", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_starts_loses_a_leader_and_leaves_nothing_behind(tmp_path: Path) -> None:
    try:
        for arguments in (("up",), ("up",), ("status",), ("drill", "leader-killed")):
            done = lab(tmp_path, *arguments)
            assert done.returncode == 0, done.stdout + done.stderr
        assert "| `leader-killed` |" in done.stdout
    finally:
        down = lab(tmp_path, "down")
    assert down.returncode == 0, down.stderr
    assert list(tmp_path.iterdir()) == []
    assert network.BRIDGE not in psutil.net_if_stats()
    assert [path.name for path in Path("/run/netns").glob(f"{network.BRIDGE}-*")] == []
    left = [each.info for each in psutil.process_iter(["pid", "name", "cwd"])]
    assert [each for each in left if str(each["cwd"]).startswith(str(tmp_path))] == []
