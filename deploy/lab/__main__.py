"""`./flow lab`."""

from pathlib import Path
from typing import Any

import click
import psycopg

from app.common.settings import COMMAND, SettingsError, load_settings
from deploy.lab import table
from deploy.lab import up as lab
from deploy.lab.drill import run_drill
from deploy.lab.drills import DRILLS
from deploy.lab.errors import LabError
from deploy.lab.machine import Machine
from deploy.lab.services import gateway, kafka, monitor


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (LabError, SettingsError) as error:
            raise click.ClickException(str(error)) from error
        except psycopg.Error as error:
            raise click.ClickException(f"PostgreSQL: {str(error).splitlines()[0]}") from error


_install = click.option(
    "--install", is_flag=True, help="Install the packages that are missing (apt-get)."
)


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@_install
@click.pass_context
def main(context: click.Context, install: bool) -> None:
    """Several hosts on this machine: PostgreSQL under Patroni, PgBouncer, HAProxy, Redis with
    Sentinel, Kafka, two web servers, nginx, and Prometheus. Needs Linux and root.

    Without a command, as `up`.
    """
    if context.invoked_subcommand is None:
        context.invoke(up, install=install)
    elif install:
        raise click.UsageError(f"Say `{COMMAND} lab up --install`.", context)


def _machine() -> Machine:
    lab.require_root()
    return Machine(Path(load_settings().data_folder).absolute() / "lab")


def _existing() -> Machine:
    machine = _machine()
    if not machine.exists:
        raise LabError(f"There is no lab; start it with `{COMMAND} lab up`.")
    return machine


def _show(text: str) -> None:
    click.echo(f"{text} …", err=True)


@main.command()
@_install
def up(install: bool) -> None:
    """Start the lab, or what is missing of it."""
    machine = _machine()
    lab.up(machine, install=install, show=_show)
    _show_addresses(machine)


@main.command()
def status() -> None:
    """Show each host and what is missing; exit code 1 if anything is."""
    machine = _existing()
    for host, text in lab.status(machine).items():
        click.echo(f"{host:<10} {text}")
    if problems := lab.problems_of(machine):
        raise LabError(f"{'; '.join(problems)}.")
    click.echo("The lab is whole.")
    _show_addresses(machine)


def _show_addresses(machine: Machine) -> None:
    certificate = machine.folder / "gateway" / "certificate.pem"
    click.echo(f"The shop is at {gateway.ADDRESS} (certificate: {certificate})")
    click.echo(f"Prometheus is at {monitor.ADDRESS}")


@main.command()
def down() -> None:
    """Stop everything, and delete it."""
    click.echo("The lab is gone." if lab.down(_machine()) else "There is no lab.")


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice(list(DRILLS)))
@click.option("--write", is_flag=True, help="Write the table to docs/scale.md, too.")
def drill(names: tuple[str, ...], write: bool) -> None:
    """Break something while a client buys, and compare the books with what it was told.

    All drills, or those that are named. Exit code 1 if one has shown a problem.
    """
    machine = _existing()
    machine.acquire()
    results = []
    possible = list(names or DRILLS)
    if "kafka-lost" in possible and (absent := kafka.missing()):
        possible.remove("kafka-lost")
        _show(f"Without kafka-lost, because {' and '.join(absent)} are missing")
    for name in possible:
        _show(f"{name}: {DRILLS[name].__doc__}")
        results.append(run_drill(machine, name, DRILLS[name], show=_show))
        click.echo(table.line(results[-1]))
        machine.write(f"outside/{name}.svg", results[-1].picture())
        if write:
            table.write(results[-1])
    click.echo(f"\n{table.table(results)}")
    if bad := [result.name for result in results if not result.is_good]:
        raise LabError(f"Problems in {', '.join(bad)}.")


if __name__ == "__main__":
    main(prog_name=f"{COMMAND} lab")
