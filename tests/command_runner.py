"""Runs many commands quickly: each in a fork of one process that has imported everything.

`python -m tests.command_runner` reads a list of cases from standard input and writes the list of
their outcomes. A case has `arguments`, `env` and `cwd`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.common.settings import PROJECT_ROOT

#: Seconds after which a command counts as one that does not end.
_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """code: None if it did not end; files: names of what it left in its folder."""

    code: int | None
    stdout: str
    stderr: str
    files: tuple[str, ...]


def run_all(cases: Mapping[Any, dict[str, Any]]) -> dict[Any, Outcome]:
    """Run the cases, each in an empty folder unless it names one, and wait for all of them."""
    completed = subprocess.run(
        [sys.executable, "-m", "tests.command_runner"],
        input=json.dumps(list(cases.values())),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    outcomes = [
        Outcome(**{**each, "files": tuple(each["files"])}) for each in json.loads(completed.stdout)
    ]
    return dict(zip(cases, outcomes, strict=True))


def _run(case: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, name) for name in ("stdout", "stderr")]
        cwd = Path(folder, "cwd")
        cwd.mkdir()
        process = os.fork()
        if not process:
            _become_command(case["arguments"], case["env"], cwd, outputs)
        code = _wait(process)
        return {
            "code": code,
            "stdout": outputs[0].read_text(),
            "stderr": outputs[1].read_text(),
            "files": [str(path.relative_to(cwd)) for path in cwd.rglob("*") if path.is_file()],
        }


def _become_command(
    arguments: Sequence[str], env: Mapping[str, str], cwd: Path, outputs: Sequence[Path]
) -> None:
    from app.cli import main

    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    code: Any = 70
    try:
        main(list(arguments))
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def _wait(process: int) -> int | None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def _import_everything() -> None:
    import app.common.migrate
    import app.demo.seed
    import app.factory
    import app.local.up
    import app.reconciliation.run
    import app.verify.report
    import app.worker  # noqa: F401


if __name__ == "__main__":
    _import_everything()
    json.dump([_run(case) for case in json.load(sys.stdin)], sys.stdout)
