"""The `payment-flow` command."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import BinaryIO

import click
import psycopg

from app import VERSION
from app.common import schema_version
from app.common.command_group import CommandGroup
from app.common.settings import (
    COMMAND,
    PROJECT_ROOT,
    Settings,
    load_for_migration,
    load_settings,
    require_checkout,
    require_redis,
)

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="Payment Flow", message="%(prog)s %(version)s")
def main() -> None:
    """Payment Flow: wallets and digital goods over REST."""


def _load_settings() -> Settings:
    """The settings of a command. Raises SettingsError before anything of it has started."""
    from app.banks import providers
    from app.gateway import provider_config

    settings = load_settings()
    providers.require_valid(settings)
    provider_config.require_valid(settings)
    return settings


def _load_or_adopt_settings() -> Settings:
    """The same; without a DATABASE_URL, with the servers of a running `up`."""
    from app.local import running

    settings = _load_settings()
    return _load_settings() if running.adopt(settings) else settings


@main.command()
@click.option("--demo/--no-demo", default=True, help="Load demo data into an empty database.")
@click.option("--quiet", is_flag=True, help="Print only the address.")
def up(demo: bool, quiet: bool) -> None:
    """Start everything: database, Redis, web, worker. Ctrl-C stops it."""
    from app.local.up import up as start

    settings = _load_settings()
    sys.exit(start(settings, demo=demo and not settings.is_production, quiet=quiet))


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """A block whose imports do not find a module that is not loaded yet."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


@main.command()
def serve() -> None:
    """Serve the web application (needs DATABASE_URL and REDIS_URL)."""
    with _hidden("rich"):  # structlog would import it for tracebacks in colour, which takes 4 MB
        from app.server import serve as run
        from app.server import shared_metrics

    settings = _load_settings()
    with shared_metrics(settings):
        _require_database(settings)
        require_redis(settings)
        run(settings)


@main.command()
def worker() -> None:
    """Process background jobs and the schedule (needs DATABASE_URL and REDIS_URL)."""
    from app.worker import work

    settings = _load_settings()
    _require_database(settings)
    work(settings)


@main.command("check-worker")
def check_worker() -> None:
    """Check that the worker of this machine works (needs REDIS_URL); exit code 1 if not."""
    from app.worker import WorkerProblem, require_working

    try:
        require_working(_load_or_adopt_settings())
    except WorkerProblem as error:
        raise click.ClickException(str(error)) from None
    click.echo("The worker works.")


@main.command()
def migrate() -> None:
    """Migrate the database to the schema of this version."""
    from app.common.migrate import migrate as run

    settings = load_for_migration()
    _register_models()
    run(settings, show=click.echo)


@main.command()
@click.option("--if-empty", is_flag=True, help="Only if there are no products yet.")
def demo(if_empty: bool) -> None:
    """Load demo merchants, products, buyers and orders."""
    from app.demo.seed import seed

    seed(_connect(), if_empty=if_empty)


@main.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Check only records created since then (UTC).",
)
@click.option(
    "--incremental", is_flag=True, help="Check only records since the last run without violations."
)
def verify(since: datetime | None, incremental: bool) -> None:
    """Check every invariant of the books; exit code 1 if any is violated."""
    from app.verify.report import report

    if since is not None and incremental:
        raise click.UsageError("--since and --incremental exclude each other.")
    _connect()
    sys.exit(report(since=since.replace(tzinfo=UTC) if since else None, incremental=incremental))


@main.command()
@click.argument("statement", type=click.File("rb"))
@click.option("--provider", required=True, help="Code of the bank, such as HDFC.")
@click.option(
    "--from", "since", type=_DAY, help="From this day on; default: that of the first line."
)
@click.option(
    "--to",
    "until",
    type=_DAY,
    help="Before this day (exclusive); default: the day after the last line.",
)
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    metavar="NAME",
    help="Time zone whose days the bank goes by, such as Asia/Kolkata.",
)
@click.option(
    "--csv",
    "output",
    # Opened before anything is applied.
    type=click.File("wb", lazy=False),
    help="Write every finding to this file as CSV.",
)
@click.option("--currency", help="Of a statement without a column for it; default: the shop's.")
@click.option(
    "--column",
    "columns",
    type=(str, str),
    multiple=True,
    metavar="MEANING NAME",
    help="Name of a column of a bank whose format is not known, such as --column date Buchungstag.",
)
@click.option("--apply", is_flag=True, help="Apply corrections that are safe.")
def reconcile(
    statement: BinaryIO,
    provider: str,
    currency: str | None,
    columns: Sequence[tuple[str, str]],
    since: datetime | None,
    until: datetime | None,
    time_zone: str,
    output: BinaryIO | None,
    apply: bool,
) -> None:
    """Compare a bank's STATEMENT (CSV, - for standard input) with our records.

    Exit code 1 if unresolved differences remain.
    """
    from rich.console import Console

    from app.common.csv_documents import marked
    from app.common.time_zone import zone_names
    from app.reconciliation import report, run, tables
    from app.reconciliation.errors import StatementInvalid

    if time_zone not in zone_names():
        raise click.UsageError("--time-zone needs an IANA name, such as Asia/Kolkata.")
    settings = _connect()
    try:
        found = run.reconcile(
            statement.read(),
            provider=provider,
            currency=currency or settings.default_currency,
            columns=columns,
            since=since.date() if since else None,
            until=until.date() if until else None,
            time_zone=time_zone,
            apply=apply,
        )
    except StatementInvalid as error:
        raise click.ClickException("\n  ".join([error.text, *error.texts[1:]])) from None
    if output is not None:
        output.writelines(marked(iter([report.to_csv(found)]), bom=True))
    tables.print_report(found, Console())
    sys.exit(0 if found.is_reconciled else 1)


