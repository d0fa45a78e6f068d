"""Folder, operating-system user, start and stop of an embedded server."""

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
from app.local.processes import FileLock, OsUser

#: How PostgreSQL and Redis say that their data was written by another version.
_VERSION_PROBLEMS = ("was initialized by PostgreSQL version", "Can't handle RDB format version")
_PORT_ATTEMPTS = 5
_POLL_SECONDS = 0.01
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

Process = subprocess.Popen[bytes]


class EmbeddedError(Exception):
    """A server cannot run here; the message is one sentence for the operator."""


@dataclass(frozen=True)
class Program:
    """An installed program. parts: files and folders below `root` that it needs to run."""

    root: Path
    parts: Sequence[str]
    executable: str


@dataclass(frozen=True)
class ServerFolder:
    """The folder of one server, locked by this process. user: whom the server runs as, if we are
    root."""

    path: Path
    user: OsUser | None
    lock: FileLock

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.path / "server.log"

    def write(self, name: str, text: str) -> Path:
        """Write a secret file atomically, readable by the server's user only."""
        path, temporary = self.path / name, self.path / f"{name}.new"
        temporary.unlink(missing_ok=True)
        temporary.touch(mode=0o600)
        temporary.write_text(text)
        if self.user:
            os.chown(temporary, *self.user)
        return temporary.replace(path)

    def install(self, program: Program) -> Path:
        """The program's executable, copied here if the server's user cannot read the original."""
        original = program.root / program.executable
        if self.user is None or _first_inaccessible(original, self.user) is None:
            return original
        # Another version has another modification time.
        copy = self.path / f"program-{original.stat().st_mtime_ns:x}"
        if not copy.exists():
            for outdated in self.path.glob("program-*"):
                shutil.rmtree(outdated)
            temporary = self.path / "program-new"
            for part in program.parts:
                _copy(program.root / part, temporary / part)
            for path in (temporary, *temporary.rglob("*")):
                os.chown(path, *self.user)
            temporary.rename(copy)
        return copy / program.executable

    def run(
        self,
        name: str,
        command: Callable[[int], Sequence[str | Path]],
        *,
        cwd: Path,
        death_signal: signal.Signals,
        is_ready: Callable[[str], bool],
        port: int | None = None,
    ) -> tuple[Process, int]:
        """Start `command(port)` and wait until it is ready. Returns process and port.

        port: where it ran before; otherwise a free one is chosen. is_ready: called with the log
        output since the start. Raises EmbeddedError.
        """
        ports = [port] if port else (processes.free_port() for _ in range(_PORT_ATTEMPTS))
        for port in ports:
            since = self.log.stat().st_size if self.log.exists() else 0
            process = self.launch(command(port), cwd=cwd, death_signal=death_signal)
            try:
                if self._becomes_ready(process, since, is_ready):
                    self.lock.write(f"pid {process.pid}, port {port}")
                    return process, port
            except BaseException:
                processes.stop(process, death_signal)
                raise
            output = self._output(since)
            if "address already in use" not in output.lower():
                break
        raise EmbeddedError(f"{name} did not start: {failure_reason(output)} (log: {self.log}).")

    def launch(
        self, command: Sequence[str | Path], *, cwd: Path, death_signal: signal.Signals
    ) -> Process:
        """Start a command as the server's user, without the secrets in our environment."""
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        return processes.launch(
            command,
            log=self.log,
            death_signal=death_signal,
            cwd=cwd,
            env={**kept, "LC_ALL": "C"},
            user=self.user,
        )

    def _becomes_ready(self, process: Process, since: int, is_ready: Callable[[str], bool]) -> bool:
        """Wait as long as the process lives: recovery after a crash may take minutes."""
        while process.poll() is None:
            if is_ready(self._output(since)):
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _output(self, since: int) -> str:
        return "\n".join(processes.tail(self.log, lines=1000, since=since))


#: Starts a server at a port, or at a free one if None. Raises EmbeddedError.
Run = Callable[[int | None], tuple[Process, int]]


