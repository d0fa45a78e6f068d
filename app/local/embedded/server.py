"""What both servers share: a folder of their own, an unprivileged user, start and stop."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from app.local import processes
from app.local.processes import Account, FileLock

_START_SECONDS = 60
_PORT_ATTEMPTS = 5
_POLL_SECONDS = 0.01
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

Process = subprocess.Popen[bytes]


class EmbeddedError(Exception):
    """A server cannot run here; the message is one sentence for a person."""


@dataclass(frozen=True)
class Program:
    """An installed program: the part of a tree that must be readable to run it."""

    root: Path
    parts: Sequence[str]
    executable: str


@dataclass(frozen=True)
class Home:
    """The folder of one server, locked by this process; `account` is set when we are root."""

    path: Path
    account: Account | None
    lock: FileLock

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "server.log"

    def write(self, name: str, text: str) -> Path:
        """Write a secret file, whole or not at all, that only the server's user may read."""
        path, draft = self.path / name, self.path / f"{name}.new"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(text)
        if self.account:
            os.chown(draft, *self.account)
        return draft.replace(path)

    def usable(self, program: Program) -> Path:
        """The program's executable, copied here when the server's user cannot read it in place."""
        original = program.root / program.executable
        if self.account is None or _barrier(original, self.account) is None:
            return original
        # Installing another version changes the time.
        copy = self.path / f"program-{original.stat().st_mtime_ns:x}"
        if not copy.exists():
            for outdated in self.path.glob("program-*"):
                shutil.rmtree(outdated)
            draft = self.path / "program-new"
            for part in program.parts:
                _copy(program.root / part, draft / part)
            for path in (draft, *draft.rglob("*")):
                os.chown(path, *self.account)
            draft.rename(copy)
        return copy / program.executable

    def run(
        self,
        name: str,
        command: Callable[[int], Sequence[str | Path]],
        *,
        cwd: Path,
        death_signal: signal.Signals,
        is_ready: Callable[[str], bool],
    ) -> tuple[Process, int]:
        """Start `command(port)` on a free port and wait until it serves; returns both.

        is_ready: given what the server has logged since it started. Raises EmbeddedError.
        """
        for _ in range(_PORT_ATTEMPTS):
            port = processes.free_port()
            since = self.log.stat().st_size if self.log.exists() else 0
            process = self.launch(command(port), cwd=cwd, death_signal=death_signal)
            try:
                if self._becomes_ready(process, since, is_ready):
                    self.lock.note(f"pid {process.pid}, port {port}")
                    return process, port
            except BaseException:
                processes.stop(process, death_signal)
                raise
            said = self._said(since)
            if "address already in use" not in said.lower():
                break
        raise EmbeddedError(f"{name} did not start: {reason(said)} (log: {self.log}).")

    def launch(
        self, command: Sequence[str | Path], *, cwd: Path, death_signal: signal.Signals
    ) -> Process:
        """Start a command as the server's user, who must not see our environment's secrets."""
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        return processes.launch(
            command,
            log=self.log,
            death_signal=death_signal,
            cwd=cwd,
            env={**kept, "LC_ALL": "C"},
            account=self.account,
        )

    def _becomes_ready(self, process: Process, since: int, is_ready: Callable[[str], bool]) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None:
            if is_ready(self._said(since)):
                return True
            if time.monotonic() > deadline:
                processes.stop(process, signal.SIGTERM, patience=5)
            time.sleep(_POLL_SECONDS)
        return False

    def _said(self, since: int) -> str:
        return "\n".join(processes.tail(self.log, lines=1000, since=since))


class Server:
    """A running server; it is stopped when the thread that started it ends."""

    def __init__(self, home: Home, process: Process, port: int) -> None:
        self._home = home
        self._process = process
        self.port = port
        self.pid = process.pid
        self.log = home.log

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def _end(self, *signals: signal.Signals) -> None:
        """Ask with one signal after the other, wait for the end, and give the folder free."""
        processes.stop(self._process, *signals)
        self._home.lock.release()


@contextmanager
def home(data_dir: Path, name: str, *, programs: set[str]) -> Iterator[Home]:
    """Own the folder of a server; it stays locked unless the block fails.

    programs: names of the executables that may be left over there. Raises EmbeddedError.
    """
    path = data_dir.absolute() / name
    with _clear_errors(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = _unprivileged(path) if os.geteuid() == 0 else None
        if account:
            _open_to(account, path)
        lock = FileLock(path / "lock")
        try:
            if not lock.acquire():
                raise EmbeddedError(f"A server is already running on {path} ({lock.read()}).")
            _stop_leftovers(path, programs)
            yield Home(path, account, lock)
        except BaseException:
            lock.release()
            raise


def reason(said: str) -> str:
    """The line of a log that tells best why a program ended."""
    lines = said.splitlines() or ["it said nothing"]
    telling = [line for line in lines if any(w in line for w in ("FATAL", "PANIC", "rror"))]
    return (telling or lines)[-1].strip().rstrip(".")


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedError(
            f"Cannot keep data in {path} ({error.strerror or error}); "
            "set DATA_DIR to a folder that can be written to."
        ) from error


def _stop_leftovers(path: Path, programs: set[str]) -> None:
    """End servers that outlived their owner.

    The lock is ours, so their owner is gone. They work inside the folder, which is a surer sign
    than a process id in a file: that may by now belong to some other program.
    """
    leftovers = [p for p in psutil.process_iter(["name", "cwd"]) if _is_inside(p, path, programs)]
    # SIGINT is a fast shutdown for a postmaster, who then ends its children.
    for number, patience in ((signal.SIGINT, 30), (signal.SIGKILL, 5)):
        for process in leftovers:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        deadline = time.monotonic() + patience
        while leftovers and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            leftovers = [process for process in leftovers if not _has_ended(process)]


def _is_inside(process: psutil.Process, path: Path, programs: set[str]) -> bool:
    name, cwd = process.info["name"], process.info["cwd"]
    return name in programs and bool(cwd) and Path(cwd).is_relative_to(path.resolve())


def _has_ended(process: psutil.Process) -> bool:
    # In a container nobody may ever collect a dead process.
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _unprivileged(path: Path) -> Account:
    """Whom to be instead of root, which PostgreSQL refuses to run as: the folder's owner so far."""
    status = path.stat()
    if status.st_uid != 0:
        return Account(status.st_uid, status.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL does not run as root and there is no user `postgres` or `nobody`; "
        "start as a normal user, or set DATABASE_URL and REDIS_URL."
    )


def _open_to(account: Account, path: Path) -> None:
    """Give the folder to the user, and let it pass through the data folder, which is ours."""
    os.chown(path, *account)
    data_dir = path.parent
    data_dir.chmod(data_dir.stat().st_mode | 0o001)
    if barrier := _barrier(path, account):
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and user {account.uid} cannot enter {barrier}; "
            "set DATA_DIR to a folder outside of it, such as one in /var/lib."
        )


def _barrier(path: Path, account: Account) -> Path | None:
    """What keeps the user from reading `path`: itself or a folder above it."""

    def allowed(place: Path, bits: int) -> bool:
        status = place.stat()
        shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
        return (status.st_mode >> shift) & bits == bits

    path = path.resolve()
    if not allowed(path, 0o5):
        return path
    return next((folder for folder in path.parents if not allowed(folder, 0o1)), None)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a", "include"))
    else:
        shutil.copy2(source, target)
