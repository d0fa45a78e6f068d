"""Reads from a replica of the database, which may be a moment old, but never older than what their
caller has written (docs/decisions/0037-reads-from-replicas.md)."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final, TypeVar, cast

import redis
import structlog
from flask import Flask, Response, request
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from app.common import cache, db, deadline, metrics, redis_client
from app.common.batch_executor import BatchExecutor, Drain
from app.common.connections import create_pool
from app.common.errors import AppError, Unavailable
from app.common.middleware import caller_id, has_caller
from app.common.process_state import Slot
from app.common.redis_client import Circuit
from app.common.sqlstates import Failure

View = TypeVar("View", bound=Callable[..., Any])

#: Seconds of a request that a replica may take. What takes longer is read from the primary.
_MAX_SECONDS: Final = 5.0
#: Seconds between two looks at how far the primary has written.
_SAMPLE_SECONDS: Final = 0.5
#: How far a write of a caller may reach if it is not known: no replica is as far.
_UNKNOWN: Final = 2**63 - 1
#: The member of the sorted set whose score is the position, because a score can be raised without
#: ever being lowered. Scores are exact up to 2^53, which is 9 PB of WAL.
_POSITION: Final = "position"
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")

#: Positions are bytes of WAL since the cluster was created.
_WRITTEN: Final = text("SELECT CAST(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') AS bigint)")
#: A replica that has been promoted has everything.
_REPLAYED: Final = """
    SELECT CAST(pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_flush_lsn() END, '0/0'
    ) AS bigint)
