"""A real browser for tests: the system's Chromium, without a window.

`python -m tests.browser` sees to it that there is one; `./flow test` does so before the tests.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS = 15_000


class NoBrowser(Exception):
    """The message says what to do."""


def find_chromium() -> str | None:
    """Where a Chromium or Chrome is."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def require_chromium() -> str:
    """Where it is. Raises NoBrowser."""
    found = find_chromium()
    if found is None:
        raise NoBrowser(
            f"The browser tests need one of {', '.join(_NAMES)} on the PATH, and there is none. "
            "On Debian, `apt-get install chromium` as root installs it; "
            "`./flow test` without further words does so by itself when run as root."
        )
    return found


def install_chromium() -> None:
    """Install Debian's package if that can be done here; its output is shown. Raises NoBrowser."""
    apt_get = shutil.which("apt-get")
    if apt_get is None or os.geteuid() != 0:
        require_chromium()
    print("Installing Debian's package chromium for the browser tests …", flush=True)  # noqa: T201
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        subprocess.run([str(apt_get), "--quiet", "--quiet", *words], env=quiet, check=False)
    require_chromium()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser with a fresh profile. Raises NoBrowser."""
    path = require_chromium()
    # Chromium's own sandbox refuses to work for root.
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page. What its scripts complain about fails the test."""
    expect.set_options(timeout=_PATIENCE_MS)
    with running_browser() as browser:
        page = browser.new_context().new_page()
        page.set_default_timeout(_PATIENCE_MS)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if _is_bad(line) else None)
        yield page
    assert complaints == []


def _is_bad(line: object) -> bool:
    # A status of 4xx is logged as an error as well, but that is what some tests are about.
    text = getattr(line, "text", "")
    return getattr(line, "type", "") == "error" and "Failed to load resource" not in text


def main() -> int:
    try:
        if find_chromium() is None:
            install_chromium()
    except NoBrowser as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
