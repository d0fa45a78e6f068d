"""Connections to PostgreSQL that give up at the deadline of the request.

The server's own limits do not help when the server is frozen or unreachable: only the client's
clock runs then.
"""

import time
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from app.common import deadline

RV = TypeVar("RV")

#: Seconds that a caller waits for a connection of the pool at most, and while none is returned.
POOL_SECONDS: Final = 3.0
_STALLED_SECONDS: Final = 0.1

#: A statement that has been sent gets this long even if the deadline has passed: otherwise the
#: outcome of a COMMIT would be unknown that takes a millisecond.
_GRACE_SECONDS: Final = 0.5

_INTERVAL: Final = 0.1


class Connection(psycopg.Connection[Any]):
    """A connection that is closed when the server has not answered by the deadline."""

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:
        left = deadline.remaining()
        if left is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        started = time.monotonic()
        limit = max(left, _GRACE_SECONDS)
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError as error:
            if error.sqlstate is None and time.monotonic() - started >= limit:
                self.pgconn.finish()
                raise psycopg.OperationalError("the server did not answer in time") from error
            raise


def connect_within_deadline(
    _: Dialect, __: object, args: tuple[Any, ...], options: dict[str, Any]
) -> Connection:
    """Connect as SQLAlchemy's dialect does, with our class of connections."""
    return Connection.connect(*args, **options)


class Pool(QueuePool):
    """A pool that refuses further callers quickly while no connection is returned to it.

    Otherwise all threads of a process would wait while the database is frozen, and none would be
    left to answer health checks.
    """

    _stalled = False

    def _do_get(self) -> ConnectionPoolEntry:
        if deadline.remaining() == 0:
            raise PoolTimeout("the deadline of the request has passed")
        self._timeout = deadline.limit(_STALLED_SECONDS if self._stalled else POOL_SECONDS)
        try:
            connection = super()._do_get()
        except PoolTimeout:
            self._stalled = True
            raise
        self._stalled = False
        return connection
