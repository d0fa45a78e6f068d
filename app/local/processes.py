"""Child processes that never outlive the process that started them.

A child is started through this very file, run as a script: between fork and exec it drops root's
rights and asks the kernel for a signal when its parent dies. `Popen(preexec_fn=…)` could do the
same, but in a process that has threads it is unsafe, and since Python 3.12 a warning.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

_PR_SET_PDEATHSIG = 1
_LOG_ROTATION_BYTES = 10_000_000


class Account(NamedTuple):
    """An operating-system user that a child runs as."""

    uid: int
    gid: int


def launch(
    command: Sequence[str | Path],
    *,
    log: Path,
    death_signal: signal.Signals,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a command that gets `death_signal` when the calling thread ends, however it ends.

    log: receives its output. account: whom it runs as (only root may ask). On systems other than
    Linux the signal is not sent. Raises OSError when the process or its log cannot be made.
    """
    ids = (account.uid, account.gid) if account else ("", "")
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
            # Ctrl-C reaches a whole process group; the parent alone decides in which order to stop.
            start_new_session=True,
        )


def stop(
    process: "subprocess.Popen[bytes]", *signals: signal.Signals, patience: float = 30
) -> None:
    """Send one signal after the other, waiting `patience` seconds each; at last SIGKILL."""
    for number in signals:
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        break
    kill_group(process)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill what a launched process may have left behind, itself included."""
    # macOS answers EPERM for a group in which only zombies are left.
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
    """A loopback TCP port that nobody uses now; somebody may take it before you do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class FileLock:
    """A lock that the kernel frees with its owner; the file says in words who holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def acquire(self) -> bool:
        """Take the lock if nobody has it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.note("")
        return True

    def note(self, text: str) -> None:
        """Tell others who holds the lock."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def read(self) -> str:
        """What the holder told."""
        return self._path.read_text()

    def release(self) -> None:
        """Let others have it."""
        os.close(self._descriptor)


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > _LOG_ROTATION_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def _become(arguments: list[str]) -> None:
    """Turn this process, just forked, into the command. Runs only inside a child."""
    death_signal, parent, uid, gid, *command = arguments
    if uid:
        os.setgroups([int(gid)])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        # After setuid, which would clear it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("The parent died first.")
    # Python ignores these for itself, and an exec would hand that down.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    _become(sys.argv[1:])
