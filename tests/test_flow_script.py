"""The ./flow script: installation, forwarding of arguments, and error messages."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

PROJECT_ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A separate project in a path with a space, whose command prints its arguments."""
    root = tmp_path / "a checkout"
    (root / "app").mkdir(parents=True)
    for name in ("flow", "requirements.lock", "requirements-dev.lock"):
        shutil.copy2(PROJECT_ROOT / name, root)
    (root / "app/cli.py").write_text("import os, sys; print(os.getcwd(), *sys.argv[1:], sep='|')")
    return root


@pytest.fixture
def flow(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script of that project as a module, with fast installers."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("flow", str(checkout / "flow"))
    spec = spec_from_loader("flow", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)

    def venv_makers() -> Iterator[list[str]]:
        yield [sys.executable, "-m", "venv", "--clear", "--without-pip", module.VENV]

    def installers(lock: str) -> Iterator[list[str]]:
        yield [sys.executable, "-c", f"open({module.VENV + '/installed'!r}, 'a').write('{lock} ')"]

    monkeypatch.setattr(module, "venv_makers", venv_makers)
    monkeypatch.setattr(module, "installers", installers)
    return module


def installed(flow: ModuleType) -> list[str]:
    return Path(flow.VENV, "installed").read_text().split()


def call(checkout: Path, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, checkout / "flow", *arguments], cwd=cwd, capture_output=True, text=True
    )


