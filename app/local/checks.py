"""`payment-flow test`: all checks, the fastest first."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from app.common.settings import PROJECT_ROOT

#: Where the compiler of the console's types is pinned.
_SCRIPTS: Final = PROJECT_ROOT / "tests" / "console"

_STATIC = (
    ("ruff format --check .", ("ruff", "format", "--check", "--quiet", ".")),
    ("ruff check .", ("ruff", "check", "--quiet", ".")),
    ("import-linter", ("importlinter.cli", "lint_imports_command")),
    ("mypy --strict", ("mypy",)),
)


def run_checks(*, everything: bool, pytest_args: Sequence[str]) -> int:
    """Run the checks; returns 0 if all pass. everything: also the slow tests.

    `alembic check` and the validation of the OpenAPI document are tests, because they need the
    servers that the tests start.
    """
    console = Console()
    failed = []
    if not pytest_args:
        for name, command in _STATIC:
            console.rule(name)
            if _run(command) != 0:
                failed.append(name)
        console.rule("tsc --noEmit")
        if not are_scripts_typed(console):
            failed.append("tsc --noEmit")
    if not pytest_args or any("browser" in argument for argument in pytest_args):
        console.rule("Chromium")
        if _run(("tests.browser",)) != 0:
            failed.append("Chromium")
    if not pytest_args:
        console.rule("Checkers of configurations")
        _run(("tests.deploy.checkers",))
    console.rule("pytest")
    marks = [] if everything or "-m" in pytest_args else ["-m", "not stress"]
    count = str(min(os.cpu_count() or 1, 4))
    # Neighbours share what a module or package starts, until a worker has nothing left to do.
    workers = [] if "-n" in pytest_args else ["-n", count, "--dist", "worksteal"]
    if _run(("pytest", *workers, *marks, *pytest_args)) != 0:
        failed.append("pytest")
    console.print(
        f"[red]Failed: {', '.join(failed)}[/]" if failed else "[green]All checks passed.[/]"
    )
    return 1 if failed else 0


def are_scripts_typed(console: Console) -> bool:
    """Check the types of the console's scripts; True if they are right or Node.js is missing."""
    npm = shutil.which("npm")
    if npm is None:
        console.print(
            "Skipped: Node.js is missing, which checks the types of the console's scripts."
        )
        return True
    if not _are_scripts_installed():
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        if subprocess.run(install, cwd=_SCRIPTS, check=False).returncode != 0:  # noqa: S603
            return False
    check = [npm, "run", "--silent", "check"]
    return subprocess.run(check, cwd=_SCRIPTS, check=False).returncode == 0  # noqa: S603


def _are_scripts_installed() -> bool:
    """Whether the packages are those of the lock file, of which npm keeps a copy beside them."""
    installed = _SCRIPTS / "node_modules" / ".package-lock.json"
    if not installed.exists():
        return False
    wanted = json.loads((_SCRIPTS / "package-lock.json").read_text())["packages"]
    found = json.loads(installed.read_text())["packages"]
    return all(
        found.get(name, {}).get("version") == package["version"]
        for name, package in wanted.items()
        if name
    )


def _run(command: Sequence[str]) -> int:
    module, *arguments = command
    if arguments == ["lint_imports_command"]:
        code = f"from {module} import lint_imports_command as run; run()"
        line = [sys.executable, "-c", code]
    else:
        line = [sys.executable, "-m", module, *arguments]
    return subprocess.run(line, cwd=PROJECT_ROOT, check=False).returncode  # noqa: S603 – our tools
