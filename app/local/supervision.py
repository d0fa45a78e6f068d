"""What `up` keeps running: our processes and the embedded servers, started again when they end."""

import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from app.common.settings import PROJECT_ROOT
from app.local import processes
from app.local.embedded import EmbeddedError

_SECOND_PAUSE_SECONDS: Final = 0.5
_MAX_PAUSE_SECONDS: Final = 30.0
#: What has run for this long has recovered: its next crash is the first again.
_STABLE_SECONDS: Final = 5.0

#: Shows a message to the operator.
Report = Callable[[str], None]


class Backoff:
    """The pauses before restarts: none at first, doubled with each crash that follows soon."""

    def __init__(self) -> None:
        self._next = 0.0
        self._started_at = time.monotonic()

    def started(self) -> None:
        self._started_at = time.monotonic()

    def next_pause(self) -> float:
        """Seconds to wait after the process has ended."""
        is_stable = time.monotonic() - self._started_at > _STABLE_SECONDS
        pause = 0.0 if is_stable else self._next
        self._next = min(max(2 * pause, _SECOND_PAUSE_SECONDS), _MAX_PAUSE_SECONDS)
        return pause


class Supervised(ABC):
    """Something that is started again when it has ended, however often."""

    def __init__(self, name: str, log: Path, report: Report) -> None:
        self.name = name
        self.log = log
        self._report = report
        self._backoff = Backoff()
        self._start_at: float | None = None
        #: Whether it has ended unexpectedly, however often it was started again.
        self.has_ended = False

    def check(self) -> None:
        """Start it again if it has ended and its pause is over."""
        if self._start_at is None:
            if (problem := self._problem()) is not None:
                self._schedule(problem)
        elif time.monotonic() >= self._start_at:
            self._start_at = None
            try:
                self._start()
            except (EmbeddedError, OSError) as error:
                self._schedule(str(error))
                return
            self._backoff.started()

    def _schedule(self, problem: str) -> None:
        self.has_ended = True
        pause = self._backoff.next_pause()
        self._start_at = time.monotonic() + pause
        self._report(
            f"`{self.name}` ended unexpectedly ({problem}); restarting it"
            f"{f' in {pause:g} s' if pause else ''}. {log_tail(self.log)}"
        )

    @abstractmethod
    def _problem(self) -> str | None:
        """How it ended, None while it is running."""

    @abstractmethod
    def _start(self) -> None:
        """Start it again. Raises EmbeddedError, OSError."""


class Service(Supervised):
    """One of our processes. command: our module and its arguments."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str], report: Report
    ) -> None:
        super().__init__(name, log, report)
        self._command = command
        self._env = env
        self.process = launch(command, log=log, env=env)

    def _problem(self) -> str | None:
        if self.process.poll() is None:
            return None
        processes.kill_group(self.process)
        return exit_status(self.process)

    def _start(self) -> None:
        self.process = launch(self._command, log=self.log, env=self._env)


class RestartableServer(Protocol):
    """An embedded server."""

    log: Path

    @property
    def is_running(self) -> bool: ...
    def restart(self) -> None: ...


class SupervisedServer(Supervised):
    """An embedded server, restarted at the same address: our processes know it."""

    def __init__(self, name: str, server: RestartableServer, report: Report) -> None:
        super().__init__(name, server.log, report)
        self._server = server

    def _problem(self) -> str | None:
        return None if self._server.is_running else "see its log"

    def _start(self) -> None:
        self._server.restart()


class LogRotation:
    """Moves logs that have become large to `.1`, while their processes keep writing to them."""

    _INTERVAL: Final = 5.0

    def __init__(self, logs: Callable[[], Sequence[Path]]) -> None:
        self._logs = logs
        self._next_at = 0.0

    def check(self) -> None:
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + self._INTERVAL
        for log in self._logs():
            processes.rotate(log)


def launch(
    command: Sequence[str], *, log: Path, env: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start one of our modules. command: its name and arguments."""
    return processes.launch(
        [sys.executable, "-m", *command],
        log=log,
        death_signal=signal.SIGTERM,
        cwd=PROJECT_ROOT,
        env=env,
    )


def exit_status(process: "subprocess.Popen[bytes]") -> str:
    code = process.returncode
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def log_tail(log: Path) -> str:
    lines = "".join(f"\n  {line}" for line in processes.tail(log, lines=8))
    return f"The end of {log}:{lines}"
