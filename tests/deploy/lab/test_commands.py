"""`./flow lab`, without a lab."""

import os
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.lab import __main__ as command
from deploy.lab import network, packages
from deploy.lab.__main__ import main
from deploy.lab.drills import DRILLS
from deploy.lab.services import kafka
from tests.deploy.lab.test_table import result as drilled


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As root on Linux, with a data folder that has no lab."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("command", ["up", "status", "down", "drill"])
def test_every_command_needs_root(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = run(command)
    assert found.exit_code == 1
    assert "needs root" in found.output


def test_missing_programs_are_named_with_their_packages(
    monkeypatch: pytest.MonkeyPatch, as_root: Path
) -> None:
    monkeypatch.setattr(packages, "find", lambda name: None if name in ("etcd", "nginx") else name)
    found = run("up")
    assert found.exit_code == 1
    assert found.output == (
        "Error: The lab needs etcd, nginx: run it with --install, or"
        " apt-get install etcd-server nginx-light.\n"
    )
    assert list(as_root.iterdir()) == []


@pytest.mark.parametrize("arguments", [("up", "--install"), ("--install",)], ids=" ".join)
def test_missing_programs_are_not_installed_without_apt(
    monkeypatch: pytest.MonkeyPatch, as_root: Path, arguments: tuple[str, ...]
) -> None:
    missing = ("etcd", "apt-get")
    monkeypatch.setattr(packages, "find", lambda name: None if name in missing else name)
    found = run(*arguments)
    assert found.exit_code == 1
    assert "needs apt-get" in found.output


@pytest.mark.parametrize("command", ["status", "drill"])
def test_without_a_lab_it_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, as_root: Path, command: str
) -> None:
    found = run(command)
    assert found.exit_code == 1
    assert "There is no lab; start it with" in found.output


def test_only_up_installs(as_root: Path) -> None:
    found = run("--install", "drill")
    assert found.exit_code == 2
    assert "lab up --install" in found.output


def test_down_without_a_lab_says_so(as_root: Path) -> None:
    found = run("down")
    assert (found.exit_code, found.output) == (0, "There is no lab.\n")


def test_a_lab_of_another_folder_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, as_root: Path
) -> None:
    monkeypatch.setattr(packages, "find", lambda name: name)
    monkeypatch.setattr(network, "exists", lambda _: True)
    found = run("up")
    assert (found.exit_code, found.output) == (1, "Error: There is another lab on this machine.\n")
    assert list(as_root.iterdir()) == []


def test_an_unknown_drill_is_refused_with_the_names_of_all(as_root: Path) -> None:
    found = run("drill", "earthquake")
    assert found.exit_code == 2
    assert [name for name in DRILLS if name not in found.output] == []


def test_without_kafka_its_drill_is_left_out_and_the_others_are_run(
    monkeypatch: pytest.MonkeyPatch, as_root: Path
) -> None:
    (as_root / "lab").mkdir()
    monkeypatch.setattr(kafka, "missing", lambda: ["java", "mvn"])
    monkeypatch.setattr(command, "run_drill", lambda _, name, *__, **___: drilled(name))
    found = run("drill")
    assert found.exit_code == 0
    assert "Without kafka-lost, because java and mvn are missing" in found.output
    assert re.findall(r"(?m)^\| `([a-z-]+)`", found.output) == 2 * [
        name for name in DRILLS if name != "kafka-lost"
    ]
    pictures = {path.stem for path in (as_root / "lab" / "outside").glob("*.svg")}
    assert pictures == DRILLS.keys() - {"kafka-lost"}


@pytest.mark.parametrize("before", [None, "#!/bin/sh\nexit 0\n"])
def test_an_installation_starts_nothing_and_leaves_the_policy_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: str | None
) -> None:
    policy = tmp_path / "policy-rc.d"
    if before is not None:
        policy.write_text(before)
        policy.chmod(0o751)
    monkeypatch.setattr(packages, "_POLICY", policy)
    with packages.services_are_not_started():
        assert policy.read_text().endswith("exit 101\n")
        assert os.access(policy, os.X_OK)
    assert policy.exists() is (before is not None)
    if before is not None:
        assert policy.read_text() == before
        assert policy.stat().st_mode & 0o777 == 0o751


def test_every_drill_says_what_it_does() -> None:
    assert [name for name, act in DRILLS.items() if not act.__doc__] == []
