"""deploy/systemd: valid units that name what exists, and processes without privileges."""

import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.cli import main
from app.common.settings import PROJECT_ROOT
from app.local.embedded.redis import ACL
from tests.compose import COMPOSE, SERVICES
from tests.environment import empty_environment, load
from tests.test_containers import value_of

__all__ = ["empty_environment"]

SYSTEMD = PROJECT_ROOT / "deploy" / "systemd"
PAGE = (PROJECT_ROOT / "docs" / "systemd.md").read_text()
UNITS = sorted(path for path in SYSTEMD.glob("payment-flow*.*") if path.is_file())
SERVICE_UNITS = [path for path in UNITS if path.suffix == ".service"]
#: The unit of each service of docker-compose.yml.
PROCESSES = {name: SYSTEMD / f"payment-flow-{name}.service" for name in ("web", "worker", "live")}
PYTHON = "/opt/payment-flow/current/.venv/bin/python"

each_service = pytest.mark.parametrize("unit", SERVICE_UNITS, ids=lambda path: path.stem)
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.M)


def value(unit: Path, key: str) -> str:
    (found,) = values(unit, key)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with a program that exists."""
    folder = tmp_path / "system"
    shutil.copytree(SYSTEMD, folder)
    program = shutil.which("true")
    assert program is not None
    for path in folder.glob("*.service"):
        path.write_text(path.read_text().replace(PYTHON, program))
    return folder


def complaints(folder: Path) -> list[str]:
    """What systemd says about our units; it also reads others of this machine."""
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(folder / unit.name for unit in UNITS)],
        capture_output=True, text=True,
    )  # fmt: skip
    return [line for line in result.stderr.splitlines() if "payment-flow" in line]


@needs_systemd
def test_units_are_valid(installed: Path) -> None:
    assert complaints(installed) == []
    web = installed / "payment-flow-web.service"
    web.write_text(web.read_text().replace("RestartSec=", "RestartAfter="))
    (complaint,) = set(complaints(installed))
    assert "RestartAfter" in complaint


@needs_systemd
@each_service
def test_processes_are_exposed_as_little_as_the_page_says(unit: Path, installed: Path) -> None:
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", installed / unit.name],
        capture_output=True, text=True,
    )  # fmt: skip
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
    assert level is not None, result.stderr
    documented = re.search(r"`systemd-analyze security` rates them ([\d.]+)", PAGE)
    assert documented is not None
    assert float(level[1]) <= float(documented[1])


@each_service
def test_commands_exist(unit: Path) -> None:
    program, dash, module, *words = shlex.split(value(unit, "ExecStart"))
    assert (program, dash, module) == (PYTHON, "-m", "app.cli")
    command: click.Command = main
    for name in (word for word in words if not word.startswith("-")):
        assert isinstance(command, click.Group)
        command = command.commands[name]
    known = {option for each in command.params for option in each.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_every_process_of_the_containers_has_a_unit_with_its_limits() -> None:
    ours = {name for name, each in SERVICES.items() if each.get("build") and "profiles" not in each}
    assert ours == {*PROCESSES, "migrate"}
    for name in ours:
        unit = SYSTEMD / f"payment-flow-{name}.service"
        service = SERVICES[name]
        assert value(unit, "MemoryMax").lower() == value_of(service["mem_limit"])
        assert int(value(unit, "TasksMax")) == service["pids_limit"]
    grace = COMPOSE["x-app"]["stop_grace_period"]
    for unit in PROCESSES.values():
        assert f"{value(unit, 'TimeoutStopSec')}s" == grace
        assert value(unit, "WantedBy") == value(unit, "PartOf") == "payment-flow.target"


def test_only_those_who_need_them_get_the_owner_and_the_backups() -> None:
    files = {unit.stem: values(unit, "EnvironmentFile") for unit in SERVICE_UNITS}
    assert {name: each for name, each in files.items() if each} == {
        "payment-flow-migrate": ["/etc/payment-flow/owner.env"],
        "payment-flow-backup": ["/etc/payment-flow/backup.env"],
        "payment-flow-backup-verify": ["/etc/payment-flow/backup.env"],
    }
    shared = written("payment-flow.env").keys()
    assert written("owner.env").keys() == {"MIGRATION_DATABASE_URL"}
    assert not shared & (written("owner.env").keys() | written("backup.env").keys())


def test_timers_have_services() -> None:
    timers = [path for path in UNITS if path.suffix == ".timer"]
    assert len(timers) == 3
    for timer in timers:
        assert timer.with_suffix(".service").is_file()


def test_the_page_names_every_unit() -> None:
    for path in UNITS:
        is_of_timer = path.with_suffix(".timer").exists()
        assert f"`{path.with_suffix('.timer').name if is_of_timer else path.name}`" in PAGE


def written(name: str) -> dict[str, str]:
    """The settings that the guide writes to a file, with secrets."""
    block = re.search(rf"tee /etc/payment-flow/{name} .*\n((?:\w+=.+\n)+)END$", PAGE, re.M)
    assert block is not None
    lines = block[1].splitlines()
    found = dict(line.split("=", 1) for line in lines)
    for number, key in enumerate(found):
        secret = f"{number + 1}f3b1c07a92d84e6595c1d20b7ea4638f{number}c07e4f9a2b8d4615"
        found[key] = re.sub(r"\$(?:\(secret\)|\w+)", secret, found[key])
    return found


def test_the_settings_of_the_guide_are_accepted_in_production(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load(monkeypatch, **written("payment-flow.env"))
    assert settings.is_production
    assert settings.live_events_path == "/events"
    assert settings.trusted_proxies == 1
    settings = load(monkeypatch, **written("backup.env"))
    folder = value(SYSTEMD / "payment-flow-backup.service", "ReadWritePaths")
    assert str(settings.backup_dir) == folder


def test_the_users_of_redis_have_the_rules_of_up() -> None:
    found = dict(re.findall(r"^ACL SETUSER (\w+) on >\$\w+ (.+)$", PAGE, re.M))
    assert {name: rules.split() for name, rules in found.items()} == {
        name: list(rules) for name, rules in ACL.items()
    }


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_accepts_its_site(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pay.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    site = (SYSTEMD / "nginx.conf").read_text()
    site = site.replace("/etc/letsencrypt/live/pay.example.com", str(tmp_path))
    # It would bind them.
    site = re.sub(r"listen (\[::\]:)?(\d+)", r"listen \g<1>2\g<2>0", site)
    main_file = tmp_path / "nginx.conf"
    main_file.write_text(
        f"pid {tmp_path}/nginx.pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off;\n{site}\n}}"
    )
    result = subprocess.run(
        ["nginx", "-t", "-q", "-p", tmp_path, "-c", main_file], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
