"""The lab's folder, its secrets, and the processes on its hosts.

A process is started in its own session on its host and recorded with its id and start time, so that
later commands find it, and never end another that has the same id by then.
"""

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from app.local.processes import FileLock, tail
from deploy.lab import network
from deploy.lab.errors import LabError

_POLL_SECONDS: Final = 0.05
#: Passwords and secrets, each random.
_SECRETS: Final = (
    "postgres",
    "payment_flow_owner",
    "payment_flow_app",
    "replicator",
    "redis",
    "access",
    "refresh",
    "encryption",
    "metrics",
    "kafka",
)


class Machine:
    """The lab on this machine. folder: where it keeps everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state = folder / "processes.json"
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._lock: FileLock | None = None

    @property
    def exists(self) -> bool:
        return self.folder.exists()

    def acquire(self) -> None:
        """Keep other commands out until this process ends. Raises LabError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        if not lock.acquire():
            lock.release()
            raise LabError("Another command of the lab is running.")
        self._lock = lock

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def secret(self, name: str) -> str:
        path = self.folder / "secrets.json"
        if not path.exists():
            self.write("secrets.json", json.dumps({n: secrets.token_hex(24) for n in _SECRETS}))
        found: dict[str, str] = json.loads(path.read_text())
        return found[name]

    def write(self, name: str, text: str) -> Path:
        """Write a file below the folder, which only root can read."""
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.new")
        draft.touch(mode=0o600)
        draft.write_text(text)
        return draft.replace(path)

    def own_folder(self, name: str) -> Path:
        """A folder of the user who is not root."""
        path = self.folder / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        user = unprivileged_user()
        os.chown(path, user.pw_uid, user.pw_gid)
        return path

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name.replace('/', '-')}.log"

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        as_user: bool = False,
    ) -> None:
        """Start a process that outlives this one, unless it runs already.

        name: `host/program`; as_user: not as root, which PostgreSQL and PgBouncer refuse.
        """
        if self.is_running(name):
            return
        host = name.partition("/")[0]
        own = self.folder / host
        own.mkdir(mode=0o700, exist_ok=True)
        self.log(name).parent.mkdir(mode=0o700, exist_ok=True)
        with self.log(name).open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 – commands of our own
                [*network.inside(host), *(_as_user() if as_user else []), *map(str, command)],
                cwd=own,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[process.pid] = process
        created = psutil.Process(process.pid).create_time()
        self._record({**self._processes(), name: (process.pid, created)})

    def names(self) -> list[str]:
        """The processes that were started and not stopped."""
        return list(self._processes())

    def is_running(self, name: str) -> bool:
        return self._find(name) is not None

    def signal(self, name: str, number: signal.Signals) -> None:
        if found := self._find(name):
            found.send_signal(number)

    def stop(self, name: str, *, seconds: float = 30) -> None:
        """End a process and its group: with SIGTERM, after some seconds with SIGKILL."""
        if found := self._find(name):
            found.terminate()
            with suppress(LabError):
                self.wait(partial(self._has_ended, name), seconds=seconds, what="")
        self._kill_group(name)

    def kill(self, name: str) -> None:
        """End a process and its group with SIGKILL."""
        self._kill_group(name)
        self.wait(partial(self._has_ended, name), seconds=10, what=f"{name} to end")

    def kill_host(self, host: str) -> list[str]:
        """End everything on a host, as a power failure does. Returns what has to be started."""
        ended = [name for name in self.names() if name.startswith(f"{host}/")]
        for pid in network.processes_on(host):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for name in ended:
            self.wait(partial(self._has_ended, name), seconds=10, what=name)
        return ended

    def wait(self, is_true: Callable[[], bool], *, seconds: float, what: str) -> float:
        """Wait for something. Returns after how many seconds it was true. Raises LabError."""
        began = time.monotonic()
        while not is_true():
            if time.monotonic() - began > seconds:
                raise LabError(f"Waited {seconds:.0f} seconds in vain for {what}.")
            time.sleep(_POLL_SECONDS)
        return time.monotonic() - began

    def require_running(self, *names: str) -> None:
        """Raises LabError with the end of its log if one has ended."""
        for name in names:
            if not self.is_running(name):
                lines = tail(self.log(name), lines=3)
                raise LabError(f"{name} has ended: {' / '.join(lines)} (log: {self.log(name)}).")

    def _kill_group(self, name: str) -> None:
        known = self._processes()
        if name in known:
            pid, created = known.pop(name)
            # The group lives on while one of its processes does; its id is not used again.
            leader = _process(pid)
            if leader is None or leader.create_time() == created:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            self._record(known)
            if child := self._children.pop(pid, None):
                child.wait()

    def _has_ended(self, name: str) -> bool:
        return self._find(name) is None

    def _find(self, name: str) -> psutil.Process | None:
        pid, created = self._processes().get(name, (0, 0.0))
        if child := self._children.get(pid):
            child.poll()  # so that no zombie is left of it
        found = _process(pid) if pid else None
        return found if found is not None and found.create_time() == created else None

    def _processes(self) -> dict[str, tuple[int, float]]:
        if not self._state.exists():
            return {}
        return {name: (pid, at) for name, (pid, at) in json.loads(self._state.read_text()).items()}

    def _record(self, known: Mapping[str, tuple[int, float]]) -> None:
        self.write(self._state.name, json.dumps(known))


def unprivileged_user() -> pwd.struct_passwd:
    """Whom servers run as that refuse root."""
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise LabError("There is no user `postgres` or `nobody` that PostgreSQL could run as.")


def _as_user() -> list[str]:
    """What a command starts with to run as that user, who may read what root may: the packages and
    the lab's folder may lie in a folder of root."""
    user = unprivileged_user()
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    capabilities = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    # Without this bit, access(2) ignores them, which `initdb` asks about its programs.
    return ["setpriv", "--securebits=+no_setuid_fixup", *ids, *capabilities]


def _process(pid: int) -> psutil.Process | None:
    """The running process with the id."""
    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else found
    except psutil.NoSuchProcess:
        return None
