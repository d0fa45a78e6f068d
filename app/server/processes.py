"""The web processes: forked from one that has loaded the application, replaced when they crash."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

#: Seconds that running requests have before the processes are killed.
STOP_SECONDS: Final = 25
#: Seconds that pass until a killed process would have ended by itself.
_MARGIN_SECONDS: Final = 2
#: A process that has lived this long has started and worked.
_START_SECONDS: Final = 5.5
_MIN_LIFETIME_SECONDS, _RESPAWN_PAUSE_SECONDS = 1.0, 0.5

_STOP_SIGNALS: Final = {signal.SIGTERM, signal.SIGINT}

log = structlog.get_logger()


class Processes:
    """Runs `count` processes that execute `work(slot)`, each with a slot from 0 of its own.

    The process that replaces a crashed one gets its slot.
    A crashed one is replaced, however often, once one of them has worked. Before that, a second
    crash means that they cannot start.
    """

    def __init__(self, count: int, work: Callable[[int], None]) -> None:
        self._count = count
        self._work = work
        #: The slot and the start of each, by process id.
        self._started: dict[int, tuple[int, float]] = {}
        self._crashes = 0
        self._has_worked = False

    def run(self, on_stop: Callable[[], None]) -> int:
        """Run until SIGTERM or SIGINT. Returns the exit code.

        on_stop: called before the processes are stopped.
        """
        # Signals wait in a queue until `sigwait` takes them, so that none is missed.
        signals = {*_STOP_SIGNALS, signal.SIGCHLD, signal.SIGALRM}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            for slot in range(self._count):
                self._start(slot)
            while True:
                if signal.sigwait(signals) in _STOP_SIGNALS:
                    code = 0
                    break
                if not self._replace_ended():
                    code = 1
                    break
            on_stop()
            self._stop()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        return code

    def _start(self, slot: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process:
            self._started[process] = slot, time.monotonic()
            log.info("web_process_started", pid=process)
            return
        code = 1
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
            self._work(slot)
            code = 0
        except BaseException:
            log.exception("web_process_failed")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # what follows `run` is for the parent process only

    def _replace_ended(self) -> bool:
        """Returns False if the processes cannot start."""
        for process in self._ended():
            slot, began = self._started.pop(process)
            lifetime = time.monotonic() - began
            self._has_worked = self._has_worked or lifetime > _START_SECONDS
            self._crashes += 1
            log.error("web_process_crashed", pid=process)
            if not self._has_worked and self._crashes > self._count:
                return False
            if lifetime < _MIN_LIFETIME_SECONDS:
                time.sleep(_RESPAWN_PAUSE_SECONDS)  # one that crashes at once must not take a core
            self._start(slot)
        return True

    def _ended(self) -> list[int]:
        return [process for process in self._started if os.waitpid(process, os.WNOHANG)[0]]

    def _stop(self) -> None:
        """Stop all processes, and kill those that do not end."""
        self._signal(signal.SIGTERM)
        signal.alarm(STOP_SECONDS + _MARGIN_SECONDS)
        while self._started:
            if signal.sigwait({signal.SIGCHLD, signal.SIGALRM}) == signal.SIGALRM:
                self._signal(signal.SIGKILL)
            for process in self._ended():
                del self._started[process]
        signal.alarm(0)

    def _signal(self, number: int) -> None:
        for process in self._started:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(process, number)
