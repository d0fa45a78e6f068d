"""Migrates the database schema and grants the application's role minimal privileges."""

from collections.abc import Callable
from typing import Any, Final

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, text

from app.common import privileges
from app.common.schema_version import (
    connect,
    known_revisions,
    note_works_since,
    require_not_ahead,
    revision_of,
)
from app.common.settings import (
    PROJECT_ROOT,
    SettingsError,
    require_database,
    require_direct_database,
)
from app.common.web_settings import WebSettings

#: A busy machine needs long to answer, and what refuses does so at once.
_CONNECT_SECONDS: Final = 60


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(PROJECT_ROOT / "migrations").replace("%", "%%"))
    return config


def migrate(
    settings: WebSettings,
    *,
    revision: str = "head",
    show: Callable[[str], None] = lambda _: None,
) -> None:
    """Migrate as the owner, then grant to the application's role.

    show: is told each migration when it is done. Raises SettingsError when no database is
    configured or the application's role does not exist, and SchemaMismatch when a newer version has
    migrated it already.
    """
    url = require_database(settings)
    owner_url = settings.migration_database_url or require_direct_database(settings)
    owner, role = make_url(owner_url).username, make_url(url).username
    is_apart = role is not None and role != owner
    with connect(owner_url, seconds=_CONNECT_SECONDS) as connection:
        current = revision_of(connection)
        require_not_ahead(current)
        if is_apart and not _exists(connection, role):
            raise SettingsError(
                f"DATABASE_URL must name a role that exists, unlike {role}: create it first."
            )
        if current is not None:
            # Before: a version that no longer works must not start in between.
            note_works_since(connection)
    config = alembic_config()
    config.attributes["on_version_apply"] = _progress(current, show)
    command.upgrade(config, revision)
    if current is None:
        with connect(owner_url, seconds=_CONNECT_SECONDS) as connection:
            note_works_since(connection)
    if role is not None and is_apart:
        grant(owner_url, role)


def _exists(connection: psycopg.Connection, role: str | None) -> bool:
    query = "SELECT FROM pg_roles WHERE rolname = %s"
    return connection.execute(query, (role,)).fetchone() is not None


def _progress(current: str | None, show: Callable[[str], None]) -> Callable[..., None]:
    """A function for Alembic that shows each migration when it is done."""
    known = known_revisions()
    before = known.index(current) + 1 if current else 0

    def applied(*, step: Any, **_: Any) -> None:
        done = known.index(step.up_revision_id) + 1 - before
        show(f"Migrated {done} of {len(known) - before}: {step.up_revision_id}")

    return applied


def grant(owner_url: str, role: str) -> None:
    """Grant the application's role what `privileges.allowed` lists, and nothing else."""
    engine = create_engine(owner_url, connect_args={"connect_timeout": _CONNECT_SECONDS})
    with engine.begin() as connection:
        quote = connection.dialect.identifier_preparer.quote
        name = quote(role)
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {name}"))
        for table, granted in privileges.allowed().items():
            # Of the columns, too.
            connection.execute(text(f"REVOKE ALL ON {table} FROM {name}"))
            connection.execute(text(f"GRANT {', '.join(granted.on_table)} ON {table} TO {name}"))
            if granted.updated:
                columns = ", ".join(map(quote, granted.updated))
                connection.execute(text(f"GRANT UPDATE ({columns}) ON {table} TO {name}"))
    engine.dispose()
