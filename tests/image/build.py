"""Building the image with buildah, on a base of Debian instead of the registry's if necessary."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from app.common.settings import PROJECT_ROOT

#: Debian's packages that the base needs.
_PACKAGES: Final = "python3,python3-venv,ca-certificates"
_RELEASE: Final = "bookworm"
_BASE: Final = "localhost/payment-flow-base"
_CERTIFICATES: Final = Path("etc/ssl/certs/ca-certificates.crt")
#: How many of the largest folders are listed.
_LISTED: Final = 12


class ImageError(Exception):
    """The message is one sentence for a person."""


def require_programs(*names: str) -> None:
    """Raises ImageError."""
    if os.geteuid() != 0:
        raise ImageError("Building without a container engine needs root.")
    if missing := [name for name in names if shutil.which(name) is None]:
        raise ImageError(
            f"Missing: {', '.join(missing)}. On Debian: apt-get install {' '.join(missing)}"
        )


def build(tag: str, *, from_registry: bool) -> None:
    """Build the image, and another with the programs that make backups (`backup_tag`).

    from_registry: on the Dockerfile's own base, which is fetched. Raises ImageError.
    """
    bases = set(re.findall(r"^FROM (\S+@sha256:\S+)", _dockerfile(), re.MULTILINE))
    options = []
    if not from_registry:
        _make_base()
        options = [_replacing(name, _BASE) for name in bases]
    _build(tag, *options)
    # The same stage, instead of building it again.
    application = _replacing("application", f"localhost/{tag}")
    _build(backup_tag(tag), "--target=backup", application, *options)


def backup_tag(tag: str) -> str:
    return f"{tag}-backup"


def _build(tag: str, *options: str) -> None:
    before = _containers()
    # The format in which images have health checks.
    how = ("--isolation=chroot", "--format=docker")
    _run("buildah", "build", *how, f"--tag={tag}", *options, ".")
    # Those of stages without steps of their own stay.
    if left := _containers() - before:
        _run("buildah", "rm", *left)


def _containers() -> set[str]:
    return set(_run("buildah", "containers", "--quiet").split())


def _replacing(name: str, image: str) -> str:
    return f"--build-context={name}=docker-image://{image}"


def _dockerfile() -> str:
    return (PROJECT_ROOT / "Dockerfile").read_text()


def _make_base() -> None:
    """An image with Debian's Python, which trusts the certificates that this machine trusts."""
    require_programs("debootstrap")
    with tempfile.TemporaryDirectory(prefix="payment-flow-base-") as folder:
        root = Path(folder) / "root"
        _run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _RELEASE, str(root))
        shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
        shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
        (root / "usr/bin/python").symlink_to("python3")
        if (own := Path("/") / _CERTIFICATES).exists():
            shutil.copyfile(own, root / _CERTIFICATES)
        container = _run("buildah", "from", "scratch").strip()
        try:
            _run("buildah", "copy", "--quiet", container, str(root), "/")
            _run("buildah", "config", f"--env=PIP_CERT=/{_CERTIFICATES}", container)
            _run("buildah", "commit", "--quiet", container, _BASE)
        finally:
            _run("buildah", "rm", container)


@contextmanager
def mounted(tag: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The root folder of a container of the image, and the image's configuration."""
    container = _run("buildah", "from", tag).strip()
    try:
        described = json.loads(_run("buildah", "inspect", container))
        yield Path(_run("buildah", "mount", container).strip()), described["Docker"]["config"]
    finally:
        _run("buildah", "rm", container)


def contents(root: Path) -> Iterator[tuple[str, int]]:
    """What the image consists of, and the megabytes of each: all of it, and the largest parts."""
    packages = next(root.glob("venv/lib/python3*/site-packages"))
    yield "everything", _megabytes(root)
    for name in ("venv", "srv"):
        yield f"/{name}", _megabytes(root / name)
    largest = sorted(((_megabytes(path), path.name) for path in packages.iterdir()), reverse=True)
    for size, name in largest[:_LISTED]:
        yield f"  {name}", size


def _megabytes(path: Path) -> int:
    return int(_run("du", "--summarize", "--block-size=1000000", str(path)).split()[0])


def _run(*command: str) -> str:
    """Run a program. Returns its output. Raises ImageError with the end of what it wrote."""
    result = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ImageError(f"{_shown(command)} failed:\n{(result.stdout + result.stderr)[-3000:]}")
    return result.stdout


def _shown(command: Sequence[str]) -> str:
    return " ".join(command[:2])
