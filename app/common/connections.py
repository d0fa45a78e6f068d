"""Connections to PostgreSQL: pools, their settings, and giving up at the deadline of the request.

The server's own limits do not help when the server is frozen or unreachable: only the client's
clock runs then.
"""

import select
import time
from functools import partial
from typing import Any, Final, TypeVar, cast

import orjson
import psycopg
from psycopg.abc import PQGen
from psycopg.sql import SQL, Identifier
from psycopg.types.json import set_json_loads
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from app.common import clock, deadline, metrics

RV = TypeVar("RV")

_WAITS: Final = metrics.histogram(
    "payment_flow_database_wait_seconds",
    "Seconds that callers waited for a connection of a pool, if more than a millisecond",
    "pool",
)
_REFUSED: Final = metrics.counter(
    "payment_flow_database_refused_total", "Callers that got no connection of a pool", "pool"
)
_IN_USE: Final = metrics.counter(
    "payment_flow_database_in_use_seconds_total",
    "Seconds that connections of a pool were in use",
    "pool",
)
_TAKEN_AT: Final = "taken_at"
#: A shorter wait is the time that taking a free connection takes.
_MIN_WAIT_SECONDS: Final = 0.001

#: Seconds that a caller waits for a connection of the pool at most, and while none is returned.
POOL_SECONDS: Final = 3.0
_STALLED_SECONDS: Final = 0.1

#: A statement that has been sent gets this long even if the deadline has passed: otherwise the
#: outcome of a COMMIT would be unknown that takes a millisecond.
_GRACE_SECONDS: Final = 0.5

_INTERVAL: Final = 0.1

#: Requests read few rows, by key. A generic plan that was made while a table was small must not
#: scan the whole table later, nor lock it in a SERIALIZABLE transaction.
BY_INDEX: Final = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"

#: Limits of the server. A client that has disappeared, or a network that drops packets, is noticed
#: within 20 seconds; a server that is silent for longer than a request may last, by the deadline
#: of the request (`Connection`).
_OPTIONS: Final = (
    "-c lock_timeout=5s -c statement_timeout=15s -c idle_in_transaction_session_timeout=15s"
    f" -c timezone=UTC {BY_INDEX}"
)
_CONNECT_SECONDS: Final = 3
#: As psycopg has it.
DEFAULT_PREPARE_THRESHOLD: Final = 5
_TCP: Final[dict[str, Any]] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}


class Connection(psycopg.Connection[Any]):
    """A connection that is closed when the server has not answered by the deadline."""

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:
        ends_at = deadline.ends_at()
        if ends_at is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        # A purchase waits 20 times, so this is written without calls that it can do without.
        started = time.monotonic()
        limit = ends_at - started
        if limit < _GRACE_SECONDS:
            limit = _GRACE_SECONDS
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError as error:
            if error.sqlstate is None and time.monotonic() - started >= limit:
                self.pgconn.finish()
                raise psycopg.OperationalError("the server did not answer in time") from error
            raise


# Half as long as with the standard library. It applies to every connection of the process.
set_json_loads(orjson.loads)


def connect(_: Dialect, __: object, args: tuple[Any, ...], options: dict[str, Any]) -> Connection:
    """Connect as SQLAlchemy's dialect does, with our class of connections."""
    return Connection.connect(*args, **options)


def connect_to_primary(
    dialect: Dialect, record: object, args: tuple[Any, ...], options: dict[str, Any]
) -> Connection:
    """Connect, and refuse a standby: while a failover is in progress, an address can lead to one.

    It would answer reads as of the past, and keep the connection. Whether it is one is asked,
    because what it has reported to a pooler can be out of date.
    """
    connection = connect(dialect, record, args, options)
    connection.autocommit = True
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    if row is None or row[0]:
        connection.close()
        raise psycopg.OperationalError("the server is a standby")
    connection.autocommit = False
    return connection


