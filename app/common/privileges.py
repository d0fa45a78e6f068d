"""What the application's role may do in the database, asked when a process starts."""

from typing import Final

import psycopg

from app.common.db import Base
from app.common.schema_version import connect
from app.common.settings import Settings, SettingsError

_ALLOWED: Final = """
    SELECT current_user, privilege, name
    FROM unnest(%s::text[]) AS name, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
    WHERE to_regclass(name) IS NOT NULL AND has_table_privilege(name, privilege)
    ORDER BY name, privilege DESC
    LIMIT 1
"""


def require_least(settings: Settings) -> None:
    """Require in production that the role cannot change what is only ever added, as the ledger.

    The tables are those marked `append_only`. A database that cannot be reached is no reason not to
    start. Raises SettingsError.
    """
    if not settings.is_production or settings.database_url is None:
        return
    tables = [table.name for table in Base.metadata.sorted_tables if table.info.get("append_only")]
    try:
        with connect(settings.database_url) as connection:
            found = connection.execute(_ALLOWED, (tables,)).fetchone()
    except psycopg.OperationalError:
        return
    if found is not None:
        role, privilege, table = found
        raise SettingsError(
            f"DATABASE_URL must name a role without the right to {privilege} {table} in production,"
            f" unlike {role}: create one that does not own the tables, and run `payment-flow"
            " migrate`, which grants it what it needs."
        )
