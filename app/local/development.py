"""The commands of people who develop: documents, benchmarks and tests."""

import subprocess
import sys

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


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Run the benchmarks: throughput compared with plain PostgreSQL (--quick)."""
    require_checkout(f"{COMMAND} bench")
    command = [sys.executable, "-m", "bench", *arguments]
    sys.exit(subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode)  # noqa: S603


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def image(arguments: tuple[str, ...]) -> None:
    """Build the image without a container engine, and sell with it."""
    require_checkout(f"{COMMAND} image")
    command = [sys.executable, "-m", "tests.image", *arguments]
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def screenshots(arguments: tuple[str, ...]) -> None:
    """Write pictures of every view of the console of a running `up`."""
    require_checkout(f"{COMMAND} screenshots")
    command = [sys.executable, "-m", "tests.console.screenshots", *arguments]
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603


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
COMMANDS = (api, show_events, show_settings, bench, image, screenshots, test)
