"""The commands of people who develop: documents, benchmarks and tests."""

import subprocess
import sys
from pathlib import Path

import click

from app.common.settings import (
    COMMAND,
    PROJECT_ROOT,
    Settings,
    load_settings,
    require_checkout,
)


@click.command()
@click.option("--write", is_flag=True, help="Update docs/api.md and the console's types instead.")
def api(write: bool) -> None:
    """Print the table of all endpoints, as in docs/api.md."""
    from app.console import types
    from app.docs import reference
    from app.docs.views import document_of
    from app.factory import create_app

    # The application connects at its first request, and there is none.
    unconnected = Settings(database_url="postgresql://localhost", redis_url="redis://localhost")
    document = document_of(create_app(unconnected))
    if write:
        require_checkout(f"{COMMAND} api --write")
        text = reference.PAGE.read_text()
        reference.PAGE.write_text(reference.updated(text, document, prefix=unconnected.api_prefix))
        types.FILE.write_text(types.as_typescript(document, prefix=unconnected.api_prefix))
    else:
        click.echo(reference.as_markdown(document, prefix=unconnected.api_prefix))


@click.command("events")
@click.option("--write", is_flag=True, help="Update docs/events.md instead.")
def show_events(write: bool) -> None:
    """List every event type with its data."""
    from app.events import reference

    if write:
        require_checkout(f"{COMMAND} events --write")
        reference.PAGE.write_text(reference.updated(reference.PAGE.read_text()))
    else:
        click.echo(reference.as_markdown().strip())


@click.command("settings")
@click.option("--write", is_flag=True, help="Update the documents generated from them instead.")
@click.option("--prometheus", is_flag=True, help="Print Prometheus' rules for objectives instead.")
def show_settings(write: bool, prometheus: bool) -> None:
    """List every setting with its default."""
    from app.local import settings_docs

    if write:
        require_checkout(f"{COMMAND} settings --write")
        settings_docs.write()
    elif prometheus:
        click.echo(settings_docs.as_prometheus_rules(load_settings()).strip())
    else:
        click.echo(settings_docs.as_env().strip())


def _running(module: str, *, name: str, text: str, cwd: Path | None = None) -> click.Command:
    """The command that runs a module of the checkout with its own arguments, even `--help`."""

    @click.command(
        name,
        help=text,
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def run(arguments: tuple[str, ...]) -> None:
        require_checkout(f"{COMMAND} {name}")
        command = [sys.executable, "-m", module, *arguments]
        sys.exit(subprocess.run(command, cwd=cwd, check=False).returncode)  # noqa: S603

    return run


bench = _running(
    "bench",
    name="bench",
    text="Run the benchmarks: throughput compared with plain PostgreSQL (--quick).",
    cwd=PROJECT_ROOT,
)
drill = _running(
    "bench.drill",
    name="drill",
    text="Destroy a cluster of its own under load, and restore it (restore).",
)
image = _running(
    "tests.image",
    name="image",
    text="Build the image without a container engine, and sell with it.",
)
lab = _running(
    "deploy.lab",
    name="lab",
    text="Several hosts on this machine, and drills with them (Linux, root).",
    cwd=PROJECT_ROOT,
)
screenshots = _running(
    "tests.console.screenshots",
    name="screenshots",
    text="Write pictures of every view of the console of a running `up`.",
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also run the slow tests of load, faults and whole processes.",
)
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def test(everything: bool, pytest_args: tuple[str, ...]) -> None:
    """Run all checks: ruff, mypy, import-linter, alembic, OpenAPI, pytest."""
    from app.local.checks import run_checks

    require_checkout(f"{COMMAND} test")
    sys.exit(run_checks(everything=everything, pytest_args=pytest_args))


#: All of them.
COMMANDS = (api, show_events, show_settings, bench, drill, image, lab, screenshots, test)
