"""Simulated traffic against the real API, through HTTP."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.common.settings import PROJECT_ROOT, Settings
from sandbox.common.config import ConfigError
from sandbox.traffic.config import Config
from tests import servers
from tests.live import Api, LiveServer, wait_until
from tests.ports import unused_port
from tests.simulators import process


@pytest.fixture(scope="module")
def server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    with (
        servers.database(f"payment_flow_traffic_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1) as started,
    ):
        yield started


def rows(server: LiveServer, query: str) -> list[tuple[object, ...]]:
    engine = create_engine(server.database.app_url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found


def simulate(
    server: LiveServer, data_dir: Path, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "simulate", *arguments],
        env=os.environ
        | {"PORT": server.environment["PORT"], "DATA_DIR": str(data_dir), "COLUMNS": "100"}
        | variables,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.stress
def test_the_command_makes_traffic_and_reports_it(server: LiveServer, tmp_path: Path) -> None:
    done = simulate(server, tmp_path, "--rate", "20", "--seconds", "8", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "transactions in 8 s" in done.stdout
    assert "declined: INSUFFICIENT_FUNDS" in done.stdout
    ((orders,),) = rows(server, "SELECT count(*) FROM orders WHERE status = 'COMPLETED'")
    assert isinstance(orders, int)
    assert orders > 60
    assert rows(server, "SELECT count(*) FROM transfers") != [(0,)]
    people = rows(server, "SELECT count(*) FROM users")

    # The same people are there again.
    again = simulate(server, tmp_path, "--rate", "20", "--seconds", "2")
    assert again.returncode == 0, again.stdout + again.stderr
    assert rows(server, "SELECT count(*) FROM users") == people
    assert server.cli("verify").returncode == 0


def test_production_is_refused(server: LiveServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="never simulated in production"):
        Config.require_allowed({"APP_ENV": "production", "TRAFFIC_API_URL": "http://x"})
    with process("traffic", APP_ENV="production", TRAFFIC_API_URL="http://x") as started:
        _, errors = started.communicate(timeout=20)
    assert started.returncode == 1
    assert "never simulated in production" in errors


@pytest.mark.parametrize(
    "wrong", [("--rate", "0"), ("--rate", "500"), ("--seconds", "x"), ("--seconds", "0")]
)
def test_wrong_options_are_refused(
    server: LiveServer, tmp_path: Path, wrong: tuple[str, str]
) -> None:
    assert simulate(server, tmp_path, *wrong).returncode == 2


def test_an_api_that_is_away_is_said_so(server: LiveServer, tmp_path: Path) -> None:
    done = simulate(server, tmp_path, "--seconds", "1", PORT=str(unused_port()))
    assert done.returncode == 1
    assert "does not answer" in done.stderr


def test_the_process_starts_stops_and_makes_one(server: LiveServer, tmp_path: Path) -> None:
    port = unused_port()
    settings = {
        "TRAFFIC_API_URL": f"{server.url}/api/v1",
        "TRAFFIC_PORT": str(port),
        "DATA_DIR": str(tmp_path),
    }
    traffic = Api(f"http://127.0.0.1:{port}")

    def answers() -> bool:
        try:
            return traffic.call("GET", "/health").status == 200
        except OSError:
            return False

    with process("traffic", **settings):
        wait_until(answers)
        made = traffic.call("POST", "/once").json
        assert made["outcome"] == "APPROVED"
        assert rows(server, f"SELECT count(*) FROM orders WHERE user_id = '{made['userId']}'") == [
            (1,)
        ]
        assert traffic.call("POST", "/start", {"interval": 1}).status == 400
        assert traffic.call("POST", "/start", {"interval": 100}).json["interval"] == 100
        wait_until(lambda: traffic.call("GET", "/status").json["made"] > 10)
        assert traffic.call("POST", "/stop").json["interval"] is None
        evil = {"Origin": "https://evil.example"}
        assert traffic.call("POST", "/start", {"interval": 100}, headers=evil).status == 403
