"""The programs of others that check their own configuration.

`python -m tests.deploy.checkers` fetches what is missing from Debian's packages, beside Python and
without installing them, which would start servers; `./flow test` does so before the tests.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest

_OWN: Final = Path(sys.prefix) / "bin"
#: The package of each program that is fetched.
_PACKAGES: Final = {
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
}


def _find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(_OWN / program)


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(_find(program) is None, reason=f"{program} is not installed")


def check(program: str, *arguments: str | Path) -> None:
    """Run it. It fails the test if it finds a mistake."""
    done = subprocess.run(
        [str(_find(program)), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _fetch(program: str) -> bool:
    """Whether it was possible."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return False
    package = _PACKAGES[program]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for command in (
            ["apt-get", "--quiet", "--quiet", "download", package],
            ["sh", "-c", f"dpkg --extract {package}_*.deb ."],
        ):
            if subprocess.run(command, cwd=folder, check=False).returncode != 0:
                return False
        shutil.copy(Path(folder) / "usr" / "bin" / program, _OWN)
    return True


def main() -> None:
    for program, package in _PACKAGES.items():
        if _find(program) is None:
            print(f"Fetching {program} from Debian's package {package} …", flush=True)  # noqa: T201
            if not _fetch(program):
                print(f"Skipped: {program} is missing, which checks files of deploy.")  # noqa: T201


if __name__ == "__main__":
    main()
