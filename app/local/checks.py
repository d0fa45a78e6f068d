"""`payment-flow test`: all checks, the fastest first."""

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
    npm, compiler = shutil.which("npm"), _SCRIPTS / "node_modules" / "typescript"
    if npm is None:
        console.print(
            "Skipped: Node.js is missing, which checks the types of the console's scripts."
        )
        return True
    if not compiler.exists():
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        if subprocess.run(install, cwd=_SCRIPTS, check=False).returncode != 0:  # noqa: S603
            return False
    check = [npm, "run", "--silent", "check"]
    return subprocess.run(check, cwd=_SCRIPTS, check=False).returncode == 0  # noqa: S603


def _run(command: Sequence[str]) -> int:
    module, *arguments = command
    if arguments == ["lint_imports_command"]:
        code = f"from {module} import lint_imports_command as run; run()"
        line = [sys.executable, "-c", code]
    else:
        line = [sys.executable, "-m", module, *arguments]
    return subprocess.run(line, cwd=PROJECT_ROOT, check=False).returncode  # noqa: S603 – our tools
