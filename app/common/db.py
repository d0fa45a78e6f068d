"""The database: one engine per process, and the only place that commits."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast

import psycopg
from sqlalchemy import BigInteger, DateTime, MetaData, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import (
    DBAPIError,
    InvalidRequestError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session

from app.common import deadline, metrics, side_effects
from app.common.columns import Chronological
from app.common.database import Database
from app.common.driver import (
    abandon_pipeline,
    connection_of,
    discard_waiting,
    is_pipelined,
    leave_pipeline,
    send_waiting,
)
from app.common.errors import AppError, Unavailable
from app.common.process_state import Slot
from app.common.sqlstates import Failure, failure_of

T = TypeVar("T")


class SessionFactory(Protocol):
    """Opens a session for reads. snapshot: whether all of its statements read the same one."""

    def __call__(self, *, snapshot: bool) -> Session: ...


#: How often, and for how long, a transaction is retried before the caller gets Unavailable.
MAX_TRIES: Final = 8
MAX_SECONDS: Final = 2.0
_PAUSE: Final = (0.005, 0.2)

#: Undoes, for a transaction, what makes requests short and whole tables slow to read.
_WHOLE_TABLES: Final = (
    "statement_timeout = 0",
    "enable_seqscan = on",
    "enable_hashjoin = on",
    "enable_mergejoin = on",
    "work_mem = '64MB'",
)


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


#: The transaction that this thread has joined.
_joined: Final[ContextVar[Session | None]] = ContextVar("joined transaction", default=None)

#: Opens the sessions of reads that a replica answers.
_replica: Final[ContextVar[SessionFactory | None]] = ContextVar("replica", default=None)

#: The database of this process.
current: Final[Slot[Database]] = Slot("database")


def configure(database: Database) -> Database:
    """Make `database` the database of this process."""
    return current.configure(database)


@contextmanager
def transaction(*, serializable: bool = False) -> Iterator[Session]:
    """A transaction that commits when the block ends and rolls back when it raises.

    An AppError with `commits` commits it all the same.

    Within `joined`, it is a savepoint of the joined transaction instead.
    Raises OutcomeUnknown when the connection is lost during COMMIT.
    """
    if (outer := _joined.get()) is not None:
        with _part_of(outer):
            yield outer
        return
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
        _roll_back(session, error)
        if isinstance(error, psycopg.Error):
            raise as_sqlalchemy(error) from error
        raise
    finally:
        session.close()


@contextmanager
def joined(session: Session | None) -> Iterator[None]:
    """A block whose transactions and reads on this thread are all part of that of `session`.

    None: within another `joined`, they are transactions of their own.
    """
    token = _joined.set(session)
    try:
        yield
    finally:
        _joined.reset(token)


@contextmanager
def _part_of(session: Session) -> Iterator[None]:
    """A savepoint of a joined transaction, which ends as a transaction of its own would."""
    callbacks = list(session.info.get("after_commit", ()))
    send_waiting(session)
    part = session.begin_nested()
    session.connection()  # as in `savepoint`
    try:
        yield
    except BaseException as error:
        if isinstance(error, AppError) and error.commits:
            send_waiting(session)
            part.commit()
            raise
        discard_waiting(session)
        part.rollback()
        session.info["after_commit"] = callbacks
        if isinstance(error, psycopg.Error):
            raise as_sqlalchemy(error) from error
        raise
    send_waiting(session)
    part.commit()


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """A part of a transaction that is rolled back on its own if it raises."""
    send_waiting(session)
    try:
        with session.begin_nested():
            # SQLAlchemy sends SAVEPOINT with its own next statement, and driver.send bypasses it.
            session.connection()
            yield
            send_waiting(session)
    except BaseException:
        discard_waiting(session)
        raise


@contextmanager
def reading() -> Iterator[Session]:
    """A session for reads only, in autocommit mode: each statement has its own snapshot.

    Reads the same as READ COMMITTED, without the round trips of BEGIN and COMMIT. Within `joined`,
    it sees what the joined transaction has written.
    """
    if (outer := _joined.get()) is not None:
        yield outer
        return
    with _open_for_reads(snapshot=False) as session:
        try:
            yield session
        except (DBAPIError, psycopg.Error) as error:
            if _must_close(error):
                session.invalidate()
            if isinstance(error, psycopg.Error):
                raise as_sqlalchemy(error) from error
            raise


@contextmanager
def snapshot() -> Iterator[Session]:
    """A session whose statements all read the same snapshot.

    REPEATABLE READ, READ ONLY: takes no predicate locks, delays no writer, and works on a replica.
    It delays VACUUM, so it must not wait for a client.
    """
    session = _open_for_reads(snapshot=True)
    try:
        yield session
    except BaseException as error:
        _roll_back(session, error)
        if isinstance(error, psycopg.Error):
            raise as_sqlalchemy(error) from error
        raise
    finally:
        session.close()  # rolls back: nothing was written


@contextmanager
def read_from(open_session: SessionFactory | None) -> Iterator[None]:
    """A block whose `reading` and `snapshot` use these sessions. None: those of the primary."""
    token = _replica.set(open_session)
    try:
        yield
    finally:
        _replica.reset(token)


def _open_for_reads(*, snapshot: bool) -> Session:
    if (open_session := _replica.get()) is not None:
        return open_session(snapshot=snapshot)
    database = current()
    return (database.snapshot if snapshot else database.autocommit)()


@contextmanager
def on_primary(session: Session) -> Iterator[Session]:
    """A session that reads what is current: `session`, or another if it reads from a replica."""
    if _replica.get() is None:
        yield session
        return
    with read_from(None), reading() as current_session:
        yield current_session


def plan_for_whole_tables(session: Session) -> None:
    """Have the rest of the transaction run without the settings that keep requests short."""
    for setting in _WHOLE_TABLES:
        session.execute(text(f"SET LOCAL {setting}"))


def fetch_one(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The only row that a statement returns, or None: for hot reads.

    statement: with `%(name)s` placeholders. Uses no session, which would take as long as
    PostgreSQL does for a small read.
    """
    try:
        with current().borrowed() as connection:
            try:
                return connection.execute(cast("Any", statement), values).fetchone()
            except psycopg.Error as error:
                if _must_close(error):
                    connection.close()
                raise
    except psycopg.Error as error:
        raise as_sqlalchemy(error) from error


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Call `callback` once the transaction of `session` has, or may have, been committed.

    For work of this process alone, such as invalidating a cache. Record an event (app.events) for
    anything that must not be lost: the process can die between COMMIT and this call.
    """
    session.info.setdefault("after_commit", []).append(callback)


def _commit(session: Session) -> None:
    try:
        session.flush()  # before COMMIT, not with it
        send_waiting(session)
        if is_pipelined(session) and not session.connection().in_nested_transaction():
            connection_of(session).commit()  # along with the last statements, in one message
        leave_pipeline(session)  # before the connection returns to the pool
        session.commit()
    except (DBAPIError, psycopg.Error) as error:
        if failure(error).outcome_unknown:
            _run_callbacks(session)  # in case it was committed
            raise OutcomeUnknown from error
        raise
    _run_callbacks(session)


def _run_callbacks(session: Session) -> None:
    for callback in session.info.pop("after_commit", ()):
        side_effects.attempt(callback)


def retry_transaction(work: Callable[[Session], T], *, serializable: bool = False) -> T:
    """Run `work(session)` in a transaction, and retry the whole of it on contention.

    At most MAX_TRIES attempts within MAX_SECONDS, with full jitter, after failures that
    `sqlstates` says are retried: they undo everything, decisions included.
    Raises Unavailable when contention lasts longer; nothing has been committed then. Within
    `joined` there is one attempt: the joined transaction is retried as a whole.
    """
    if _joined.get() is not None:
        with transaction() as session:
            return work(session)
    ends_at = time.monotonic() + deadline.limit(MAX_SECONDS)
    for attempt in range(1, MAX_TRIES + 1):
        try:
            with transaction(serializable=serializable) as session:
                return work(session)
        except (DBAPIError, PoolTimeout) as error:
            if not may_retry(error):
                raise
            pause = random.uniform(*_PAUSE)  # noqa: S311 – spreads callers out, guards nothing
            if attempt == MAX_TRIES or time.monotonic() + pause > ends_at:
                raise Unavailable from error
            time.sleep(pause)
            metrics.TRANSACTION_RETRIES.inc()
    raise AssertionError("unreachable")


def may_retry(error: Exception) -> bool:
    """Whether `error` rolled the transaction back and a retry may succeed."""
    return isinstance(error, PoolTimeout) or (
        isinstance(error, DBAPIError) and failure(error).is_retried
    )


def is_temporary(error: Exception) -> bool:
    """Whether nothing was changed because of a state of the database, which may pass."""
    return isinstance(error, PoolTimeout) or (
        isinstance(error, DBAPIError) and failure(error).is_temporary
    )


def failure(error: DBAPIError | psycopg.Error) -> Failure:
    """What `error` means for the transaction that failed with it."""
    if isinstance(error, psycopg.Error):
        error = as_sqlalchemy(error)
    state = sqlstate(error)
    if state is not None:
        return failure_of(state)
    # The client reports by itself that a connection was refused, timed out or closed.
    lost = error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError)
    return Failure.LOST if lost else Failure.DEFECT


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


def _roll_back(session: Session, error: BaseException) -> None:
    abandon_pipeline(session)
    if _must_close(error):
        session.invalidate()
        return
    try:
        session.rollback()
    except (DBAPIError, InvalidRequestError):
        # The connection is lost and the server has rolled back; the first error matters.
        session.invalidate()


def _must_close(error: BaseException) -> bool:
    """Whether the connection that failed must be closed; all others, too, if they lead to what is
    no longer the primary."""
    if not isinstance(error, DBAPIError | psycopg.Error):
        return False
    kind = failure(error)
    if kind is Failure.READ_ONLY and _replica.get() is None:
        current().replace_connections()
    return kind.closes_connection
