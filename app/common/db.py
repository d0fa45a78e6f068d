"""The database: one engine per process, and the only place that commits."""

import random
import select
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar, cast
from uuid import UUID

import psycopg
from sqlalchemy import BigInteger, DateTime, MetaData, create_engine, event
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
from uuid_utils.compat import uuid7

from app.common import metrics
from app.common.driver import leave_pipeline
from app.common.errors import AppError, Unavailable
from app.common.process_state import Slot

T = TypeVar("T")

#: How long one money transaction may fight for its rows before the caller is told to come back.
MAX_TRIES: Final = 8
MAX_SECONDS: Final = 2.0
_PAUSE: Final = (0.005, 0.2)

#: Requests find few rows, by key. A plan made while a table is small must not read all of it for
#: as long as the connection lives, nor – in a SERIALIZABLE transaction – lock all of it.
BY_INDEX: Final = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CONTENTION: Final = {"40001", "40P01", "55P03"}  # serialization, deadlock, lock timeout


class Base(DeclarativeBase):
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
    """The connection broke while COMMIT was under way: it may or may not have happened."""

    status = 500
    code = "OUTCOME_UNKNOWN"
    message = "We lost touch with the database while saving. Look at your history before retrying."


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): unique, and in the order of creation."""
    return uuid7()


def first_id(moment: datetime, *, shift: timedelta = timedelta(0)) -> UUID:
    """The smallest id that can be made so long after `moment`; ids made later are larger.

    Moments before 1970 have no ids; the smallest of all stands in for theirs.
    """
    milliseconds = (moment - _EPOCH + shift) // timedelta(milliseconds=1)
    return UUID(int=max(milliseconds, 0) << 80)


class Database:
    """Connections of a process, and sessions: autocommit, READ COMMITTED and SERIALIZABLE.

    pool_size: connections at most, but at least two. Two of them are for SERIALIZABLE work alone,
    which the till does one batch at a time: always the same backends, with everything planned.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        alone = 2 if pool_size > 2 else 1
        self.engine = _engine(url, "AUTOCOMMIT", max(pool_size - alone, 1))
        self._serializable_engine = _engine(url, "SERIALIZABLE", alone)
        self.autocommit = sessionmaker(self.engine, expire_on_commit=False)
        self.read_committed = sessionmaker(
            self.engine.execution_options(isolation_level="READ COMMITTED"), expire_on_commit=False
        )
        self.serializable = sessionmaker(self._serializable_engine, expire_on_commit=False)

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()
        self._serializable_engine.dispose()

    @contextmanager
    def borrowed(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection of the pool in autocommit mode, as psycopg knows it."""
        lent = self.engine.raw_connection()
        try:
            yield cast("psycopg.Connection[Any]", lent.driver_connection)
        finally:
            lent.close()


def _engine(url: str, isolation_level: Any, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        isolation_level=isolation_level,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,  # the connection last used has its statements planned already
        pool_timeout=10,
        hide_parameters=True,  # of statements that fail: errors are logged, hashes must not be
        connect_args={
            "connect_timeout": 3,
            "application_name": "payment-flow",
            "options": "-c lock_timeout=5s -c statement_timeout=15s"
            f" -c idle_in_transaction_session_timeout=15s -c timezone=UTC {BY_INDEX}",
        },
    )
    event.listen(engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(connection: Any, record: Any, _: object) -> None:
    """Have the pool replace a connection that the server has closed.

    An idle connection has nothing to say, so one that can be read from has been closed or is
    about to be. Asking the socket costs no round trip, as a ping would.
    """
    poll = record.info.get("poll")
    if poll is None:
        poll = record.info["poll"] = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
    if connection.closed or poll.poll(0):
        raise InvalidatePoolError


#: The database that `transaction()` of this process works on.
current: Final[Slot[Database]] = Slot("database")


def configure(database: Database) -> Database:
    """Make `database` the one that `transaction()` of this process works on."""
    return current.configure(database)


@contextmanager
def transaction(*, serializable: bool = False) -> Iterator[Session]:
    """One transaction: commits when the block ends, rolls back when it raises.

    Raises OutcomeUnknown when the connection is lost during COMMIT.
    """
    database = current()
    session = (database.serializable if serializable else database.read_committed)()
    try:
        try:
            yield session
        except AppError as error:
            if not error.leaves_trace:
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
    """A part of a transaction that is undone by itself when it raises."""
    with session.begin_nested():
        # SQLAlchemy sends SAVEPOINT with its own first statement; some go past it (driver.send).
        session.connection()
        yield


@contextmanager
def reading() -> Iterator[Session]:
    """Statements that only read, each with a snapshot of its own: no BEGIN, no COMMIT.

    That is what READ COMMITTED would see, in two round trips less.
    """
    with current().autocommit() as session:
        try:
            yield session
        except psycopg.Error as error:
            raise as_sqlalchemy(error) from error


def lookup(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The one row that a statement finds, or None: for the hottest reads.

    statement: with `%(name)s` placeholders. Without a session, whose share of a small read is as
    large as PostgreSQL's.
    """
    try:
        with current().borrowed() as connection:
            return connection.execute(cast("Any", statement), values).fetchone()
    except psycopg.Error as error:
        raise as_sqlalchemy(error) from error


def after_commit(session: Session, act: Callable[[], None]) -> None:
    """Call `act` once the transaction of `session` has, or may have, been committed.

    For what only this process must do at once, such as dropping a cached answer. Whatever must
    not be lost is an event (app.events), because a process can die between commit and this call.
    """
    session.info.setdefault("after_commit", []).append(act)


def _commit(session: Session) -> None:
    leave_pipeline(session)  # while the connection is still ours
    try:
        session.commit()
    except DBAPIError as error:
        if error.connection_invalidated or _is_disconnect(error):
            _act_after_commit(session)  # in case it did happen
            raise OutcomeUnknown from error
        raise
    _act_after_commit(session)


def _act_after_commit(session: Session) -> None:
    for act in session.info.pop("after_commit", ()):
        act()


def retry_transaction(work: Callable[[Session], T], *, serializable: bool = False) -> T:
    """Run `work` in a transaction, whole and again while others are in its way.

    At most MAX_TRIES tries with full jitter within MAX_SECONDS, because a serialization failure
    (40001) or deadlock (40P01) undoes everything, decisions included.
    Raises Unavailable when contention outlasts that; nothing happened then.
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
    """Whether `error` undid the transaction and a new try may succeed."""
    return isinstance(error, PoolTimeout) or (
        isinstance(error, DBAPIError) and (sqlstate(error) in _CONTENTION or is_unreachable(error))
    )


def as_sqlalchemy(error: psycopg.Error) -> DBAPIError:
    """An error of the driver as SQLAlchemy would have raised it."""
    return cast(
        "DBAPIError",
        DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True),
    )


def sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def constraint_name(error: DBAPIError) -> str | None:
    """The constraint that refused the statement, if one did."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)


def is_unreachable(error: Exception) -> bool:
    """Whether `error` says that the database is away, shutting down or out of connections."""
    return isinstance(error, OperationalError) and (
        error.connection_invalidated or _is_disconnect(error)
    )


def _is_disconnect(error: DBAPIError) -> bool:
    state = sqlstate(error)
    return state is None or state[:2] in ("08", "53") or state in ("57P01", "57P02", "57P03")


def _roll_back(session: Session) -> None:
    with suppress(psycopg.Error):  # whatever failed in it is undone now
        leave_pipeline(session)
    try:
        session.rollback()
    except (DBAPIError, InvalidRequestError):
        # The connection is gone and the server has rolled back already; the first error matters.
        session.invalidate()
