"""`./flow image`."""

import json
import subprocess
import sys
import tempfile
from typing import TextIO

import click

from app.common.settings import PROJECT_ROOT
from tests.image import build, sbom

#: Its own network, with a loopback, and its own processes, which end with it.
_NAMESPACES = (
    *("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
    *("sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
)


@click.command()
@click.option("--tag", default="payment-flow", show_default=True, help="Name of the image.")
@click.option(
    "--local-base",
    is_flag=True,
    help="Do not fetch the base of the Dockerfile: make one with debootstrap.",
)
@click.option("--check/--no-check", default=True, help="Start all services, and sell something.")
@click.option(
    "--sbom",
    "sbom_file",
    type=click.File("w", lazy=True),
    help="Write what the image contains to this file (CycloneDX).",
)
def main(tag: str, local_base: bool, check: bool, sbom_file: TextIO | None) -> None:
    """Build the image with buildah, say what is in it, sell with it, and make a backup.

    The second image, whose name ends with `-backup`, has the programs of PostgreSQL for that.

    Needs Linux, root, and Debian's buildah; no container engine.
    """
    try:
        build.require_programs("buildah", "unshare", "ip")
        click.echo("Building the image …")
        build.build(tag, from_registry=not local_base)
        other = build.backup_tag(tag)
        with build.mounted(tag) as (root, config), build.mounted(other) as (other_root, its):
            for name, megabytes in build.contents(root):
                click.echo(f"{megabytes:>6} MB  {name}")
            if sbom_file is not None:
                json.dump(sbom.document(root), sbom_file, indent=2)
            if check:
                _check(
                    {
                        "payment-flow": {"root": str(root), "config": config},
                        "payment-flow-backup": {"root": str(other_root), "config": its},
                    }
                )
    except build.ImageError as error:
        raise click.ClickException(str(error)) from error


def _check(images: object) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(images, file)
        file.flush()
        command = [*_NAMESPACES, sys.executable, "-m", "tests.image.sell", file.name]
        result = subprocess.run(command, cwd=PROJECT_ROOT, check=False)
    if result.returncode != 0:
        raise click.ClickException("The image does not work.")


if __name__ == "__main__":
    main()