@main.command("sum-sales")
@click.option("--rebuild", is_flag=True, help="Delete the sums of all days first.")
def sum_sales(rebuild: bool) -> None:
    """Sum the sales of each day that is over, as the worker does.

    Summaries add these sums up, and read the orders of the other days.
    """
    from app.sales.daily_sums import service as daily_sums

    _connect()
    if rebuild:
        daily_sums.delete_all()
    days = list(daily_sums.sum_days())
    click.echo(f"Summed {days[0]} to {days[-1]}." if days else "Every past day was summed before.")


def _ask_password(_: click.Context, __: click.Parameter, given: str | None) -> str:
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password: pass --password.")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


@main.command("create-admin")
@click.argument("email")
@click.option("--password", callback=_ask_password, help="Prompts if omitted.")
def create_admin(email: str, password: str) -> None:
    """Create an administrator."""
    from marshmallow import ValidationError

    from app.auth import passwords
    from app.auth import service as auth
    from app.auth.schemas import Email
    from app.common.db import transaction
    from app.common.fair_executor import Turn

    settings = _connect()
    try:
        address = Email().deserialize(email)
        passwords.require_acceptable(password, names=[address])
        password_hash = passwords.hash_password(
            password, rounds=settings.bcrypt_rounds, turn=Turn("command")
        )
        with transaction() as session:
            user = auth.register(session, email=address, password_hash=password_hash, role="ADMIN")
    except ValidationError as error:
        raise click.ClickException(f"{email}: {' '.join(error.messages)}") from None
    click.echo(f"Administrator {user.email} created.")


@main.command()
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


@main.command("events")
@click.option("--write", is_flag=True, help="Update docs/events.md instead.")
def show_events(write: bool) -> None:
    """List every event type with its data."""
    from app.events import reference

    if write:
        require_checkout(f"{COMMAND} events --write")
        reference.PAGE.write_text(reference.updated(reference.PAGE.read_text()))
    else:
        click.echo(reference.as_markdown().strip())


@main.command("settings")
@click.option("--write", is_flag=True, help="Update the documents generated from them instead.")
def show_settings(write: bool) -> None:
    """List every setting with its default."""
    from app.local import settings_docs

    if write:
        require_checkout(f"{COMMAND} settings --write")
        settings_docs.write()
    else:
        click.echo(settings_docs.as_env().strip())


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Run the benchmarks: throughput compared with plain PostgreSQL (--quick)."""
    require_checkout(f"{COMMAND} bench")
    command = [sys.executable, "-m", "bench", *arguments]
    sys.exit(subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode)  # noqa: S603


@main.command(context_settings={"ignore_unknown_options": True})
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


def _require_database(settings: Settings) -> None:
    """Raises SchemaMismatch, and SettingsError without a database, or in production if the role may
    do too much. A database that cannot be reached is no reason not to start."""
    import structlog

    from app.common import logging, privileges

    try:
        schema_version.require_current(settings)
    except psycopg.OperationalError as error:
        logging.configure(settings.log_level)
        structlog.get_logger().warning("database_unavailable", error=str(error).splitlines()[0])
    _register_models()
    privileges.require_least(settings)


def _register_models() -> None:
    import app.models  # noqa: F401 – fills the metadata


def _connect() -> Settings:
    """Connect this command to the database: the configured one, or that of a running `up`.

    Raises what `_load_settings` and `schema_version.require_current` raise.
    """
    from app.wiring import wire

    settings = _load_or_adopt_settings()
    schema_version.require_current(settings)
    wire(settings)
    return settings


if __name__ == "__main__":
    main()
