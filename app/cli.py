"""The `payment-flow` command."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO

import click
import psycopg

from app import VERSION
from app.backups import commands as backup_commands
from app.common import clock, schema_version
from app.common.command_group import CommandGroup
from app.common.settings import (
    Settings,
    load_for_migration,
    load_settings,
    require_redis,
)
from app.local import development
from app.risk import commands as risk_commands

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


def _load_or_adopt_settings(*, as_owner: bool = False, for_backup: bool = False) -> Settings:
    """The same; without a DATABASE_URL, with the servers of a running `up`.

    as_owner: with the role that owns the tables, where it is known; for_backup: with the address
    for the role that copies everything. A command connects without the pooler that there may be.
    """
    from app.local import running

    settings = _load_settings()
    if running.adopt(settings, as_owner=as_owner, for_backup=for_backup):
        settings = _load_settings()
    owner_url = settings.migration_database_url if as_owner else None
    url = owner_url or settings.direct_database_url or settings.database_url
    # Production refuses two URLs of the same role.
    return replace(settings, database_url=url, migration_database_url=None)


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
        from app.common import metric_files
        from app.server import serve as run

    settings = _load_settings()
    with metric_files.shared(are_read=settings.metrics_token is not None):
        _require_database(settings)
        require_redis(settings)
        run(settings)


@main.command()
def live() -> None:
    """Serve live transactions (needs DATABASE_URL and REDIS_URL)."""
    with _hidden("rich"):
        from app.live.server import serve as run

    settings = _load_settings()
    _require_schema(settings)
    run(settings)


@main.command()
def worker() -> None:
    """Process background jobs and the schedule (needs DATABASE_URL and REDIS_URL)."""
    from app.common import metric_files

    settings = _load_settings()
    with metric_files.shared(are_read=settings.worker_metrics_are_served):
        from app.worker import work  # after the folder of the metrics is known

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


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """Make realistic transactions through the API (--rate 20 --seconds 60)."""
    settings = _load_settings()
    if settings.is_production:
        raise click.ClickException("Traffic is never simulated in production.")
    environment = os.environ | {
        "TRAFFIC_API_URL": settings.api_address,
        "DATA_DIR": str(settings.data_folder),
        "DEFAULT_CURRENCY": settings.default_currency,
        "APP_ENV": settings.app_env,
    }
    command = [sys.executable, "-m", "sandbox.traffic", "simulate", *arguments]
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)  # noqa: S603


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

    seed(_connect(as_owner=True), if_empty=if_empty)  # one of the accounts is an administrator


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
    begin = since.replace(tzinfo=UTC) if since else None
    if begin is not None and begin > clock.now():
        raise click.UsageError("--since must be in the past.")
    _connect()
    sys.exit(report(since=begin, incremental=incremental))


@main.command()
@click.argument("statement", type=click.File("rb"))
@click.option("--provider", required=True, help="Code of the bank, such as HDFC.")
@click.option("--from", "since", type=_DAY, help="From this day on; default: the first line's.")
@click.option(
    "--to", "until", type=_DAY, help="Before this day; default: the day after the last line."
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
@click.option(
    "--currency",
    metavar="CODE",
    help="Of a statement without a column for it; default: the shop's.",
)
@click.option(
    "--column",
    "columns",
    type=(str, str),
    multiple=True,
    metavar="MEANING NAME",
    help="Name of a column of a bank whose format is not known, such as --column date Buchungstag.",
)
@click.option("--decimal-comma", is_flag=True, help="Amounts are written as 1.250,00.")
@click.option("--month-first", is_flag=True, help="Dates are written as 11/26/2026.")
@click.option("--apply", is_flag=True, help="Apply corrections that are safe.")
def reconcile(
    statement: BinaryIO,
    provider: str,
    currency: str | None,
    columns: Sequence[tuple[str, str]],
    decimal_comma: bool,
    month_first: bool,
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
    from app.common.money import EXPONENTS
    from app.common.time_zone import zone_names
    from app.reconciliation import report, run, tables
    from app.reconciliation.errors import StatementInvalid
    from app.reconciliation.statement import Format

    if time_zone not in zone_names():
        raise click.UsageError("--time-zone needs an IANA name, such as Asia/Kolkata.")
    if currency not in (None, *EXPONENTS):
        raise click.UsageError(f"--currency must be one of {', '.join(EXPONENTS)}.")
    settings = _connect()
    try:
        found = run.reconcile(
            statement.read(),
            provider=provider,
            currency=currency or settings.default_currency,
            form=Format(columns, decimal_comma, month_first),
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


@main.command("rebuild-insights")
def rebuild_insights() -> None:
    """Make the sums of transactions anew from the feed of transactions."""
    from app.insights.transactions import service as transactions

    _connect()
    click.echo("Made the sums of {} minutes and {} days.".format(*transactions.rebuild_sums()))


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password: pass --password.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@main.command("create-admin")
@click.argument("email")
@click.option("--password", help="Prompts if omitted.")
def create_admin(email: str, password: str | None) -> None:
    """Create an administrator, as the role that owns the tables (MIGRATION_DATABASE_URL)."""
    from marshmallow import ValidationError

    from app.auth import passwords
    from app.auth import service as auth
    from app.auth.schemas import Email
    from app.common.db import transaction
    from app.common.fair_executor import Turn

    try:
        address = Email().deserialize(email)
    except ValidationError as error:
        shown = email.encode("unicode_escape").decode() if not email.isprintable() else email
        raise click.ClickException(f"{shown}: {' '.join(error.messages)}") from None
    settings = _connect(as_owner=True)
    # Asked last, so that nobody types a password in vain.
    password = password if password is not None else _ask_password()
    passwords.require_acceptable(password, names=[address])
    password_hash = passwords.hash_password(
        password, rounds=settings.bcrypt_rounds, turn=Turn("command")
    )
    with transaction() as session:
        user = auth.register(session, email=address, password_hash=password_hash, role="ADMIN")
    click.echo(f"Administrator {user.email} created.")


def _require_database(settings: Settings) -> None:
    """Raises SchemaMismatch, and SettingsError without a database, or in production if the role may
    do too much. A database that cannot be reached is no reason not to start."""
    from app.common import privileges

    _require_schema(settings)
    _register_models()
    privileges.require_least(settings)


def _require_schema(settings: Settings) -> None:
    """Raises SchemaMismatch, and SettingsError without a database."""
    import structlog

    from app.common import logging

    try:
        schema_version.require_usable(settings)
    except psycopg.OperationalError as error:
        logging.configure(settings.log_level)
        structlog.get_logger().warning("database_unavailable", error=str(error).splitlines()[0])


def _register_models() -> None:
    import app.models  # noqa: F401 – fills the metadata


def _connect(*, as_owner: bool = False, for_backup: bool = False) -> Settings:
    """Connect this command to the database: the configured one, or that of a running `up`.

    as_owner: as the role that owns the tables, if there is another; for_backup: the settings have
    the address for backups, too.
    Raises what `_load_settings` and `schema_version.require_current` raise.
    """
    settings = _load_or_adopt_settings(as_owner=as_owner, for_backup=for_backup)
    schema_version.require_current(settings)
    _wire(settings)
    return settings


def _wire(settings: Settings) -> None:
    from app.wiring import wire

    wire(settings)


for command in (
    *development.COMMANDS,
    *backup_commands.commands(_load_settings, _connect, _wire),
    risk_commands.group(_connect),
):
    main.add_command(command)

if __name__ == "__main__":
    main()
