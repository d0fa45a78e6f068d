"""Child processes that never outlive the process that started them.

A child is started through this file, run as a script: between fork and exec it drops root
privileges and requests a signal when its parent dies. `Popen(preexec_fn=…)` could do the same, but
it is unsafe in a process with threads.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

_PR_SET_PDEATHSIG = 1
_LOG_ROTATION_BYTES = 10_000_000


class OsUser(NamedTuple):
    """An operating-system user."""

    uid: int
    gid: int


def launch(
    command: Sequence[str | Path],
    *,
    log: Path,
    death_signal: signal.Signals,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    user: OsUser | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a command that receives `death_signal` when the calling thread ends for any reason.

    log: receives its output; user: whom it runs as, for root only. The signal is sent on Linux
    only. Raises OSError if the process or its log cannot be created.
    """
    ids = (user.uid, user.gid) if user else ("", "")
    # -I: `app/common/` must not become an import path, it has a `logging.py` and an `http.py`.
    launcher = [sys.executable, "-I", "-S", __file__, *map(str, (death_signal, os.getpid(), *ids))]
    with _open_log(log) as output:
        return subprocess.Popen(  # noqa: S603 - every caller names a program of ours
            [*launcher, *map(str, command)],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C signals a whole process group, but the parent decides the order of stopping.
            start_new_session=True,
        )


def stop(process: "subprocess.Popen[bytes]", *signals: signal.Signals, timeout: float = 30) -> None:
    """Send the signals one after the other, waiting `timeout` seconds for each; finally SIGKILL."""
    for number in signals:
        process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            continue
        break
    kill_group(process)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a launched process and all its child processes."""
    # macOS returns EPERM for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(log: Path, *, lines: int, since: int = 0) -> list[str]:
    """The last lines of a log that were written after byte `since`."""
    with log.open("rb") as file:
        file.seek(max(since, file.seek(0, os.SEEK_END) - 64_000))
        text = file.read().decode(errors="replace")
    return [line for line in text.splitlines() if line.strip()][-lines:]


def free_port() -> int:
    """A loopback TCP port that is free now; another program may take it before you do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class FileLock:
    """A lock that the kernel releases when its owner ends. The file describes the holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def acquire(self) -> bool:
        """Take the lock. Returns False if another process holds it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.write("")
        return True

    def write(self, text: str) -> None:
        """Describe the holder of the lock."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def read(self) -> str:
        """The holder's description."""
        return self._path.read_text()

    def release(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)


def rotate(log: Path) -> None:
    """Move the content of a large log to `.1`. Its process keeps the file open and appends to it.

    What is written between the copy and the truncation is lost. On a full disk there is no copy,
    and truncating frees the space.
    """
    with contextlib.suppress(OSError):
        if log.stat().st_size <= _LOG_ROTATION_BYTES:
            return
        old = log.with_name(log.name + ".1")
        try:
            old.unlink(missing_ok=True)
            shutil.copyfile(log, old)
            old.chmod(0o600)
        except OSError:
            old.unlink(missing_ok=True)
        os.truncate(log, 0)


def _open_log(path: Path) -> BinaryIO:
    rotate(path)
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def _exec(arguments: list[str]) -> None:
    """Replace this child process with the command."""
    death_signal, parent, uid, gid, *command = arguments
    if uid:
        os.setgroups([int(gid)])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        # After setuid, which clears it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("The parent died first.")
    # Python ignores these signals, and the command would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    _exec(sys.argv[1:])
