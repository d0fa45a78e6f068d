"""Migrates the database schema and grants the application's role minimal privileges."""

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, text

from app.common import privileges
from app.common.declared_settings import DeclaredSettings
from app.common.schema_version import read_revision, require_not_ahead
from app.common.settings import PROJECT_ROOT, SettingsError


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(PROJECT_ROOT / "migrations").replace("%", "%%"))
    return config


def migrate(settings: DeclaredSettings, *, revision: str = "head") -> None:
    """Migrate as the owner, then grant to the application's role.

    Raises SettingsError when no database is configured, and SchemaMismatch when a newer version
    has migrated it already.
    """
    owner_url = settings.migration_database_url or settings.database_url
    if owner_url is None or settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set; `./flow up` starts a database of its own.")
    require_not_ahead(read_revision(owner_url))
    command.upgrade(alembic_config(), revision)
    owner, role = make_url(owner_url).username, make_url(settings.database_url).username
    if role and role != owner:
        grant(owner_url, role)


def grant(owner_url: str, role: str) -> None:
    """Grant the application's role what `privileges.allowed` lists, and nothing else."""
    engine = create_engine(owner_url, connect_args={"connect_timeout": 10})
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
