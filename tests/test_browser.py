"""Finding and installing the browser of the tests."""

import os
from pathlib import Path

import pytest

from tests import browser


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def add_program(folder: Path, name: str, script: str = "") -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_without_a_browser_the_error_says_how_to_install_one(path: Path) -> None:
    with (
        pytest.raises(browser.BrowserMissing, match="`apt-get install chromium` as root"),
        browser.running_browser(),
    ):
        pass


def test_the_debian_package_is_installed_if_possible(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install = f'for name; do :; done; : > "{path}/$name"; /bin/chmod +x "{path}/$name"'
    add_program(path, "apt-get", f'echo "got $*"; {install}')

    assert browser.main() == 0

    output = capfd.readouterr().out
    assert "Installing Debian's package chromium" in output
    assert "install --yes --no-install-recommends chromium" in output
    assert browser.find_chromium() is not None


@pytest.mark.parametrize("why", ["not root", "no apt-get", "apt-get fails"])
def test_if_the_installation_is_not_possible_the_command_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], why: str
) -> None:
    if why != "no apt-get":
        add_program(path, "apt-get", "exit 100")
    if why == "not root":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert browser.main() == 1

    assert "apt-get install chromium" in capfd.readouterr().err


def test_an_installed_browser_is_used(path: Path) -> None:
    add_program(path, "google-chrome")

    assert browser.main() == 0
    assert browser.find_chromium() == str(path / "google-chrome")