class TestPythonVersion:
    @pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 1), (4, 0, 0)])
    def test_a_supported_version_is_accepted(
        self, flow: ModuleType, version: tuple[int, ...]
    ) -> None:
        assert flow.version_problem(version) is None

    @pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
    def test_an_old_version_is_reported(
        self,
        flow: ModuleType,
        version: tuple[int, ...],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(sys, "version_info", version)
        assert flow.main(["up"]) != 0
        assert capsys.readouterr().err == (
            "flow: Payment Flow needs Python 3.11 or newer, "
            f"and this is Python {version[0]}.{version[1]}.\n"
        )

    @pytest.mark.parametrize("version", [(3, 4), (3, 6), (3, 8), (3, 10)])
    def test_old_versions_can_parse_the_script(self, version: tuple[int, int]) -> None:
        ast.parse((PROJECT_ROOT / "flow").read_text(), feature_version=version)


class TestInstallation:
    def test_packages_are_installed_once(self, flow: ModuleType) -> None:
        flow.prepare(flow.LOCK)
        flow.prepare(flow.LOCK)
        assert installed(flow) == [flow.LOCK]

    def test_development_packages_are_installed_on_demand(self, flow: ModuleType) -> None:
        for lock in (flow.LOCK, flow.DEV_LOCK, flow.LOCK, flow.DEV_LOCK):
            flow.prepare(lock)
        assert installed(flow) == [flow.LOCK, flow.DEV_LOCK]

    def test_a_changed_lock_file_is_installed_into_the_same_folder(self, flow: ModuleType) -> None:
        flow.prepare(flow.LOCK)
        Path(flow.ROOT, flow.LOCK).write_text("# changed\n")
        flow.prepare(flow.LOCK)
        assert installed(flow) == [flow.LOCK, flow.LOCK]

    def test_an_interrupted_installation_is_repeated(self, flow: ModuleType) -> None:
        flow.prepare(flow.LOCK)
        Path(flow.STAMP).unlink()
        flow.prepare(flow.LOCK)
        assert installed(flow) == [flow.LOCK]
        assert Path(flow.STAMP).exists()

    @pytest.mark.parametrize(
        "damage",
        [
            lambda flow: Path(flow.PYTHON).unlink(),
            lambda flow: Path(flow.site_packages(), "payment_flow.pth").unlink(),
            lambda flow: Path(flow.STAMP).write_text("{"),
            lambda flow: Path(flow.STAMP).write_text(
                json.dumps({**json.loads(Path(flow.STAMP).read_text()), "python": "3.10"})
            ),
            lambda flow: Path(flow.STAMP).write_text(
                json.dumps({**json.loads(Path(flow.STAMP).read_text()), "root": "/elsewhere"})
            ),
        ],
        ids=["no Python", "missing package", "truncated stamp", "other Python", "moved"],
    )
    def test_a_damaged_installation_is_repeated(self, flow: ModuleType, damage: object) -> None:
        flow.prepare(flow.LOCK)
        assert callable(damage)
        damage(flow)
        flow.prepare(flow.LOCK)
        assert installed(flow) == [flow.LOCK]
        assert flow.is_usable(flow.read_stamp())

    def test_a_failure_is_reported_in_one_sentence(
        self,
        flow: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        failing = [sys.executable, "-c", "import sys; sys.exit('x: No space left on device')"]
        monkeypatch.setattr(flow, "installers", lambda _: [failing])
        assert flow.main(["up"]) != 0
        assert capsys.readouterr().err.splitlines()[-1] == (
            "flow: could not install the packages of requirements-dev.lock: the disk is full."
        )

    def test_a_read_only_folder_is_reported_in_one_sentence(
        self,
        flow: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        # Root may write everywhere, so the check itself is replaced.
        monkeypatch.setattr(os, "access", lambda *_: False)
        assert flow.main(["up"]) != 0
        assert capsys.readouterr().err == (
            f"flow: cannot make .venv: the folder {flow.ROOT} cannot be written to.\n"
        )

    def test_a_slow_installation_shows_that_it_works_and_has_no_time_limit(
        self,
        flow: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(flow, "PATIENCE", 0.1)
        slow = [sys.executable, "-c", "import time; time.sleep(0.5); print('done')"]
        assert flow.run(slow).stdout == b"done\n"
        assert "flow: still working (0.2 s) ..." in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("command", "lock"),
        [
            ("up", "requirements-dev.lock"),  # `.venv/bin/pytest` and others work afterwards
            ("test", "requirements-dev.lock"),
            ("bench", "requirements-dev.lock"),
            ("serve", "requirements.lock"),
            ("--help", "requirements.lock"),
        ],
    )
    def test_servers_do_without_development_packages(
        self, flow: ModuleType, monkeypatch: pytest.MonkeyPatch, command: str, lock: str
    ) -> None:
        monkeypatch.setattr(os, "execve", lambda *_: None)
        monkeypatch.setattr(os, "chdir", lambda _: None)
        flow.main([command])
        assert installed(flow) == [lock]


class TestForwarding:
    def test_the_command_learns_how_it_was_called(self, flow: ModuleType, checkout: Path) -> None:
        flow.prepare(flow.LOCK)
        (checkout / "app/cli.py").write_text("import os; print(os.environ['FLOW_COMMAND'])")
        assert call(checkout, "x", cwd=checkout).stdout == "./flow\n"

    def test_arguments_are_forwarded_with_absolute_paths_of_files(
        self, flow: ModuleType, checkout: Path, tmp_path: Path
    ) -> None:
        flow.prepare(flow.LOCK)
        (tmp_path / "catalogue.csv").touch()
        (tmp_path / "demo").touch()
        result = call(checkout, "demo", "catalogue.csv", "-x", "a b", cwd=tmp_path)
        assert result.stdout == f"{checkout}|demo|{tmp_path / 'catalogue.csv'}|-x|a b\n"

    def test_the_script_works_through_a_symbolic_link(
        self, flow: ModuleType, checkout: Path, tmp_path: Path
    ) -> None:
        flow.prepare(flow.LOCK)
        (tmp_path / "link").symlink_to(checkout / "flow")
        # Not through its shebang: `env python3` may be another version, which would install again.
        command = [sys.executable, tmp_path / "link", "x"]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.stdout == f"{checkout}|x\n"

    def test_without_arguments_the_help_is_shown(self, flow: ModuleType, checkout: Path) -> None:
        flow.prepare(flow.LOCK)
        assert call(checkout, cwd=checkout).stdout == f"{checkout}|--help\n"

    def test_packages_of_pythonpath_are_ignored(
        self, flow: ModuleType, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flow.prepare(flow.LOCK)
        (tmp_path / "app").mkdir()
        (tmp_path / "app/__init__.py").write_text("raise SystemExit('a foreign app')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        assert call(checkout, "x", cwd=tmp_path).stdout == f"{checkout}|x\n"
