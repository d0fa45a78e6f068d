"""Web processes: their connections, whose limit tests/test_live.py tests, and their crashes."""

import time

import pytest
from granian.server.mp import MPServer

from app.common import open_files
from app.common.settings import Settings
from app.server import _Server, raise_connection_limit


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
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(open_files, "raise_limit", lambda needed: needed)
    raise_connection_limit(Settings())
    assert caplog.text == ""

    monkeypatch.setattr(open_files, "raise_limit", lambda _: 4096)
    raise_connection_limit(Settings())
    assert "accepts 3776 connections instead of WEB_CONNECTIONS=8192" in caplog.text


class Worker:
    def __init__(self, age: float) -> None:
        self.birth = time.monotonic() - age


class TestCrashes:
    """Granian ends `serve` if a process that it has just replaced crashes again."""

    @pytest.fixture
    def server(self, monkeypatch: pytest.MonkeyPatch) -> _Server:
        def replace(server: _Server, workers: list[int], *_: object) -> None:
            for index in workers:
                server.respawned_wrks[index] = time.monotonic()
                server.wrks[index] = Worker(0)

        monkeypatch.setattr(MPServer, "_respawn_workers", replace)
        monkeypatch.setattr("app.server.time.sleep", lambda _: None)
        server = _Server("app.factory:create_app")
        server.respawned_wrks = {}
        return server

    def test_crashes_after_a_process_has_worked_are_no_loop(self, server: _Server) -> None:
        server.wrks = [Worker(20), Worker(20)]
        for index in (0, 1, 0, 0):
            server._respawn_workers([index], None, None)
            assert server.respawned_wrks == {}

    def test_a_process_that_cannot_start_is_a_loop(self, server: _Server) -> None:
        server.wrks = [Worker(0.1), Worker(0.1)]
        server._respawn_workers([0], None, None)
        assert server.respawned_wrks.keys() == {0}
