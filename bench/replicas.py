"""Copies of an embedded PostgreSQL that follow it."""

import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg

from app.local.embedded import EmbeddedError, PostgresServer
from app.local.embedded.postgres import PASSWORDS


class Server(PostgresServer):
    """A primary or a replica, whose roles and database are copied, not created."""

    def _create_roles_and_database(self) -> None:
        with suppress(psycopg.errors.ReadOnlySqlTransaction):
            super()._create_roles_and_database()


def copy(primary: PostgresServer, folder: Path, *, settings: Mapping[str, str]) -> PostgresServer:
    """Start a replica of `primary` in `folder`, which must not exist.

    settings: as for `PostgresServer.start`. Raises EmbeddedError.
    """
    source = primary._folder
    copied = source.path / f"copy-{folder.name}"
    program = Path(psutil.Process(primary.pid).exe()).with_name("pg_basebackup")
    copying = source.launch(
        [
            *(program, f"--dbname={connection_info(primary)}", "-D", copied),
            *("-R", "-X", "stream", "-c", "fast", "--no-sync"),
        ],
        cwd=source.path,
        death_signal=signal.SIGTERM,
    )
    if copying.wait() != 0:
        raise EmbeddedError(f"pg_basebackup failed (log: {source.log}).")
    made = folder / "postgres"
    made.mkdir(parents=True)
    copied.rename(made / "cluster")
    shutil.copy(source.path / PASSWORDS, made)
    if source.user is not None:
        for path in (folder, made, made / PASSWORDS):
            os.chown(path, *source.user)
    return Server.start(folder, settings=settings)


def connection_info(primary: PostgresServer) -> str:
    """As in `primary_conninfo`."""
    return primary.superuser_url.rpartition("/")[0] + "/postgres"
