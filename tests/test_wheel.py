"""The wheel: everything that `payment-flow up` needs, in an environment without a checkout."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.common.settings import PROJECT_ROOT
from tests.live import Api, order
from tests.local.helpers import environment_of, first_line, folder
from tests.ports import unused_port

PACKAGES = ("app", "migrations", "sandbox")
#: What the build reads besides.
FILES = ("pyproject.toml", "README.md", "LICENSE")


def test_every_kind_of_file_of_the_packages_is_included() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    files = [
        path
        for package in PACKAGES
        for path in (PROJECT_ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert len(files) > 20
    assert [path for path in files if f"*{path.suffix}" not in patterns] == []
    included = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.removesuffix("*") for name in included} == set(PACKAGES)


def uv(*words: str | Path) -> None:
    """uv of PATH or of this environment, as `./flow` finds it."""
    found = shutil.which("uv")
    command = [found] if found else [sys.executable, "-m", "uv"]
    subprocess.run([*command, *words], check=True)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder of the programs of an environment that has only the wheel and what it requires."""
    source = tmp_path / "source"
    for name in PACKAGES:
        shutil.copytree(
            PROJECT_ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in FILES:
        shutil.copy(PROJECT_ROOT / name, source)
    uv("build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", source)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    # The tested versions, but no package that the wheel does not require.
    locked = (PROJECT_ROOT / "requirements.lock").read_text()
    constraints = tmp_path / "constraints.txt"
    pinned = re.findall(r"^[\w.-]+==[^\\\n]+", locked, re.M)
    constraints.write_text("\n".join(pinned))
    environment = tmp_path / "environment"
    uv("venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    uv("pip", "install", "--quiet", "--python", python, "--constraint", constraints, wheel)
    return environment / "bin"


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    with folder() as made:
        yield made


@pytest.mark.stress
def test_the_installed_package_sells(installed: Path, elsewhere: Path) -> None:
    names = ("PORT", "BANK_PORT", "GATEWAY_PORT", "MAIL_PORT", "MAIL_SMTP_PORT", "LIVE_PORT")
    ports = {name: str(unused_port()) for name in (*names, "TRAFFIC_PORT")}
    environment = environment_of(elsewhere / "data", **ports, WEB_WORKERS="1")
    environment.pop("PYTHONPATH", None)
    # The settings of the folder in which it is started apply to all of its processes.
    (elsewhere / ".env").write_text("MAXIMUM_DEPOSIT=500.00\n")
    process = subprocess.Popen(
        [installed / "payment-flow", "up", "--no-demo", "--quiet"],
        env=environment,
        cwd=elsewhere,
        text=True,
        stdout=subprocess.PIPE,
    )
    try:
        api = Api(first_line(process))

        def sign_up(role: str) -> str:
            body = {"email": f"{role}@example.com", "password": "SecurePass123!", "role": role}
            return str(api.call("POST", "/api/v1/auth/register", body).json["accessToken"])

        merchant, buyer = sign_up("MERCHANT"), sign_up("USER")
        fields = {"name": "Field Guide", "price": "19.99", "availableUnits": 5}
        product = api.call("POST", "/api/v1/products", fields, token=merchant).json["id"]
        deposits = [
            api.call("POST", "/api/v1/wallet/deposit", {"amount": amount}, token=buyer).status
            for amount in ("100.00", "500.01")
        ]
        sold = api.call("POST", "/api/v1/orders", order(product), token=buyer)
        pages = [
            api.call("GET", path).status
            for path in ("/api/docs", "/api/redoc", "/app", "/pay/no-such-link")
        ]
        sandboxes = [
            Api(f"http://127.0.0.1:{ports[name]}").call("GET", "/").status
            for name in ("BANK_PORT", "GATEWAY_PORT")
        ]
        verified = subprocess.run(
            [installed / "payment-flow", "verify"],
            env=environment,
            cwd=elsewhere,
            capture_output=True,
            text=True,
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    assert deposits == [200, 400]
    assert sold.status == 201, sold.text
    assert json.loads(sold.text)["status"] == "COMPLETED"
    assert pages == [200, 200, 200, 404]
    assert sandboxes == [200, 200]
    assert verified.returncode == 0, verified.stderr + verified.stdout
    assert set(os.listdir(elsewhere)) == {".env", "data"}
