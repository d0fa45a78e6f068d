"""`./flow lab`."""

from pathlib import Path

import click

from app.common.settings import load_settings
from deploy.lab import table
from deploy.lab import up as lab
from deploy.lab.drill import run_drill
from deploy.lab.errors import LabError
from deploy.lab.faults import DRILLS
from deploy.lab.machine import Machine
from deploy.lab.services import gateway


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Several hosts on this machine: PostgreSQL under Patroni, PgBouncer, HAProxy, Redis with
    Sentinel, two web servers, and nginx. Needs Linux and root."""


def _machine() -> Machine:
    return Machine(Path(load_settings().data_folder).absolute() / "lab")


def _show(text: str) -> None:
    click.echo(f"{text} …", err=True)


@main.command()
@click.option("--install", is_flag=True, help="Install the packages that are missing (apt-get).")
def up(install: bool) -> None:
    """Start the lab, or what is missing of it."""
    machine = _machine()
    try:
        lab.up(machine, install=install, show=_show)
    except LabError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The shop is at {gateway.ADDRESS}")
    click.echo(f"its certificate is {machine.folder / 'gateway' / 'certificate.pem'}")


@main.command()
def status() -> None:
    """Show each host and what is missing; exit code 1 if anything is."""
    machine = _machine()
    try:
        lab.require_root()
        if not machine.exists:
            raise LabError("There is no lab; start it with `lab up`.")
        for host, text in lab.status(machine).items():
            click.echo(f"{host:<10} {text}")
        problems = lab.problems_of(machine)
    except LabError as error:
        raise click.ClickException(str(error)) from error
    if problems:
        raise click.ClickException("; ".join(problems) + ".")
    click.echo("The lab is whole.")


@main.command()
def down() -> None:
    """Stop everything, and delete it."""
    try:
        existed = lab.down(_machine())
    except LabError as error:
        raise click.ClickException(str(error)) from error
    click.echo("The lab is gone." if existed else "There is no lab.")


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--write", is_flag=True, help="Write the table to docs/scale.md, too.")
def drill(names: tuple[str, ...], write: bool) -> None:
    """Break something while a client buys, and compare the books with what it was told.

    All drills, or those that are named. Exit code 1 if one has shown a problem.
    """
    machine = _machine()
    try:
        lab.require_root()
        if unknown := [name for name in names if name not in DRILLS]:
            raise LabError(f"There is no drill {unknown[0]}; there are {', '.join(DRILLS)}.")
        if not machine.exists:
            raise LabError("There is no lab; start it with `lab up`.")
        machine.acquire()
        results = []
        for name in names or DRILLS:
            _show(f"{name}: {DRILLS[name].__doc__}")
            results.append(run_drill(machine, name, DRILLS[name], show=_show))
            click.echo(table.line(results[-1]))
            if write:
                table.write(results[-1])
    except LabError as error:
        raise click.ClickException(str(error)) from error
    click.echo("\n" + table.table(results))
    if bad := [result.name for result in results if not result.is_good]:
        raise click.ClickException(f"Problems in {', '.join(bad)}.")


if __name__ == "__main__":
    main()
