"""The database: one engine per process, and the only place that commits."""

import random
import select
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar, cast

import psycopg
from sqlalchemy import BigInteger, DateTime, MetaData, create_engine, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Engine
from sqlalchemy.exc import (
    DBAPIError,
    InvalidatePoolError,
    InvalidRequestError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from app.common import clock, metrics
from app.common.columns import Chronological
from app.common.driver import leave_pipeline
from app.common.errors import AppError, Unavailable
from app.common.process_state import Slot

T = TypeVar("T")

#: How often, and for how long, a transaction is retried before the caller gets Unavailable.
MAX_TRIES: Final = 8
MAX_SECONDS: Final = 2.0
_PAUSE: Final = (0.005, 0.2)

#: Requests read few rows, by key. A generic plan that was made while a table was small must not
#: scan the whole table later, nor lock it in a SERIALIZABLE transaction.
BY_INDEX: Final = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"

#: Undoes, for a transaction, what makes requests short and whole tables slow to read.
_WHOLE_TABLES: Final = (
    "statement_timeout = 0",
    "enable_seqscan = on",
    "enable_hashjoin = on",
    "enable_mergejoin = on",
    "work_mem = '64MB'",
)

_CONTENTION: Final = {"40001", "40P01", "55P03"}  # serialization, deadlock, lock timeout


class Base(Chronological, DeclarativeBase):
    """Tables of every module. Constraints are named by hand or by this convention."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        int: BigInteger,
        dict[str, Any]: JSONB,
    }


class OutcomeUnknown(AppError):
    """The connection was lost during COMMIT: the transaction may or may not be committed."""

    status = 500
    code = "OUTCOME_UNKNOWN"
    message = "The database connection was lost while saving. Check your history before retrying."


class Database:
    """The connection pools of a process, and its sessions: autocommit, READ COMMITTED, SERIALIZABLE
    and, for reads only, REPEATABLE READ.

    pool_size: the maximum number of connections, at least two. Two of them serve SERIALIZABLE
    transactions only, which run one batch at a time: always the same backends, with their
    statements prepared.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        reserved = 2 if pool_size > 2 else 1
        self.engine = _engine(url, "AUTOCOMMIT", max(pool_size - reserved, 1))
        self._serializable_engine = _engine(url, "SERIALIZABLE", reserved)
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

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()
        self._serializable_engine.dispose()

    @contextmanager
    def borrowed(self) -> Iterator[psycopg.Connection[Any]]:
        """A psycopg connection of the pool, in autocommit mode."""
        connection = self.engine.raw_connection()
        try:
            yield cast("psycopg.Connection[Any]", connection.driver_connection)
        finally:
            connection.close()


def _engine(url: str, isolation_level: Any, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        isolation_level=isolation_level,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,  # the last used connection has its statements prepared
        pool_timeout=10,
        hide_parameters=True,  # errors are logged, and parameters may contain password hashes
        connect_args={
            "connect_timeout": 3,
            "application_name": "payment-flow",
            "options": "-c lock_timeout=5s -c statement_timeout=15s"
            f" -c idle_in_transaction_session_timeout=15s -c timezone=UTC {BY_INDEX}",
        },
    )
    event.listen(engine, "checkout", _replace_closed)
    if isolation_level == "AUTOCOMMIT":
        event.listen(engine, "checkout", _read_clock)
    return engine


def _replace_closed(connection: Any, record: Any, _: object) -> None:
    """Have the pool replace a connection that the server has closed.

    Nothing is sent on an idle connection, so one with data to read has been closed or is about to
    be. Polling the socket costs no round trip, unlike a ping.
    """
    poll = record.info.get("poll")
    if poll is None:
        poll = record.info["poll"] = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
    if connection.closed or poll.poll(0):
        raise InvalidatePoolError


def _read_clock(connection: Any, _: object, __: object) -> None:
    """Read the clock of the database from time to time, see `app.common.clock`."""
    if not clock.is_stale():
        return
    try:
        clock.synchronize(lambda: connection.execute("SELECT clock_timestamp()").fetchone()[0])
    except psycopg.Error as error:
        raise InvalidatePoolError from error


#: The database of this process.
current: Final[Slot[Database]] = Slot("database")


def configure(database: Database) -> Database:
    """Make `database` the database of this process."""
    return current.configure(database)


@contextmanager
def transaction(*, serializable: bool = False) -> Iterator[Session]:
    """A transaction that commits when the block ends and rolls back when it raises.

    An AppError with `commits` commits it all the same.

    Raises OutcomeUnknown when the connection is lost during COMMIT.
    """
    database = current()
    session = (database.serializable if serializable else database.read_committed)()
    try:
        try:
            yield session
        except AppError as error:
            if not error.commits:
                raise
            _commit(session)
            raise
        _commit(session)
    except BaseException as error:
        _roll_back(session)
        if isinstance(error, psycopg.Error):
            raise as_sqlalchemy(error) from error
        raise
    finally:
        session.close()


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """A part of a transaction that is rolled back on its own if it raises."""
    with session.begin_nested():
        # SQLAlchemy sends SAVEPOINT with its own next statement, and driver.send bypasses it.
        session.connection()
        yield


@contextmanager
def reading() -> Iterator[Session]:
    """A session for reads only, in autocommit mode: each statement has its own snapshot.

    Reads the same as READ COMMITTED, without the round trips of BEGIN and COMMIT.
    """
    with current().autocommit() as session:
        try:
            yield session
        except psycopg.Error as error:
            raise as_sqlalchemy(error) from error


@contextmanager
def snapshot() -> Iterator[Session]:
    """A session whose statements all read the same snapshot, for reports over whole tables.

    REPEATABLE READ, READ ONLY: takes no predicate locks, delays no writer, and works on a replica.
    It delays VACUUM, so it must not wait for a client. The settings that keep requests short do not
    apply.
    """
    session = current().snapshot()
    try:
        for setting in _WHOLE_TABLES:
            session.execute(text(f"SET LOCAL {setting}"))
        yield session
    finally:
        _roll_back(session)  # nothing was written
        session.close()


def fetch_one(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The only row that a statement returns, or None: for hot reads.

    statement: with `%(name)s` placeholders. Uses no session, which would take as long as
    PostgreSQL does for a small read.
    """
    try:
        with current().borrowed() as connection:
            return connection.execute(cast("Any", statement), values).fetchone()
    except psycopg.Error as error:
        raise as_sqlalchemy(error) from error


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Call `callback` once the transaction of `session` has, or may have, been committed.

    For work of this process alone, such as invalidating a cache. Record an event (app.events) for
    anything that must not be lost: the process can die between COMMIT and this call.
    """
    session.info.setdefault("after_commit", []).append(callback)


def _commit(session: Session) -> None:
    leave_pipeline(session)  # before the connection returns to the pool
    try:
        session.commit()
    except DBAPIError as error:
        if error.connection_invalidated or _is_disconnect(error):
            _run_callbacks(session)  # in case it was committed
            raise OutcomeUnknown from error
        raise
    _run_callbacks(session)


def _run_callbacks(session: Session) -> None:
    for callback in session.info.pop("after_commit", ()):
        callback()


def retry_transaction(work: Callable[[Session], T], *, serializable: bool = False) -> T:
    """Run `work(session)` in a transaction, and retry the whole of it on contention.

    At most MAX_TRIES attempts within MAX_SECONDS, with full jitter: a serialization failure
    (40001), deadlock (40P01) or lock timeout (55P03) undoes everything, decisions included.
    Raises Unavailable when contention lasts longer; nothing has been committed then.
    """
    deadline = time.monotonic() + MAX_SECONDS
    for attempt in range(1, MAX_TRIES + 1):
        try:
            with transaction(serializable=serializable) as session:
                return work(session)
        except (DBAPIError, PoolTimeout) as error:
            if not may_retry(error):
                raise
            pause = random.uniform(*_PAUSE)  # noqa: S311 – spreads callers out, guards nothing
            if attempt == MAX_TRIES or time.monotonic() + pause > deadline:
                raise Unavailable from error
            time.sleep(pause)
            metrics.TRANSACTION_RETRIES.inc()
    raise AssertionError("unreachable")


def may_retry(error: Exception) -> bool:
    """Whether `error` rolled the transaction back and a retry may succeed."""
    return isinstance(error, PoolTimeout) or (
        isinstance(error, DBAPIError) and (sqlstate(error) in _CONTENTION or is_unreachable(error))
    )


def as_sqlalchemy(error: psycopg.Error) -> DBAPIError:
    """The error that SQLAlchemy would have raised for an error of psycopg."""
    return cast(
        "DBAPIError",
        DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True),
    )


def sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def constraint_name(error: DBAPIError) -> str | None:
    """The name of the constraint that was violated, if one was."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)


def is_unreachable(error: Exception) -> bool:
    """Whether `error` means that the database is down, shutting down or out of connections."""
    return isinstance(error, OperationalError) and (
        error.connection_invalidated or _is_disconnect(error)
    )


def _is_disconnect(error: DBAPIError) -> bool:
    state = sqlstate(error)
    return state is None or state[:2] in ("08", "53") or state in ("57P01", "57P02", "57P03")


def _roll_back(session: Session) -> None:
    with suppress(psycopg.Error):  # the transaction is rolled back anyway
        leave_pipeline(session)
    try:
        session.rollback()
    except (DBAPIError, InvalidRequestError):
        # The connection is lost and the server has rolled back; the first error matters.
        session.invalidate()