class Server:
    """A running server. It stops when the thread that started it ends."""

    def __init__(self, folder: ServerFolder, run: Run) -> None:
        self._folder = folder
        self._run = run
        self._process, self.port = run(None)
        self.log = folder.log

    @property
    def pid(self) -> int:
        return self._process.pid

    def restart(self) -> None:
        """Start it again at the same port after it has ended. Raises EmbeddedError."""
        processes.kill_group(self._process)
        self._process, _ = self._run(self.port)

    @property
    def is_running(self) -> bool:
        """Whether the process is still running."""
        return self._process.poll() is None

    def _stop_process(self, *signals: signal.Signals) -> None:
        """Send the signals one after the other until the process ends, then unlock the folder."""
        processes.stop(self._process, *signals)
        self._folder.lock.release()


@contextmanager
def server_folder(data_dir: Path, name: str, *, programs: set[str]) -> Iterator[ServerFolder]:
    """Create and lock the folder of a server. It stays locked unless the block raises.

    programs: names of executables that an earlier owner may have left running there.
    Raises EmbeddedError.
    """
    path = data_dir.absolute() / name
    with _translate_errors(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        user = _unprivileged_user(path) if os.geteuid() == 0 else None
        if user:
            _grant_access(user, path)
        lock = FileLock(path / "lock")
        try:
            if not lock.acquire():
                raise EmbeddedError(f"A server is already running on {path} ({lock.read()}).")
            _stop_orphans(path, programs)
            yield ServerFolder(path, user, lock)
        except BaseException:
            lock.release()
            raise


def failure_reason(output: str) -> str:
    """The line of the output that explains best why a program ended."""
    lines = output.splitlines() or ["no output"]
    for line in lines:
        if any(words in line for words in _VERSION_PROBLEMS):
            return line.partition("DETAIL:")[2].strip(" .") or line.strip(" .")
    errors = [line for line in lines if any(w in line for w in ("FATAL", "PANIC", "rror"))]
    return (errors or lines)[-1].strip().rstrip(".")


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedError(
            f"Cannot keep data in {path} ({error.strerror or error}); "
            "set DATA_DIR to a writable folder."
        ) from error


def _stop_orphans(path: Path, programs: set[str]) -> None:
    """Stop servers that outlived their owner.

    We hold the lock, so their owner is gone. They are found by their working directory, because a
    process id in a file may belong to another program by now.
    """
    orphans = [p for p in psutil.process_iter(["name", "cwd"]) if _is_inside(p, path, programs)]
    # SIGINT is a fast shutdown for PostgreSQL, which then ends its child processes.
    for number, timeout in ((signal.SIGINT, 30), (signal.SIGKILL, 5)):
        for process in orphans:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        deadline = time.monotonic() + timeout
        while orphans and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            orphans = [process for process in orphans if not _has_ended(process)]


def _is_inside(process: psutil.Process, path: Path, programs: set[str]) -> bool:
    name, cwd = process.info["name"], process.info["cwd"]
    return name in programs and bool(cwd) and Path(cwd).is_relative_to(path.resolve())


def _has_ended(process: psutil.Process) -> bool:
    # In a container, zombies may never be reaped.
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _unprivileged_user(path: Path) -> OsUser:
    """The user to run as instead of root, which PostgreSQL refuses: the folder's current owner, or
    `postgres` or `nobody`."""
    status = path.stat()
    if status.st_uid != 0:
        return OsUser(status.st_uid, status.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return OsUser(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL does not run as root and there is no user `postgres` or `nobody`; "
        "start as a normal user, or set DATABASE_URL and REDIS_URL."
    )


def _grant_access(user: OsUser, path: Path) -> None:
    """Make the user the owner of the folder, and let it traverse the data folder."""
    os.chown(path, *user)
    data_dir = path.parent
    data_dir.chmod(data_dir.stat().st_mode | 0o001)
    if blocked := _first_inaccessible(path, user):
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and user {user.uid} cannot enter {blocked}; "
            "set DATA_DIR to a folder outside of it, such as one in /var/lib."
        )


def _first_inaccessible(path: Path, user: OsUser) -> Path | None:
    """The first of `path` and its parents that the user cannot access, None if there is none."""

    def allowed(place: Path, bits: int) -> bool:
        status = place.stat()
        shift = 6 if status.st_uid == user.uid else 3 if status.st_gid == user.gid else 0
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
