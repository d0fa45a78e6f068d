"""A PostgreSQL and its standby, which can change places."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import make_url

from app.local import processes
from app.local.embedded import PostgresServer
from bench import replicas

#: Data of tests need not survive a crash of the machine. A lost process loses nothing: the other
#: server has every transaction before its caller is answered.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "200ms",
}


class Pair:
    """Two servers. primary and standby: which is which; the URLs are those of the application."""

    def __init__(self, folder: Path) -> None:
        self.primary = replicas.Server.start(folder / "one", settings=_SETTINGS)
        self.standby = replicas.copy(self.primary, folder / "two", settings=_SETTINGS)

    @property
    def url(self) -> str:
        """A URL with both hosts, as the settings have it."""
        one, two = make_url(self.primary.app_url), make_url(self.standby.app_url)
        return (
            f"postgresql+psycopg://{one.username}:{one.password}@/{one.database}"
            f"?host={one.host},{two.host}&port={one.port},{two.port}"
        )

    def both(self, url: str) -> str:
        """The URL of one of the servers as a setting with both hosts."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.primary, self.standby))
        login, _, rest = url.partition("@")
        return f"{login}@{hosts}/{rest.partition('/')[2]}"

    def replicate_synchronously(self) -> None:
        """Have the primary answer a COMMIT when the standby has it, too."""
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.execute("SELECT pg_reload_conf()")

    def switch(self) -> None:
        """Stop the primary, promote the standby, and start the former primary as its standby."""
        former = self.primary
        processes.stop(former._process, signal.SIGINT)
        self.promote()
        self._follow(former)

    def kill(self) -> None:
        """Kill the primary with all its processes, and promote the standby."""
        os.kill(self.primary.pid, signal.SIGKILL)
        self.primary._process.wait()
        self.promote()

    def promote(self) -> None:
        self.primary, self.standby = self.standby, self.primary
        self.execute("ALTER SYSTEM RESET synchronous_standby_names")
        self.execute("SELECT pg_promote()")
        self.execute("SELECT pg_reload_conf()")

    def execute(
        self, statement: str, *, on: PostgresServer | None = None, database: str = "postgres"
    ) -> object:
        """The value that a statement of the superuser returns. on: by default the primary."""
        url = f"{(on or self.primary).superuser_url.rpartition('/')[0]}/{database}"
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]

    def pause(self) -> None:
        """Have the standby stay at the state that it has reached."""
        self.execute("SELECT pg_wal_replay_pause()", on=self.standby)
        while self.execute("SELECT pg_get_wal_replay_pause_state()", on=self.standby) != "paused":
            time.sleep(0.01)

    def resume(self) -> None:
        self.execute("SELECT pg_wal_replay_resume()", on=self.standby)

    def stop_standby(self) -> None:
        """Stop it as a restart would; `standby.restart()` starts it again."""
        processes.stop(self.standby._process, signal.SIGINT)

    def catch_up(self) -> None:
        """Wait until the standby has replayed what the primary has written."""
        written = self.execute("SELECT pg_current_wal_flush_lsn()")
        statement = f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"
        while not self.execute(statement, on=self.standby):
            time.sleep(0.01)

    def stop(self) -> None:
        for server in (self.standby, self.primary):
            server.stop()

    def _follow(self, server: PostgresServer) -> None:
        source = server._folder
        (source.path / "cluster" / "standby.signal").touch()
        with (source.path / "cluster" / "postgresql.auto.conf").open("a") as file:
            file.write(f"primary_conninfo = '{replicas.connection_info(self.primary)}'\n")
        server.restart()


@contextmanager
def pair() -> Iterator[Pair]:
    """A primary with a standby that replicates it."""
    with TemporaryDirectory(prefix="payment-flow-pair-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user
        servers = Pair(folder)
        try:
            yield servers
        finally:
            servers.stop()
