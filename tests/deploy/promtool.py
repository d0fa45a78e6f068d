"""Prometheus' tool that checks rules and runs their tests.

`python -m tests.deploy.promtool` fetches it from Debian's package `prometheus` if necessary, beside
Python and without installing the package, which would start a server; `./flow test` does so before
the tests.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

_OWN = Path(sys.prefix) / "bin" / "promtool"


def find_promtool() -> str | None:
    return shutil.which("promtool") or shutil.which(_OWN)


needs_promtool = pytest.mark.skipif(find_promtool() is None, reason="promtool is not installed")


def promtool(*arguments: str | Path) -> None:
    """Run it. It fails the test if it finds a mistake."""
    done = subprocess.run(
        [str(find_promtool()), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fetch() -> bool:
    """Whether it was possible."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for command in (
            ["apt-get", "--quiet", "--quiet", "download", "prometheus"],
            ["sh", "-c", "dpkg --extract prometheus_*.deb ."],
        ):
            if subprocess.run(command, cwd=folder, check=False).returncode != 0:
                return False
        shutil.copy(Path(folder) / "usr" / "bin" / "promtool", _OWN)
    return True


def main() -> None:
    if find_promtool() is None:
        print("Fetching promtool from Debian's package prometheus …", flush=True)  # noqa: T201
        if not fetch():
            print("Skipped: promtool is missing, which tests the alerts.")  # noqa: T201


if __name__ == "__main__":
    main()
