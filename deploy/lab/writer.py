"""Somebody who writes to one PostgreSQL from its own host, whoever is the leader.

    python -m deploy.lab.writer URL

Prints `ready` when a write was accepted. After a line of input it counts the writes that begin from
then on and are accepted, and after another one it prints their number.
"""

import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Final

import psycopg

from app.common.settings import PROJECT_ROOT
from deploy.lab import network
from deploy.lab.errors import LabError
from deploy.lab.machine import Machine
from deploy.lab.services import postgres

_INTERVAL: Final = 0.5


class Writer:
    """A running one. Raises LabError if nothing can be written even now."""

    def __init__(self, machine: Machine, host: str) -> None:
        url = postgres.direct(machine, host, "postgres")
        self._process = subprocess.Popen(  # noqa: S603 – arguments of our own
            [*network.inside(host), sys.executable, "-m", "deploy.lab.writer", url],
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout is None or self._process.stdout.readline() != "ready\n":
            raise LabError(f"Nobody can write to {host}.")

    def count(self) -> None:
        """Count the writes that are accepted from now on."""
        if self._process.stdin is not None:
            self._process.stdin.write("\n")
            self._process.stdin.flush()

    def end(self) -> int:
        """The number of accepted writes."""
        output, _ = self._process.communicate("\n", timeout=30)
        return int(output)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class _Writes:
    def __init__(self, url: str) -> None:
        self._url = url
        self._counts_from = float("inf")
        self.accepted = 0

    def count(self) -> None:
        self._counts_from = time.monotonic()

    def repeat(self) -> None:
        while True:
            # Each in a thread: one that waits for a replica may wait for ever.
            threading.Thread(target=self.write, daemon=True).start()
            time.sleep(_INTERVAL)

    def write(self) -> None:
        began = time.monotonic()
        with suppress(psycopg.Error):
            with psycopg.connect(self._url, autocommit=True, connect_timeout=2) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS lab_writes (at timestamptz)")
                connection.execute("INSERT INTO lab_writes VALUES (now())")
            if began > self._counts_from:
                self.accepted += 1


def main(url: str) -> None:
    writes = _Writes(url)
    writes.write()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Thread(target=writes.repeat, daemon=True).start()
    sys.stdin.readline()
    writes.count()
    sys.stdin.readline()
    sys.stdout.write(f"{writes.accepted}\n")


if __name__ == "__main__":
    main(sys.argv[1])
