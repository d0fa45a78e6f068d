"""A database that many tests write to, one after the other, and that each finds as it was made."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy import make_url

from tests import servers

#: Above it, deleted rows would slow down and change the plans of the next tests.
_MAX_BYTES = 2_000_000

#: Differs after every change of the schema, of privileges, of settings or of statistics.
_SCHEMA = SQL(
    " UNION ALL ".join(
        f"SELECT '{catalog}', count(*), max(xmin::text::bigint) FROM {catalog}"
        for catalog in (
            "pg_class",
            "pg_attribute",
            "pg_constraint",
            "pg_trigger",
            "pg_proc",
            "pg_namespace",
            "pg_statistic",
        )
    )
    + """
    UNION ALL SELECT datacl::text, datconnlimit, null FROM pg_database
        WHERE datname = current_database()
    UNION ALL SELECT setconfig::text, null, null FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
)
#: Statistics of tables that are empty between two tests would give the next one bad plans.
_KEEP_STATISTICS = """
    DO $$ DECLARE name regclass; BEGIN
        FOR name IN SELECT oid FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        LOOP
            EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', name);
        END LOOP;
    END $$
"""
_BYTES = """
    SELECT sum(pg_table_size(oid)) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""

Contents = dict[str, tuple[int, int | None]]


class CleanDatabase:
    """A copy of the migrated template, of which a test's rows are deleted before the next test.

    This takes a tenth of the time of another copy, which is made only after a test that changed
    more than rows.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._made: servers.TestDatabase | None = None
        self._schema: list[tuple[object, ...]] = []
        self._contents: Contents = {}
        self._rows: dict[str, bytes] = {}

    def take(self) -> servers.TestDatabase:
        """The database, as if it had just been made. It ends all connections to it."""
        if self._made is None or not self._clean(self._made):
            self._made = servers.create(self._name)
            with _connected(self._made) as connection:
                connection.execute(_KEEP_STATISTICS)
                self._contents = _contents(connection)
                self._rows = {
                    table: _rows(connection, table)
                    for table, (count, _) in self._contents.items()
                    if count
                }
                self._schema = connection.execute(_SCHEMA).fetchall()
        return self._made

    def drop(self) -> None:
        servers.drop(self._name)

    def _clean(self, made: servers.TestDatabase) -> bool:
        """Restore the rows. Returns False, with nothing changed, if that is not enough."""
        with _connected(made) as connection:
            connection.execute("""
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
            if connection.execute(_SCHEMA).fetchall() != self._schema:
                return False
            if connection.execute(_BYTES).fetchone() > (_MAX_BYTES,):
                return False
            contents = _contents(connection)
            # Without triggers, of which those of append-only tables would refuse it.
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in contents:
                if contents[table] != self._contents[table]:
                    connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
                    _insert(connection, table, self._rows.get(table, b""))
            connection.execute("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence")
        with _connected(made) as connection:
            self._contents = _contents(connection)
        return True


@contextmanager
def _connected(made: servers.TestDatabase) -> Iterator[psycopg.Connection]:
    """A connection of the superuser, in a transaction."""
    url = make_url(made.admin_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        yield connection


def _contents(connection: psycopg.Connection) -> Contents:
    """For each table the number of rows, and a number that differs after any was written."""
    tables = connection.execute("""
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    """).fetchall()
    counts: list[Composable] = [
        SQL("SELECT {0}, count(*), max(xmin::text::bigint) FROM {1}").format(
            table, Identifier(table)
        )
        for (table,) in tables
    ]
    found = connection.execute(SQL(" UNION ALL ").join(counts)).fetchall()
    return {table: (count, written) for table, count, written in found}


def _rows(connection: psycopg.Connection, table: str) -> bytes:
    statement = SQL("COPY {} TO STDOUT (FORMAT binary)").format(Identifier(table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(copy)


def _insert(connection: psycopg.Connection, table: str, rows: bytes) -> None:
    if rows:
        statement = SQL("COPY {} FROM STDIN (FORMAT binary)").format(Identifier(table))
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(rows)