"""

_READS: Final = metrics.counter(
    "payment_flow_replica_reads_total", "Requests that may be answered by a replica", "outcome"
)

log = structlog.get_logger()


class ReplicaBehind(Exception):
    """The replica has not replayed what the read has to see."""


class Replica:
    """The pool of connections to a replica, or to a load balancer before several.

    max_lag: how old in seconds an answer may be.
    """

    def __init__(self, url: str, *, pool_size: int, max_lag: float) -> None:
        self.engine = create_pool(
            url, "AUTOCOMMIT", pool_size, name="replica", requires_primary=False
        )
        self.max_lag = max_lag
        self._autocommit = sessionmaker(self.engine, expire_on_commit=False)
        self._snapshot = sessionmaker(
            self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            ),
            expire_on_commit=False,
        )
        #: When the primary was looked at within `max_lag`, and how far it had written.
        self._samples: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()
        #: Purchases of one batch end together, and one look at the primary serves all of them.
        self.positions: BatchExecutor[str, None] = BatchExecutor(self._remember, name="positions")
        self.circuit = Circuit(self._probe, server="replica", failures=(DBAPIError, PoolTimeout))

    def minimum(self) -> int:
        """A position that the primary had reached at most `max_lag` ago.

        Raises DBAPIError, PoolTimeout if the primary does not answer.
        """
        now = time.monotonic()
        with self._lock:
            self._forget_old_samples(now)
            is_recent = self._samples and self._samples[-1][0] > now - _SAMPLE_SECONDS
            if is_recent:
                return self._samples[0][1]
        self.sample()
        with self._lock:
            return self._samples[0][1]

    def sample(self) -> int:
        """Look how far the primary has written. Raises DBAPIError, PoolTimeout."""
        now = time.monotonic()
        with db.current().autocommit() as session:
            position = session.execute(_WRITTEN).scalar_one()
        with self._lock:
            self._samples.append((now, position))
            self._forget_old_samples(now)  # also while nothing is read from the replica
        return int(position)

    def _forget_old_samples(self, now: float) -> None:
        """Needs the lock."""
        while self._samples and self._samples[0][0] < now - self.max_lag:
            self._samples.popleft()

    def _remember(self, drain: Drain[str]) -> Sequence[None]:
        """Remember how far the primary has written, for callers who had written before."""
        keys = drain()
        try:
            position = self.sample()
        except (DBAPIError, PoolTimeout):
            position = _UNKNOWN
        _store(self, set(keys), position)
        return [None] * len(keys)

    @contextmanager
    def routed(self, minimum: int) -> Iterator[None]:
        """A block whose reads are answered by the replica if it has replayed `minimum`.

        They raise ReplicaBehind otherwise.
        """

        def open_session(*, snapshot: bool) -> Session:
            session = (self._snapshot if snapshot else self._autocommit)()
            try:
                self._require(session, minimum)
            except BaseException:
                session.close()
                raise
            return session

        with db.read_from(open_session):
            yield

    def _require(self, session: Session, minimum: int) -> None:
        """Require that the server of a session has replayed a position. Raises ReplicaBehind.

        A load balancer may lead each connection to another server, so each remembers how far its
        own server was.
        """
        connection = session.connection().connection
        known = connection.info
        if known.get("replayed", 0) >= minimum:
            return
        driver = cast("Any", connection.driver_connection)
        (known["replayed"],) = driver.execute(_REPLAYED).fetchone()
        driver.rollback()  # a snapshot begins after what it must include
        if known["replayed"] < minimum:
            raise ReplicaBehind

    def _probe(self) -> None:
        with self._autocommit() as session:
            self._require(session, 0)

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()


#: The replica of this process, None if it has none.
current: Final[Slot[Replica | None]] = Slot("replica", default=None)


def may_lag(view: View) -> View:
    """An endpoint that only reads, and whose answer may be as of a moment ago.

    Its reads (`db.reading`, `db.snapshot`) are answered by the replica. What it cannot answer, or
    answers with an error, is asked of the primary, so that neither its failure nor its lag fails a
    request. Place it directly above the function, which is called a second time then.
    """

    @wraps(view)
    def routed(*args: Any, **values: Any) -> Any:
        replica = current()
        if replica is None:
            return view(*args, **values)
        if replica.circuit.is_open:
            _READS.labels("unavailable").inc()
            return view(*args, **values)
        copies = [dict(each) if isinstance(each, dict) else each for each in args]
        try:
            minimum = max(replica.minimum(), _position_of_caller())
            with deadline.within(_MAX_SECONDS), replica.routed(minimum):
                answer = view(*copies, **values)
        except ReplicaBehind:
            _READS.labels("behind").inc()
        except AppError:  # such as NotFound, because it does not have the row yet
            _READS.labels("refused").inc()
        except (DBAPIError, PoolTimeout) as error:
            _READS.labels("failed").inc()
            if isinstance(error, PoolTimeout) or db.failure(error) in (Failure.LOST, Failure.BUSY):
                replica.circuit.record_failure(error)
        else:
            _READS.labels("replica").inc()
            return answer
        return view(*args, **values)

    return cast("View", routed)


def install(app: Flask) -> None:
    """Remember how far callers have written, so that they read it."""

    app.after_request(remember_write)


def remember_write(response: Response) -> Response:
    """Remember how far the primary has written if the request may have changed something."""
    replica = current()
    is_write = request.method not in _SAFE_METHODS and not 400 <= response.status_code < 500
    if replica is not None and is_write and has_caller():
        _remember_position(replica)
    return response


def _remember_position(replica: Replica) -> None:
    """Remember for `max_lag` how far the primary has written, with what the caller has changed."""
    try:
        replica.positions.submit(_key())
    except Unavailable:
        _store(replica, {_key()}, _UNKNOWN)


def _store(replica: Replica, keys: Iterable[str], position: int) -> None:
    """Remember a position of the callers whose keys these are."""
    client = cache.client()
    milliseconds = int(replica.max_lag * 1000) + 1000

    def store() -> None:
        # Requests of a caller may end in another order than they have looked.
        with client.pipeline() as pipeline:
            for key in keys:
                pipeline.zadd(key, {_POSITION: position}, gt=True)
                pipeline.pexpire(key, milliseconds)
            pipeline.execute()

    try:
        store()
    except redis.RedisError:
        redis_client.make_up_for(client, store)


def _position_of_caller() -> int:
    """The position that the caller's reads must include; all there is if Redis does not tell."""
    if not has_caller():
        return 0
    try:
        found = cache.client().zscore(_key(), _POSITION)
    except redis.RedisError:
        return _UNKNOWN
    return int(cast("float", found) or 0)


def _key() -> str:
    return f"cache:written:{caller_id()}"
