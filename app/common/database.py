"""The connection pools of a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import psycopg
from sqlalchemy.orm import sessionmaker

from app.common.connections import DEFAULT_PREPARE_THRESHOLD, create_pool, replace_connections
from app.common.settings import require_database
from app.common.web_settings import WebSettings


class Database:
    """The connection pools of a process, and its sessions: autocommit, READ COMMITTED, SERIALIZABLE
    and, for reads only, REPEATABLE READ.

    pool_size: the maximum number of connections, at least two. Two of them serve SERIALIZABLE
    transactions only, which run one batch at a time: always the same backends, with their
    statements prepared. Health checks have two more, so that they do not wait behind requests, nor
    the one of the database behind the others.

    prepare_threshold: how often a connection executes a statement before it prepares it, None for
    never.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        prepare_threshold: int | None = DEFAULT_PREPARE_THRESHOLD,
    ) -> None:
        reserved = 2 if pool_size > 2 else 1
        create = partial(create_pool, url, prepare_threshold=prepare_threshold)
        self.engine = create("AUTOCOMMIT", max(pool_size - reserved, 1), name="requests")
        self._serializable_engine = create("SERIALIZABLE", reserved, name="ledger")
        self.autocommit = sessionmaker(self.engine, expire_on_commit=False)
        self.read_committed = sessionmaker(
            self.engine.execution_options(isolation_level="READ COMMITTED"), expire_on_commit=False
        )
        self.serializable = sessionmaker(self._serializable_engine, expire_on_commit=False)
        self.snapshot = sessionmaker(
            self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            ),
            expire_on_commit=False,
        )
        self._health_engine = create("AUTOCOMMIT", 2, name="health")
        self.health = sessionmaker(self._health_engine)

    @classmethod
    def of(cls, settings: WebSettings, *, pool_size: int | None = None) -> "Database":
        """The database of the settings. Raises SettingsError if there is none."""
        return cls(
            require_database(settings),
            pool_size=pool_size or settings.database_pool_size,
            prepare_threshold=settings.database_prepare_threshold or None,
        )

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()
        self._serializable_engine.dispose()
        self._health_engine.dispose()

    def replace_connections(self) -> None:
        """Have every connection replaced before it is used again."""
        for engine in (self.engine, self._serializable_engine, self._health_engine):
            replace_connections(engine)

    @contextmanager
    def borrowed(self) -> Iterator[psycopg.Connection[Any]]:
        """A psycopg connection of the pool, in autocommit mode."""
        connection = self.engine.raw_connection()
        try:
            yield cast("psycopg.Connection[Any]", connection.driver_connection)
        finally:
            connection.close()
