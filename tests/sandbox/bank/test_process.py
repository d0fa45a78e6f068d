"""`python -m sandbox.bank` as a process."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.common.settings import PROJECT_ROOT
from tests.bank import variables
from tests.live import wait_until
from tests.ports import unused_port
from tests.simulators import process

# The simulators rarely change.
pytestmark = pytest.mark.stress


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_process_prints_its_address_and_stops_cleanly(
    tmp_path: Path, end: signal.Signals
) -> None:
    given = variables("http://127.0.0.1:9/{provider}", tmp_path, BANK_PORT=str(unused_port()))
    with process("bank", **given) as bank:
        assert bank.stdout is not None
        line = bank.stdout.readline()
        assert line == f"The bank is listening at http://127.0.0.1:{given['BANK_PORT']}\n"
        bank.send_signal(end)
        assert bank.wait(10) == 0
        assert bank.communicate() == ("", "")


def test_the_process_stops_while_a_connection_is_open(tmp_path: Path) -> None:
    port = unused_port()
    given = variables("http://127.0.0.1:9/{provider}", tmp_path, BANK_PORT=str(port))
    with process("bank", **given) as bank:
        assert bank.stdout is not None
        bank.stdout.readline()
        with socket.create_connection(("127.0.0.1", port)) as browser:
            browser.sendall(b"GET /health HTTP/1.1\r\n")
            bank.terminate()
            assert bank.wait(10) == 0


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "BANK_WEBHOOK_URL and BANK_PROVIDERS must be set"),
        ({"BANK_PROVIDERS": "[]"}, "BANK_WEBHOOK_URL must be set"),
        ({"BANK_PROVIDERS": "HDFC", "BANK_WEBHOOK_URL": "http://x"}, "must be a JSON list"),
        ({"BANK_PROVIDERS": "[1]", "BANK_WEBHOOK_URL": "http://x"}, "must be a JSON list"),
        ({"BANK_PROVIDERS": "[]", "BANK_WEBHOOK_URL": "http://x", "BANK_PORT": "x"}, "'x'"),
    ],
)
def test_an_invalid_configuration_is_reported_in_one_sentence(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    with process("bank", DATA_DIR=str(tmp_path), **environment) as bank:
        _, error = bank.communicate(timeout=20)
    assert bank.returncode == 1
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        given = variables("http://127.0.0.1:9/{provider}", tmp_path, BANK_PORT=port)
        with process("bank", **given) as bank:
            _, error = bank.communicate(timeout=20)
    assert bank.returncode == 1
    assert port in error
    assert "Traceback" not in error


def test_settings_are_also_read_from_a_dotenv_file(tmp_path: Path) -> None:
    port = unused_port()
    given = variables("http://127.0.0.1:9/{provider}", tmp_path, BANK_PORT=str(port))
    (tmp_path / ".env").write_text("".join(f"{name}='{text}'\n" for name, text in given.items()))
    bank = subprocess.Popen(
        [sys.executable, "-m", "sandbox.bank"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT_ROOT)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port))
    finally:
        bank.terminate()
        bank.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
