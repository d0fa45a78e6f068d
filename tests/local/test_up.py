"""`payment-flow up`: starts everything, and leaves no process behind."""

import json
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.banks import providers
from app.common.settings import Settings
from app.gateway import provider_config
from tests.bank import payment_request, variables
from tests.live import wait_until
from tests.local.helpers import Up, bank_port, data_dir, first_line, gateway_port, port, up
from tests.ports import unused_port
from tests.stripe import Buyer, SandboxGateway, session_fields

# Fixtures, which pytest finds by name.
__all__ = ["bank_port", "data_dir", "gateway_port", "port", "up"]


def children_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def owner_password(data_dir: Path) -> str:
    """The password of the role that owns the tables. Only `up` itself and `migrate` know it."""
    passwords = json.loads((data_dir / "postgres" / "passwords.json").read_text())
    return str(passwords["payment_flow_owner"])


def ready(port: int, path: str = "/health/ready") -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return int(answer.status)


@contextmanager
def all_end(children: list[psutil.Process]) -> Iterator[None]:
    yield
    _, alive = psutil.wait_procs(children, timeout=15)
    assert [process.name() for process in alive if process.is_running()] == []


@pytest.mark.parametrize(
    "end", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.stress)]
)
def test_a_signal_stops_all_processes(
    up: Up, data_dir: Path, port: int, bank_port: int, gateway_port: int, end: signal.Signals
) -> None:
    process = up("--no-demo", "--quiet")
    assert first_line(process) == f"http://127.0.0.1:{port}"
    assert ready(port) == 200
    assert ready(bank_port, "/health") == 200
    assert ready(gateway_port, "/health") == 200
    children = children_of(process)
    assert {"postgres", "python"} <= {p.name().split("3")[0] for p in children}
    ours = [process for process in children if process.name().startswith("python")]
    assert [process for process in ours if owner_password(data_dir) in str(process.environ())] == []
    with all_end(children):
        process.send_signal(end)
        assert process.wait(30) == 0


@pytest.mark.stress
@pytest.mark.linux
def test_all_processes_end_when_up_is_killed_and_it_can_start_again(up: Up, port: int) -> None:
    process = up("--no-demo", "--quiet")
    first_line(process)
    with all_end(children_of(process)):
        process.kill()
    again = up("--no-demo", "--quiet")
    assert first_line(again) == f"http://127.0.0.1:{port}"
    assert ready(port) == 200


def summary(process: "subprocess.Popen[str]") -> str:
    shown = ""
    while "Press Ctrl-C" not in shown:
        assert process.poll() is None
        shown += first_line(process) + "\n"
    return shown


@pytest.mark.stress
def test_the_first_start_creates_the_demo_and_shows_its_logins(up: Up, port: int) -> None:
    process = up(BCRYPT_ROUNDS="4")
    shown = summary(process)
    for word in ("/api/v1", "/api/docs", "/api/redoc", "ada@demo.example.com", "ADMIN"):
        assert word in shown
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/products?limit=100") as answer:
        assert answer.read().count(b'"availableUnits"') >= 60
    process.terminate()
    _, progress = process.communicate(timeout=40)
    steps = [line for line in progress.splitlines() if line.endswith(" …")]
    assert steps == [
        "Starting PostgreSQL …",
        "Starting Redis …",
        "Migrating the database …",
        "Starting web, worker and live …",
        "Loading demo data …",
        "Waiting for the web process …",
    ]


@pytest.mark.stress
def test_a_second_start_reports_the_running_process(up: Up, port: int) -> None:
    process = up("--no-demo", "--quiet")
    first_line(process)
    second = up("--no-demo", "--quiet")
    _, output = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "already running" in output
    assert str(process.pid) in output
    assert ready(port) == 200


