"""The programs that the lab needs, and Debian's packages of them."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.lab.errors import LabError

#: Package by program.
PACKAGES: Final[Mapping[str, str]] = {
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "openssl": "openssl",
    "etcd": "etcd-server",
    "pgbouncer": "pgbouncer",
    "haproxy": "haproxy",
    "nginx": "nginx-light",
    "prometheus": "prometheus",
}
#: Whose services Debian would start, now and with the machine.
_SERVICES: Final = ("etcd", "pgbouncer", "haproxy", "nginx", "prometheus")
#: Debian's packages ask this program whether they may start a service.
_POLICY: Final = Path("/usr/sbin/policy-rc.d")
_LOCK: Final = Path(__file__).with_name("requirements.lock")
#: Programs of a server are often in a folder that is not on everybody's path.
_PATH: Final = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def find(program: str) -> str | None:
    """The path of a program, None if it is not installed."""
    return shutil.which(program, path=_PATH)


def path_of(program: str) -> str:
    """The path of a program. Raises LabError."""
    if found := find(program):
        return found
    raise LabError(missing_sentence([program]))


def missing() -> list[str]:
    """The programs that are not installed."""
    return [program for program in PACKAGES if find(program) is None]


def missing_sentence(programs: list[str]) -> str:
    names = ", ".join(programs)
    packages = " ".join(dict.fromkeys(PACKAGES[program] for program in programs))
    return f"The lab needs {names}: run it with --install, or apt-get install {packages}."


def require(*, install: bool, show: Callable[[str], None]) -> None:
    """Install what is missing, or raise LabError."""
    programs = missing()
    if not programs:
        return
    if not install:
        raise LabError(missing_sentence(programs))
    apt = find("apt-get")
    if apt is None:
        raise LabError("--install needs apt-get, and this system has none.")
    packages = sorted({PACKAGES[program] for program in programs})
    show(f"Installing {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # The lists may be too old, or there are none yet.
    _run([apt, "--quiet", "update"], environment, must_succeed=False)
    with services_are_not_started():
        _run([apt, "--yes", "--no-install-recommends", "install", *packages], environment)
    systemctl = find("systemctl")
    fresh = [name for name in _SERVICES if name in programs]
    if systemctl and fresh:
        _run([systemctl, "disable", *fresh], environment, must_succeed=False)
    if programs := missing():
        raise LabError(missing_sentence(programs))


@contextmanager
def services_are_not_started() -> Iterator[None]:
    """A block in which an installation starts no service. An existing policy stays in place."""
    before = _POLICY.read_bytes() if _POLICY.exists() else None
    mode = _POLICY.stat().st_mode if before is not None else 0
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            _POLICY.unlink()
        else:
            _POLICY.write_bytes(before)
            _POLICY.chmod(mode)


def install_patroni(folder: Path) -> None:
    """Make a virtual environment with Patroni, which the product does not use."""
    if (folder / "bin" / "patroni").exists():
        return
    python = folder / "bin" / "python"
    hashed = ["--require-hashes", "--requirement", str(_LOCK)]
    base: str = getattr(sys, "_base_executable", sys.executable)
    if uv := _uv():
        _run([*uv, "venv", "--quiet", "--python", base, str(folder)], os.environ)
        _run([*uv, "pip", "install", "--quiet", "--python", str(python), *hashed], os.environ)
    else:
        _run([base, "-m", "venv", str(folder)], os.environ)
        _run([str(python), "-m", "pip", "install", "--quiet", *hashed], os.environ)


def _uv() -> list[str]:
    if found := shutil.which("uv"):
        return [found]
    return [sys.executable, "-m", "uv"] if importlib.util.find_spec("uv") else []


def _run(command: list[str], environment: Mapping[str, str], *, must_succeed: bool = True) -> None:
    result = subprocess.run(  # noqa: S603 – commands of our own
        command, env=environment, capture_output=True, text=True, check=False
    )
    if must_succeed and result.returncode != 0:
        lines = [line for line in (result.stderr + result.stdout).splitlines() if line.strip()]
        raise LabError(f"`{' '.join(command)}` failed: {lines[-1] if lines else 'no output'}")
