"""PostgreSQL's own programs, which take and combine backups."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from sqlalchemy import make_url

from app.backups.errors import BackupError
from app.local.embedded import EmbeddedError
from app.local.embedded.postgres import program as embedded_program

_PIECE_BYTES: Final = 2**20
_MAJOR: Final = re.compile(r"\(PostgreSQL\) (\d+)")
#: A server that does not answer is a reason to fail, even on a busy machine.
_CONNECT_SECONDS: Final = 30


class ProgramFailed(BackupError):
    """A program of PostgreSQL has failed."""


def path_of(name: str, *, version: int, is_exact: bool = False) -> Path:
    """The program: that of the embedded server, or one on PATH.

    version: of the server, which the program's must be, or may be newer than unless `is_exact`.
    Raises BackupError.
    """
    found = [path for path in _candidates(name) if _fits(path, version, is_exact=is_exact)]
    if not found:
        raise BackupError(f"{name} of PostgreSQL {version} is not installed.")
    return found[0]


def _candidates(name: str) -> Iterator[Path]:
    with suppress(EmbeddedError):
        program = embedded_program()
        yield (program.root / program.executable).with_name(name)
    if found := shutil.which(name):
        yield Path(found)


def _fits(path: Path, version: int, *, is_exact: bool) -> bool:
    if not path.exists():
        return False
    with output([path, "--version"], os.environ) as pieces:
        text = b"".join(pieces).decode()
    found = _MAJOR.search(text)
    major = int(found[1]) if found else 0
    return major == version if is_exact else major >= version


def connection(url: str) -> tuple[str, dict[str, str]]:
    """The URL for a program's command line, and the environment with its password."""
    parsed = make_url(url).set(drivername="postgresql")
    environment = {**os.environ, "PGCONNECT_TIMEOUT": str(_CONNECT_SECONDS), "LC_ALL": "C"}
    if parsed.password is not None:  # others can read command lines
        environment["PGPASSWORD"] = str(parsed.password)
    shown = parsed.set(password=None)
    return shown.render_as_string(hide_password=False), environment


@contextmanager
def output(
    command: Sequence[str | Path], environment: Mapping[str, str]
) -> Iterator[Iterator[bytes]]:
    """What a program writes, piece by piece. Raises ProgramFailed."""
    with TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 – every caller names a program of PostgreSQL
            command, env=environment, stdout=subprocess.PIPE, stderr=errors
        )
        try:
            with process:
                assert process.stdout is not None  # noqa: S101 – it is a pipe
                yield _pieces(process.stdout)
                process.stdout.close()
                code = process.wait()
        except BaseException:
            process.kill()
            raise
        if code != 0:
            raise ProgramFailed(failure(command, errors))


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_PIECE_BYTES):
        yield piece


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Run a program to its end. Raises ProgramFailed."""
    with output(command, environment or dict(os.environ)) as pieces:
        for _ in pieces:
            pass


def failure(command: Sequence[str | Path], errors: IO[bytes]) -> str:
    """Why it failed, in one sentence."""
    errors.seek(0)
    lines = [line for line in errors.read().decode(errors="replace").splitlines() if line.strip()]
    reasons = [line for line in lines if "error: " in line or "FATAL" in line]
    name = Path(command[0]).name
    reason = (reasons or lines or ["no output"])[-1].rpartition("error: ")[2].strip(" .")
    return f"{name} failed: {reason}."
