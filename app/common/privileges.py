"""What the application's role may do in the database, and that it may do no more."""

from dataclasses import dataclass
from typing import Final

import psycopg

from app.common.db import Base
from app.common.schema_version import connect
from app.common.settings import COMMAND, Settings, SettingsError

_VERSIONS: Final = "alembic_version"


@dataclass(frozen=True, slots=True)
class Privileges:
    """Privileges on one table. on_table: for all columns; updated: columns for UPDATE."""

    on_table: tuple[str, ...]
    updated: tuple[str, ...] = ()


def allowed() -> dict[str, Privileges]:
    """The privileges of the application's role, by table.

    It reads and inserts rows, updates the columns that the models declare as `mutable`, and deletes
    where they say so. It never has TRUNCATE, REFERENCES or TRIGGER.
    """
    found = {_VERSIONS: Privileges(("SELECT",))}
    for table in Base.metadata.sorted_tables:
        on_table = ("SELECT", "INSERT", "DELETE")[: 3 if table.info.get("deleted") else 2]
        found[table.name] = Privileges(on_table, tuple(table.info.get("mutable", ())))
    return found


# A privilege on a table is one on each of its columns, too.
_EXCESS: Final = """
    SELECT current_user, privilege, granted.name
    FROM unnest(%s::text[], %s::text[]) AS granted (name, on_table)
    CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
    WHERE to_regclass(granted.name) IS NOT NULL
        AND has_table_privilege(granted.name, privilege)
        AND NOT privilege = ANY(string_to_array(granted.on_table, ','))
    UNION ALL
    SELECT current_user, 'UPDATE', a.attrelid::regclass::text || '.' || a.attname
    FROM unnest(%s::text[], %s::text[]) AS granted (name, kept)
    JOIN pg_attribute a ON a.attrelid = to_regclass(granted.name)
    WHERE a.attnum > 0 AND NOT a.attisdropped
        AND has_column_privilege(a.attrelid, a.attnum, 'UPDATE')
        AND a.attname = ANY(string_to_array(granted.kept, ','))
    LIMIT 1
"""


def _kept(table: str, granted: Privileges) -> list[str]:
    """The columns that the role may not update. Those of a newer version are not known."""
    if table == _VERSIONS:
        return ["version_num"]
    columns = [column.name for column in Base.metadata.tables[table].columns]
    return [name for name in columns if name not in granted.updated]


def require_least(settings: Settings) -> None:
    """Require in production that the role may do no more than `allowed`.

    A database that cannot be reached is no reason not to start. Raises SettingsError.
    """
    if not settings.is_production or settings.database_url is None:
        return
    tables = allowed()
    names = list(tables)
    values = (
        names,
        [",".join(tables[name].on_table) for name in names],
        names,
        [",".join(_kept(name, tables[name])) for name in names],
    )
    try:
        with connect(settings.database_url) as connection:
            found = connection.execute(_EXCESS, values).fetchone()
    except psycopg.OperationalError:
        return
    if found is not None:
        role, privilege, name = found
        raise SettingsError(
            f"DATABASE_URL must name a role without the right to {privilege} {name} in production,"
            f" unlike {role}: create one that does not own the tables, and run `{COMMAND}"
            " migrate`, which grants it what it needs."
        )
