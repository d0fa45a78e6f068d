"""Jobs for the worker (RQ), put in line after the change they are about is committed.

There are two lines, so that nobody's credit waits for somebody else's network.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import redis
import structlog
from rq import Queue
from sqlalchemy.orm import Session

from app.common.db import retry_transaction
from app.common.process_state import Slot

Id = TypeVar("Id")

#: Jobs that need nothing but our own servers.
NAME: Final = "default"
#: Jobs that call somebody outside, who may be slow.
OUTBOUND: Final = "outbound"
#: How long a call may take altogether, however slowly the answer comes in.
_OUTBOUND_SECONDS: Final = 45
#: A worker that is told to stop finishes its job, and is not given longer than half a minute.
_SWEEP_SECONDS: Final = 20

_log = structlog.get_logger()
_connection: Final[Slot[redis.Redis]] = Slot("queue")


def configure(redis_url: str) -> None:
    """Put jobs of this process in line in that Redis."""
    # The caller that enqueues has somebody waiting.
    _connection.configure(
        redis.Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
    )


def enqueue(job: Callable[..., object], *args: Any) -> None:
    """Have the worker call `job(*args)` soon, perhaps twice, perhaps not at all.

    It may be lost when Redis is away or the worker is killed: what must be done has a row that
    says so, and a scheduled job that finds it. Never within a transaction: the worker is quick.
    """
    _enqueue(NAME, job, *args)


def enqueue_call(job: Callable[..., object], *args: Any) -> None:
    """`enqueue` for a job that calls somebody outside. It is cut off when it takes too long."""
    _enqueue(OUTBOUND, job, *args, job_timeout=_OUTBOUND_SECONDS)


def _enqueue(line: str, job: Callable[..., object], *args: Any, **options: Any) -> None:
    connection = _connection()
    try:
        Queue(line, connection=connection).enqueue(job, *args, result_ttl=0, **options)
    except redis.RedisError as error:
        _log.warning("job not enqueued", job=job.__name__, error=str(error))


def enqueue_due(claim_due: Callable[[Session], Sequence[Id]], job: Callable[[Id], object]) -> int:
    """Enqueue `job`, which calls somebody outside, for everything that is due; how many.

    claim_due: claims a batch of what is due and puts off its next attempt, in a transaction of
    its own. Safe to run twice.
    """

    def batch() -> int:
        due = retry_transaction(claim_due)
        for one in due:
            enqueue_call(job, one)
        return len(due)

    return until_done(batch)


def until_done(batch: Callable[[], int]) -> int:
    """Call `batch` until it finds nothing more or a sweep's time is over; how many it found."""
    deadline = time.monotonic() + _SWEEP_SECONDS
    total = 0
    while found := batch():
        total += found
        if time.monotonic() > deadline:
            break
    return total
