"""PostgreSQL and Redis for the tests: embedded servers by default."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from app.common.migrate import migrate
from app.common.settings import Settings
from app.local.embedded import PostgresServer, RedisServer

_TEMPLATE = "payment_flow_template"

#: Test data need not survive a crash.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


@dataclass(frozen=True)
class TestDatabase:
    """A separate database. admin_url: with a role that may create databases."""

    __test__ = False

    owner_url: str
    app_url: str
    admin_url: str


def start() -> contextlib.ExitStack:
    """Start the servers that the environment does not name, and set TEST_… variables for all.

    DATABASE_URL and REDIS_URL are used when set; the role of MIGRATION_DATABASE_URL (or of
    DATABASE_URL) must then be allowed to create databases. Nothing is written to the database
    that they name.
    """
    cleanup = contextlib.ExitStack()
    folder = Path(tempfile.mkdtemp(prefix="payment-flow-tests-"))
    cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user and needs access
    if url := os.environ.get("DATABASE_URL"):
        owner = os.environ.get("MIGRATION_DATABASE_URL") or url
        _set_urls(app=url, owner=owner, admin=owner)
    else:
        postgres = PostgresServer.start(folder / "postgres", settings=_FAST)
        cleanup.callback(postgres.stop)
        _set_urls(app=postgres.app_url, owner=postgres.owner_url, admin=postgres.superuser_url)
    if not os.environ.get("REDIS_URL"):
        redis = RedisServer.start(folder / "redis")
        cleanup.callback(redis.stop)
        os.environ["TEST_REDIS_URL"] = redis.url
    else:
        os.environ["TEST_REDIS_URL"] = os.environ["REDIS_URL"]
    return cleanup


def _set_urls(*, app: str, owner: str, admin: str) -> None:
    os.environ |= {"TEST_APP_URL": app, "TEST_OWNER_URL": owner, "TEST_ADMIN_URL": admin}


def make_template() -> None:
    """Migrate a database once, which every test database is copied from."""
    database = create(_TEMPLATE, template="template0")
    migrate_database(database)
    _create_as_owner(database)


def migrate_database(database: TestDatabase) -> None:
    """Create the tables of an empty database."""
    settings = Settings(
        database_url=database.app_url,
        migration_database_url=database.owner_url,
    )
    saved = {name: os.environ.get(name) for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL")}
    os.environ |= {"DATABASE_URL": database.app_url, "MIGRATION_DATABASE_URL": database.owner_url}
    try:
        migrate(settings)
    finally:
        for name, value in saved.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _create_as_owner(database: TestDatabase) -> None:
    """A function for `factories.as_owner`. It exists in test databases only."""
    engine = create_engine(database.owner_url)
    with engine.begin() as connection:
        connection.execute(
            text("""
                CREATE FUNCTION as_owner(statement text) RETURNS void LANGUAGE plpgsql
                SECURITY DEFINER AS $$ BEGIN EXECUTE statement; END $$
            """)
        )
    engine.dispose()


@contextlib.contextmanager
def database(name: str, *, empty: bool = False) -> Iterator[TestDatabase]:
    """A separate database: a copy of the migrated template, or an empty one."""
    made = create(name, template="template0" if empty else _TEMPLATE)
    try:
        yield made
    finally:
        drop(name)


def drop(name: str) -> None:
    _admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def create(name: str, *, template: str = _TEMPLATE) -> TestDatabase:
    """A new database in place of any of this name."""
    owner, app = os.environ["TEST_OWNER_URL"], os.environ["TEST_APP_URL"]
    _admin(
        f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)',
        f'CREATE DATABASE "{name}" OWNER "{make_url(owner).username}"'
        f" TEMPLATE {template} STRATEGY file_copy",
    )
    return TestDatabase(_on(owner, name), _on(app, name), _on(os.environ["TEST_ADMIN_URL"], name))


def _admin(*statements: str) -> None:
    url = make_url(os.environ["TEST_ADMIN_URL"]).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _on(url: str, name: str) -> str:
    parts = make_url(url).set(drivername="postgresql+psycopg", database=name)
    return parts.render_as_string(hide_password=False)
