"""What `up` shows while it starts, and when it gives up."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from app.common.settings import Settings
from app.local import progress, up
from app.local.progress import Progress


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_each_step_is_shown_and_a_long_one_again(clock: Clock) -> None:
    shown: list[str] = []
    steps = Progress(shown.append, rewrites=False)

    steps.show("Starting PostgreSQL")
    steps.detail()
    steps.show("Migrating the database")
    for second in range(25):
        clock.now = float(second)
        steps.detail(f"Migrated {second} of 38")

    assert shown == [
        "Starting PostgreSQL …",
        "Migrating the database …",
        "Migrating the database … (11 s) Migrated 11 of 38",
        "Migrating the database … (22 s) Migrated 22 of 38",
    ]


@pytest.fixture
def supervisor(tmp_path: Path) -> up._Supervisor:
    made = up._Supervisor(Settings(data_dir=tmp_path), tmp_path, Mock())
    made._progress = Progress(lambda _: None, rewrites=False)
    return made


def process(tmp_path: Path, name: str, *, is_running: bool) -> Mock:
    log = tmp_path / f"{name}.log"
    log.write_text("the reason\n")
    made = Mock(log=log, is_running=is_running, has_ended=not is_running)
    made.name = name
    made.process.poll.return_value = None if is_running else 1
    return made


@pytest.mark.parametrize("ended", ["web", "PostgreSQL"])
def test_the_end_of_a_process_is_reported_at_once_with_its_log(
    supervisor: up._Supervisor, tmp_path: Path, ended: str
) -> None:
    names = ("web", "PostgreSQL", "worker")
    each = {name: process(tmp_path, name, is_running=name != ended) for name in names}
    supervisor._servers = {"PostgreSQL": each["PostgreSQL"]}
    supervisor._services = [each["web"], each["worker"]]

    with pytest.raises(up.UpError, match=rf"(?s){ended}.*the reason"):
        supervisor._wait_until_ready()


def test_the_start_waits_as_long_as_the_processes_live(
    supervisor: up._Supervisor,
    tmp_path: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An hour. A simulator that has ended is waited for no longer."""
    names = ("web", "bank", "gateway", "mail", "traffic")
    each = {name: process(tmp_path, name, is_running=name != "gateway") for name in names}
    supervisor._services = [*each.values()]

    def pause() -> None:
        clock.now += 60

    def is_healthy(url: str) -> bool:
        return clock.now > (1800 if url.startswith(supervisor.address) else 3600)

    supervisor._interrupt.pause = pause  # type: ignore[method-assign,assignment]
    monkeypatch.setattr(up, "_is_healthy", is_healthy)

    supervisor._wait_until_ready()

    assert clock.now == 3660