@pytest.mark.stress
class TestSandbox:
    def test_the_simulators_are_listed_and_send_webhooks_to_the_application(
        self, up: Up, port: int, bank_port: int, gateway_port: int
    ) -> None:
        shown = summary(up("--no-demo"))

        assert f"http://127.0.0.1:{bank_port}" in shown
        with urllib.request.urlopen(f"http://127.0.0.1:{bank_port}/") as answer:
            page = answer.read().decode()
        for code in ("HDFC", "AXIS"):
            assert f"http://127.0.0.1:{port}/api/v1/onramp/webhooks/{code}" in page
        assert f"http://127.0.0.1:{gateway_port}" in shown
        with urllib.request.urlopen(f"http://127.0.0.1:{gateway_port}/") as answer:
            page = answer.read().decode()
        assert f"http://127.0.0.1:{port}/api/v1/webhooks/stripe" in page

    def test_simulators_and_application_accept_each_other_s_signatures(
        self, up: Up, data_dir: Path, bank_port: int, gateway_port: int
    ) -> None:
        first_line(up("--no-demo", "--quiet"))
        axis = providers.from_settings(Settings(data_dir=data_dir, bank_port=bank_port))[1]

        with urllib.request.urlopen(
            f"{axis.url}/pay?request={payment_request(key=axis.keys[0])}"
        ) as answer:
            assert "Axis Bank" in answer.read().decode()

        settings = Settings(data_dir=data_dir, gateway_port=gateway_port)
        config = provider_config.from_settings(settings)
        assert config is not None
        gateway = SandboxGateway(config.url)
        buyer, fields = Buyer(), session_fields()
        session = gateway.request(
            "POST", "/v1/checkout/sessions", fields, key=config.secret_key
        ).json
        assert buyer.pay(session["url"]).status == 303
        wait_until(lambda: "state-delivered" in buyer.open(gateway.url).text)

    def test_a_mail_reaches_the_mail_catcher(self, up: Up, port: int) -> None:
        mail_port = unused_port()
        shown = summary(up("--no-demo", MAIL_PORT=str(mail_port)))
        assert f"http://127.0.0.1:{mail_port}" in shown
        account = {"email": "alice@example.com", "password": "a-fine-secret-1"}
        for path, body, agent in (
            ("register", account | {"role": "USER"}, "Laptop"),
            ("login", account, "Phone"),
        ):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/api/v1/auth/{path}",
                data=json.dumps(body).encode(),
                headers={"Content-Type": "application/json", "User-Agent": agent},
            )
            urllib.request.urlopen(request).close()

        def mails() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{mail_port}/api/mails") as answer:
                return str(answer.read().decode())

        wait_until(lambda: "New sign-in to your account" in mails(), seconds=60)
        subjects = [mail["subject"] for mail in json.loads(mails())["mails"]]
        assert subjects.count("New sign-in to your account") == 1

    def test_killed_simulators_are_restarted(
        self, up: Up, bank_port: int, gateway_port: int
    ) -> None:
        process = up("--no-demo", "--quiet")
        first_line(process)
        modules = {"sandbox.bank", "sandbox.stripe"}
        sandbox = [each for each in children_of(process) if modules & set(each.cmdline())]
        assert len(sandbox) == 2

        for each in sandbox:
            each.kill()
            each.wait(10)

        wait_until(lambda: answers(bank_port) and answers(gateway_port))
        assert process.poll() is None

    def test_configured_providers_are_not_simulated(
        self, up: Up, data_dir: Path, bank_port: int, gateway_port: int
    ) -> None:
        banks = variables("", data_dir)["BANK_PROVIDERS"]

        shown = summary(up("--no-demo", BANK_PROVIDERS=banks, STRIPE_SECRET_KEY="off"))

        assert "Bank" not in shown
        assert "Gateway" not in shown
        assert not answers(bank_port)
        assert not answers(gateway_port)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class TestErrors:
    """A short message, and a non-zero exit code."""

    def refusal(self, process: "subprocess.Popen[str]") -> str:
        _, output = process.communicate(timeout=40)
        assert process.returncode not in (0, None)
        assert "Traceback" not in output
        assert len(output.strip().splitlines()) <= 4
        return output

    @pytest.mark.parametrize("setting", ["PORT", "BANK_PORT"])
    def test_a_port_in_use_is_reported(
        self, up: Up, port: int, bank_port: int, setting: str
    ) -> None:
        used = {"PORT": port, "BANK_PORT": bank_port}[setting]
        with socket.socket() as other:
            other.bind(("127.0.0.1", used))
            other.listen()
            output = self.refusal(up("--no-demo"))
            assert f"{used} " in output
            assert f"choose another with {setting}." in output

    def test_an_invalid_database_url_is_reported(self, up: Up) -> None:
        assert "DATABASE_URL" in self.refusal(up("--no-demo", DATABASE_URL="mysql://nope"))

    def test_an_unavailable_database_is_reported_without_its_password(self, up: Up) -> None:
        started = time.monotonic()
        url = f"postgresql://a:secret@127.0.0.1:{unused_port()}/x"
        output = self.refusal(up("--no-demo", DATABASE_URL=url))
        assert "secret" not in output
        assert time.monotonic() - started < 30

    def test_a_file_as_data_folder_is_reported(self, up: Up, data_dir: Path) -> None:
        (data_dir / "file").write_text("")
        assert "file" in self.refusal(up("--no-demo", DATA_DIR=str(data_dir / "file")))
