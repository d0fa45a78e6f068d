"""How the tests come to their browser."""

import os
from pathlib import Path

import pytest

from tests import browser


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that programs are looked for in, with nothing in it yet."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def add_program(folder: Path, name: str, script: str = "") -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_without_a_browser_a_test_says_what_to_do(path: Path) -> None:
    with (
        pytest.raises(browser.NoBrowser, match="`apt-get install chromium` as root"),
        browser.running_browser(),
    ):
        pass


def test_debian_s_package_is_installed_where_that_can_be_done(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install = f'for name; do :; done; : > "{path}/$name"; /bin/chmod +x "{path}/$name"'
    add_program(path, "apt-get", f'echo "got $*"; {install}')

    assert browser.main() == 0

    said = capfd.readouterr().out
    assert "Installing Debian's package chromium" in said
    assert "install --yes --no-install-recommends chromium" in said
    assert browser.find_chromium() is not None


@pytest.mark.parametrize("why", ["not root", "no apt-get", "apt-get fails"])
def test_where_it_cannot_be_done_the_checks_fail_and_say_so(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], why: str
) -> None:
    if why != "no apt-get":
        add_program(path, "apt-get", "exit 100")
    if why == "not root":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert browser.main() == 1

    assert "apt-get install chromium" in capfd.readouterr().err


def test_a_browser_that_is_there_is_taken(path: Path) -> None:
    add_program(path, "google-chrome")

    assert browser.main() == 0
    assert browser.find_chromium() == str(path / "google-chrome")