def _choice_of_host(url: str) -> dict[str, Any]:
    """Options that lead to the primary if the URL has several hosts and does not choose."""
    query = make_url(url).query
    is_open = "," in query.get("host", "") and "target_session_attrs" not in query
    return {"target_session_attrs": "primary"} if is_open else {}


class Pool(QueuePool):
    """A pool that refuses further callers quickly while no connection is returned to it.

    Otherwise all threads of a process would wait while the database is frozen, and none would be
    left to answer health checks.
    """

    _stalled = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        name = self.logging_name or "other"
        self._waits, self._refused = _WAITS.labels(name), _REFUSED.labels(name)
        self._in_use = _IN_USE.labels(name)
        #: Whether every connection is to be replaced before it is used again.
        self.is_outdated = False

    def _do_get(self) -> ConnectionPoolEntry:
        if deadline.remaining() == 0:
            self._refused.inc()
            raise PoolTimeout("the deadline of the request has passed")
        began = time.monotonic()
        self._timeout = deadline.limit(_STALLED_SECONDS if self._stalled else POOL_SECONDS)
        try:
            connection = super()._do_get()
        except PoolTimeout:
            # One that had little time left says nothing about the database.
            self._stalled = self._stalled or self._timeout == POOL_SECONDS
            self._refused.inc()
            raise
        self._stalled = False
        now = time.monotonic()
        if now - began > _MIN_WAIT_SECONDS:
            self._waits.observe(now - began)
        connection.info[_TAKEN_AT] = now
        return connection

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        taken_at = record.info.pop(_TAKEN_AT, None)
        super()._do_return_conn(record)
        if taken_at is not None:
            self._in_use.inc(time.monotonic() - taken_at)


def listen(url: str, channel: str) -> psycopg.Connection[Any]:
    """A connection of its own that receives the notifications of a channel, in autocommit mode.

    url: as in the settings. Raises psycopg.OperationalError.
    """
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(
        plain, connect_timeout=_CONNECT_SECONDS, **_TCP, **_choice_of_host(url), autocommit=True
    )
    connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
    return connection


def create_pool(
    url: str,
    isolation_level: Any,
    pool_size: int,
    *,
    name: str,
    prepare_threshold: int | None = DEFAULT_PREPARE_THRESHOLD,
    requires_primary: bool = True,
) -> Engine:
    """An engine whose connections plan by index, have the limits above, and replace themselves.

    name: of the pool in metrics; prepare_threshold: how often a connection executes a statement
    before it prepares it, None for never; requires_primary: whether it refuses a standby.
    """
    engine = create_engine(
        url,
        isolation_level=isolation_level,
        poolclass=Pool,
        pool_size=pool_size,
        pool_logging_name=name,
        max_overflow=0,
        pool_use_lifo=True,  # the last used connection has its statements prepared
        hide_parameters=True,  # errors are logged, and parameters may contain password hashes
        connect_args={
            "application_name": "payment-flow",
            "options": _OPTIONS,
            "connect_timeout": _CONNECT_SECONDS,
            "prepare_threshold": prepare_threshold,
            **_TCP,
            **(_choice_of_host(url) if requires_primary else {}),
        },
    )
    event.listen(engine, "do_connect", connect_to_primary if requires_primary else connect)
    event.listen(engine, "checkout", partial(_replace_unusable, engine))
    if isolation_level == "AUTOCOMMIT":
        event.listen(engine, "checkout", _read_clock)
    return engine


def replace_connections(engine: Engine) -> None:
    """Have the pool of an engine replace every connection before it is used again."""
    cast("Pool", engine.pool).is_outdated = True


def _replace_unusable(engine: Engine, connection: Any, record: Any, _: object) -> None:
    """Have the pool replace all connections if this one has been closed by the server, or if
    `replace_connections` was called.

    Nothing is sent on an idle connection, so one with data to read has been closed or is about to
    be. Polling the socket costs no round trip, unlike a ping.
    """
    pool = cast("Pool", engine.pool)
    if pool.is_outdated:
        pool.is_outdated = False
        raise InvalidatePoolError
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
