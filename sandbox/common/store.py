"""The database of a simulator: one SQLite file in the data folder."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path


class Store:
    """Transactions on the file. Each opens its own connection, because threads cannot share one."""

    def __init__(self, path: Path, *, schema: str) -> None:
        self._path = path
        # Stays open: SQLite would checkpoint its journal whenever the last connection closes.
        self._keep_open = self._connect()
        self._keep_open.execute("PRAGMA journal_mode = WAL")
        self._keep_open.executescript(schema)

    def close(self) -> None:
        self._keep_open.close()

    @contextmanager
    def write_transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that excludes other writers from the start; rolled back on an exception."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def read_transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that reads one snapshot."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=30, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def timestamp() -> str:
    """The current time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
