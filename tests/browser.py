"""A real browser for tests: the headless Chromium of the system.

`python -m tests.browser` installs it if necessary; `./flow test` does so before the tests.
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
_TIMEOUT_MS = 15_000


class BrowserMissing(Exception):
    """The message says how to install a browser."""


def find_chromium() -> str | None:
    """The path of Chromium or Chrome, if it is installed."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def require_chromium() -> str:
    """The path of Chromium or Chrome. Raises BrowserMissing."""
    found = find_chromium()
    if found is None:
        raise BrowserMissing(
            f"The browser tests require one of {', '.join(_NAMES)} on the PATH. "
            "On Debian, run `apt-get install chromium` as root; "
            "`./flow test` without arguments does so when run as root."
        )
    return found


def install_chromium() -> None:
    """Install the Debian package if possible, showing its output. Raises BrowserMissing."""
    apt_get = shutil.which("apt-get")
    if apt_get is None or os.geteuid() != 0:
        require_chromium()
    print("Installing Debian's package chromium for the browser tests …", flush=True)  # noqa: T201
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        subprocess.run([str(apt_get), "--quiet", "--quiet", *arguments], env=quiet, check=False)
    require_chromium()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Raises BrowserMissing."""
    path = require_chromium()
    # Chromium's own sandbox refuses to work for root.
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty page with a fresh profile. Errors of its scripts fail the test."""
    expect.set_options(timeout=_TIMEOUT_MS)
    with chromium.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(_TIMEOUT_MS)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if _is_error(line) else None)
        yield page
    assert errors == []


def _is_error(line: object) -> bool:
    # Responses with a status of 4xx are logged as errors too, and some tests provoke them.
    text = getattr(line, "text", "")
    return getattr(line, "type", "") == "error" and "Failed to load resource" not in text


def main() -> int:
    try:
        if find_chromium() is None:
            install_chromium()
    except BrowserMissing as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
