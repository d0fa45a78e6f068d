"""Drills of operation without any fault: restarts and releases, in which no request may fail."""

import json
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Final

from app.common.schema_version import newest_revision
from app.common.settings import PROJECT_ROOT
from deploy.lab import up as lab
from deploy.lab.drill import Run
from deploy.lab.errors import LabError
from deploy.lab.hosts import CANARY, WEB
from deploy.lab.machine import Machine
from deploy.lab.services import application, balancer, gateway, monitor

#: Per cent of the requests that a canary gets.
_SHARE: Final = 5
#: A canary is judged by so many answers at least, and rolled back if more of them are errors, in
#: per cent, than of the others' and these.
_ANSWERS: Final = 20
_TOLERANCE: Final = 2
#: What a version consists of.
_PARTS: Final = ("app", "migrations", "sandbox")
_MIGRATION: Final = '''"""A release of the lab."""

from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE products {change} COLUMN lab_note{kind}")
'''


def rolling_restart(run: Run) -> None:
    """all web processes are replaced one after the other"""
    run.begin("The web processes are replaced")
    for host in WEB:
        _replace_web(run, host)
    _require_no_failure(run)


def rolling_release(run: Run) -> None:
    """a version with a migration takes over, and another one removes what nobody needs then"""
    before = newest_revision()
    expand, contract = f"{before}_expand", f"{before}_contract"
    with_column = _version(run.machine, "expand", (expand, before, "ADD", " text"))
    without = _version(
        run.machine, "contract", (expand, before, "ADD", " text"), (contract, expand, "DROP", "")
    )
    run.begin("The schema is expanded, while the old version sells")
    application.run(run.machine, "migrate", root=with_column)
    run.show("The new version takes over")
    for host in WEB:
        _replace_web(run, host, with_column)
    run.show("The schema is contracted")
    application.run(run.machine, "migrate", root=without)
    run.calm()
    # The schema is what it was. The lab goes on with this version.
    lab.execute(run.machine, f"UPDATE alembic_version SET version_num = '{before}'")  # noqa: S608
    for host in WEB:
        _replace_web(run, host)
    _require_no_failure(run)


def blue_green(run: Run) -> None:
    """all requests go to a third web server, and back"""
    _start_canary(run.machine, PROJECT_ROOT)
    run.begin("All requests go to the new server")
    since = _log_size(run.machine)
    gateway.set_canary(run.machine, 100)
    run.calm(10)
    served = _answers(run.machine, since)["canary"].total()
    run.begin("All requests go back")
    gateway.set_canary(run.machine, 0)
    run.calm(1)
    _stop_canary(run.machine)
    run.notes.append(f"{served} requests at the new server")
    if not served:
        run.problems.append("the new server got no request")
    _require_no_failure(run)


def canary(run: Run) -> None:
    """5 % of the requests go to a version that cannot sell, until its errors roll it back"""
    root = _version(run.machine, "broken")
    views = root / "app" / "orders" / "purchases" / "views.py"
    call = "    return respond_with("
    text = views.read_text()
    if call not in text:
        raise LabError(f"{views} has no call that could be broken.")
    views.write_text(text.replace(call, f"    body.pop('no such key')\n{call}", 1))
    _start_canary(run.machine, root)
    run.begin(f"{_SHARE} % of the requests go to the new version")
    since = _log_size(run.machine)
    gateway.set_canary(run.machine, _SHARE)
    run.machine.wait(
        lambda: is_worse(_answers(run.machine, since)), seconds=120, what="errors of the canary"
    )
    gateway.set_canary(run.machine, 0)
    back = time.time()
    answers = _answers(run.machine, since)
    run.notes.append(
        f"rolled back after {back - run.fault:.1f} s and {answers['canary'].total()} answers of the"
        " canary"
    )
    run.calm(2)
    _stop_canary(run.machine)
    late = [a for a in run.client.answers if not a.order and a.at - a.seconds > back + 1]
    if late:
        run.problems.append(f"{len(late)} requests failed after it")


def is_worse(answers: dict[str, Counter[bool]]) -> bool:
    """Whether the canary is to be rolled back. answers: of each version, how many were errors."""
    own, others = answers["canary"], answers["stable"]
    if own.total() < _ANSWERS:
        return False
    usual = 100 * others[True] / max(1, others.total())
    return 100 * own[True] / own.total() > usual + _TOLERANCE


def _answers(machine: Machine, since: int) -> dict[str, Counter[bool]]:
    """Of each version, how many answers are errors and how many are not. since: a position in the
    log of the gateway."""
    found: dict[str, Counter[bool]] = {"stable": Counter(), "canary": Counter()}
    with (machine.folder / "gateway" / "access.log").open() as log:
        log.seek(since)
        for line in log:
            if line.endswith("\n"):
                entry = json.loads(line)
                found[entry["version"]][entry["status"] >= 500] += 1
    return found


def _log_size(machine: Machine) -> int:
    return (machine.folder / "gateway" / "access.log").stat().st_size


def _start_canary(machine: Machine, root: Path) -> None:
    """Start the third web server, and wait until HAProxy uses it."""
    application.start(machine, CANARY, root=root)
    monitor.set_web_servers(machine, (*WEB, CANARY))
    machine.wait(
        lambda: balancer.servers(machine, "canary")[CANARY]["status"].startswith("UP"),
        seconds=120,
        what="the canary",
    )


def _stop_canary(machine: Machine) -> None:
    machine.stop(application.name_of(CANARY))
    monitor.set_web_servers(machine, WEB)


def _version(machine: Machine, name: str, *migrations: tuple[str, str, str, str]) -> Path:
    """The checkout of another version: a copy of this one with more migrations. migrations:
    revision, the one before, what is done with the column, and its type."""
    root = machine.folder / "versions" / name
    shutil.rmtree(root, ignore_errors=True)
    for part in _PARTS:
        shutil.copytree(
            PROJECT_ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    for number, (revision, before, change, kind) in enumerate(migrations):
        path = root / "migrations" / "versions" / f"9999_{number}.py"
        path.write_text(
            _MIGRATION.format(revision=revision, before=before, change=change, kind=kind)
        )
    return root


def _replace_web(run: Run, host: str, root: Path = PROJECT_ROOT) -> None:
    """Let the running requests of a web server end, and start it anew, of the version in `root`."""
    machine = run.machine
    balancer.command(machine, f"set server web/{host} state drain")

    def is_idle() -> bool:
        return balancer.servers(machine, "web")[host]["scur"] == "0"

    machine.wait(is_idle, seconds=30, what=f"the requests of {host}")
    machine.stop(application.name_of(host))
    application.start(machine, host, root=root)
    machine.wait(lambda: lab.web_is_ready(host), seconds=120, what=f"{host} to be ready")
    balancer.command(machine, f"set server web/{host} state ready")
    machine.wait(
        lambda: balancer.servers(machine, "web")[host]["status"].startswith("UP"),
        seconds=30,
        what=f"HAProxy to use {host}",
    )


def _require_no_failure(run: Run) -> None:
    if failed := [answer for answer in run.client.answers if not answer.order]:
        run.problems.append(f"{len(failed)} requests failed")
