"""`./flow lab`."""

from pathlib import Path

import click

from app.common.settings import load_settings
from deploy.lab import up as lab
from deploy.lab.errors import LabError
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
        lab.down(_machine(), show=_show)
    except LabError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
