"""The maximum number of connections of a web process; tests/test_live.py tests its effect."""

import pytest

from app.common import open_files
from app.common.settings import Settings
from app.server import raise_connection_limit


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
