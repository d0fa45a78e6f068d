"""Web processes: the number of their connections, and their crashes."""

import time

import pytest
from structlog.testing import CapturingLogger

from app import server
from app.common import open_files
from app.common.settings import Settings
from app.server import raise_connection_limit
from app.server.processes import Processes


@pytest.mark.parametrize(
    ("connections", "threads", "files", "allowed"),
    [
        (8192, 64, 100_000, 8192),
        (8192, 64, 4096, 3776),  # four files for each thread and 64 for the process
        (8192, 64, 256, 64),
        (10, 64, 100_000, 10),
        (10, 64, 256, 10),
    ],
)
def test_connections_are_limited_by_the_limit_of_open_files(
    monkeypatch: pytest.MonkeyPatch, connections: int, threads: int, files: int, allowed: int
) -> None:
    monkeypatch.setattr(open_files, "raise_limit", lambda needed: min(needed, files))
    settings = Settings(web_connections=connections, web_threads=threads)

    assert raise_connection_limit(settings) == allowed


def test_fewer_connections_than_configured_are_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(server, "log", log)
    monkeypatch.setattr(open_files, "raise_limit", lambda needed: needed)
    raise_connection_limit(Settings())
    assert log.calls == []

    monkeypatch.setattr(open_files, "raise_limit", lambda _: 4096)
    raise_connection_limit(Settings())
    (call,) = log.calls
    assert (call.method_name, call.kwargs["connections"]) == ("warning", 3776)
    assert call.kwargs["configured"] == 8192


class Crashing(Processes):
    """Processes that only exist in the test. lifetimes: of those that end next."""

    def __init__(self, count: int) -> None:
        super().__init__(count, lambda slot: None)
        self.lifetimes: list[float] = []
        self.slots: list[int] = []  # of all that were started

    def _start(self, slot: int) -> None:
        self.slots.append(slot)
        self._started[max(self._started, default=0) + 1] = slot, time.monotonic()

    def _ended(self) -> list[int]:
        ended = list(self._started)[: len(self.lifetimes)]
        for process, lifetime in zip(ended, self.lifetimes, strict=True):
            self._started[process] = self._started[process][0], time.monotonic() - lifetime
        return ended

    def crash(self, *lifetimes: float) -> bool:
        """Whether they are replaced."""
        self.lifetimes = list(lifetimes)
        return self._replace_ended()


class TestCrashes:
    @pytest.fixture
    def processes(self, monkeypatch: pytest.MonkeyPatch) -> Crashing:
        monkeypatch.setattr("app.server.processes.time.sleep", lambda _: None)
        processes = Crashing(2)
        for slot in range(2):
            processes._start(slot)
        return processes

    def test_a_process_that_has_worked_is_replaced_alone_however_often(
        self, processes: Crashing
    ) -> None:
        assert processes.crash(20)
        for _ in range(10):
            assert processes.crash(0.1, 0.1)
        assert len(processes._started) == 2
        # Each has the slot of the one that it replaces.
        assert sorted(slot for slot, _ in processes._started.values()) == [0, 1]
        assert processes.slots == [0, 1, 0, *([1, 0] * 10)]

    def test_processes_that_cannot_start_are_given_up(self, processes: Crashing) -> None:
        assert processes.crash(0.1, 0.1)
        assert not processes.crash(0.1)
