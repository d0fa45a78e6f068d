"""The version of the database schema, compared with the versions that this code knows.

Read without Alembic, whose import takes 9 MB.
"""

import functools
import re
from typing import Final

import psycopg
from psycopg import sql

from app.common.settings import COMMAND, PROJECT_ROOT, Settings, require_database

_FOLDER: Final = PROJECT_ROOT / "migrations" / "versions"
_CONNECT_SECONDS: Final = 3

#: The newest migration of the last release, whose processes work with the schema of this version:
#: they may start while they are replaced, and again if this version is taken back. `migrate` notes
#: it in the database, and tests/test_expansion.py compares the two schemas.
WORKS_SINCE: Final = "0038_bank_references"
_NOTE: Final = "Works with versions since "


class SchemaMismatch(Exception):
    """The database has another schema than this code needs; one sentence for the operator."""


@functools.cache
def known_revisions() -> tuple[str, ...]:
    """The revisions of all migrations of this code, oldest first."""
    found = []
    for path in sorted(_FOLDER.glob("*.py")):
        found += re.findall(r'^revision = "(.+)"$', path.read_text(), re.MULTILINE)
    return tuple(found)


def newest_revision() -> str:
    """The revision that this code needs."""
    return known_revisions()[-1]


def status_of(revision: str | None) -> str:
    """`ok`, `missing`, `behind`, or `ahead` if a newer version has migrated the database."""
    if revision is None:
        return "missing"
    if revision == newest_revision():
        return "ok"
    return "behind" if revision in known_revisions() else "ahead"


def require_not_ahead(revision: str | None) -> None:
    """Raises SchemaMismatch if a newer version has migrated the database."""
    if status_of(revision) == "ahead":
        raise SchemaMismatch(
            f"The database has the schema of a newer version (revision {revision}); this version"
            f" knows up to {newest_revision()}: start the newer version, or restore a backup from"
            " before its migration."
        )


def require_current(settings: Settings) -> None:
    """Require the schema of this code, before a command uses it.

    Raises SchemaMismatch, SettingsError without a database, and psycopg.OperationalError.
    """
    _require_current(read_revision(require_database(settings)))


def require_usable(settings: Settings) -> None:
    """Require the schema of this code, or a newer one with which it works, before a process starts.

    Raises what `require_current` raises.
    """
    url = require_database(settings)
    revision = read_revision(url)
    if status_of(revision) != "ahead" or _works_since(url) not in known_revisions():
        _require_current(revision)


def _require_current(revision: str | None) -> None:
    require_not_ahead(revision)
    status = status_of(revision)
    if status == "missing":
        raise SchemaMismatch(f"The database has no schema yet; run `{COMMAND} migrate` first.")
    if status == "behind":
        raise SchemaMismatch(
            f"The database has the schema of an older version (revision {revision}); run"
            f" `{COMMAND} migrate` of this version first."
        )


def read_revision(url: str) -> str | None:
    """The revision of the database, None if it has no schema. Raises psycopg.OperationalError."""
    with connect(url) as connection:
        return revision_of(connection)


def revision_of(connection: psycopg.Connection) -> str | None:
    """The revision of the connected database, None if it has no schema."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return None if row is None else str(row[0])


def note_works_since(connection: psycopg.Connection) -> None:
    """Note in the database, as the owner, which versions work with its schema."""
    note = sql.Literal(f"{_NOTE}{WORKS_SINCE}")
    connection.execute(sql.SQL("COMMENT ON TABLE alembic_version IS {}").format(note))


def _works_since(url: str) -> str | None:
    """What a newer version has noted; None if it has not."""
    with connect(url) as connection:
        row = connection.execute(
            "SELECT obj_description('alembic_version'::regclass, 'pg_class')"
        ).fetchone()
    note = row[0] if row else None
    return str(note).removeprefix(_NOTE) if note else None


def connect(url: str, *, seconds: int = _CONNECT_SECONDS) -> psycopg.Connection:
    """A connection for a question before the application is configured, in autocommit mode.

    url: as in the settings; seconds: how long to wait for it. Raises psycopg.OperationalError.
    """
    plain = re.sub(r"^postgresql\+\w+:", "postgresql:", url)
    return psycopg.connect(plain, connect_timeout=seconds, autocommit=True)
