"""Background jobs (RQ), enqueued after the transaction they depend on has committed.

Jobs are JSON and call allowed functions only (`app.common.jobs`).

There are two queues, so that local jobs do not wait for slow calls to external services.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import redis
import structlog
from rq import Queue
from sqlalchemy.orm import Session

from app.common import clock, redis_client, tracing
from app.common.db import retry_transaction
from app.common.jobs import TRACEPARENT, AllowedJob, JsonSerializer
from app.common.metrics import Gauge
from app.common.process_state import Slot

Id = TypeVar("Id")

#: Queue of jobs that use only our own servers.
NAME: Final = "default"
#: Queue of jobs that call external services, which may be slow.
OUTBOUND: Final = "outbound"
#: Maximum total duration of an external call.
_OUTBOUND_TIMEOUT: Final = 45
#: A worker that receives SIGTERM finishes its job, for which it has half a minute.
_SWEEP_SECONDS: Final = 20
#: How long Redis keeps a failed job, with its traceback.
_FAILURE_SECONDS: Final = 86_400

_log = structlog.get_logger()
_connection: Final[Slot[redis.Redis]] = Slot("queue")


def configure(client: redis.Redis) -> None:
    """Enqueue the jobs of this process in this Redis."""
    _connection.configure(client)


def open_queue(name: str, connection: redis.Redis) -> Queue:
    """A queue for workers, or to enqueue jobs in."""
    return Queue(name, connection=connection, job_class=AllowedJob, serializer=JsonSerializer)


def gauges() -> tuple[Gauge, ...]:
    """How many jobs wait in each queue, and for how long the first of them has waited.

    Raises redis.RedisError.
    """
    queues = [open_queue(name, _connection()) for name in (NAME, OUTBOUND)]
    return (
        Gauge(
            "payment_flow_jobs_waiting",
            "Jobs that wait for the worker",
            "queue",
            {queue.name: queue.count for queue in queues},
        ),
        Gauge(
            "payment_flow_jobs_delay_seconds",
            "For how long the first waiting job has been waiting",
            "queue",
            {queue.name: _delay_of(queue) for queue in queues},
        ),
    )


def _delay_of(queue: Queue) -> float:
    ids = queue.get_job_ids(0, 1)
    job = queue.fetch_job(ids[0]) if ids else None
    return clock.seconds_since(job.enqueued_at if job else None, now=clock.now())


def enqueue(job: Callable[..., object], *args: Any) -> None:
    """Have the worker call `job(*args)` soon, possibly twice or not at all.

    While Redis does not answer, this process keeps the job and enqueues it afterwards. The job is
    lost if this process or the worker is killed: work that must be done also has a row in the
    database, and a scheduled job that finds it. Call it after COMMIT only, because the worker may
    run the job immediately.
    """
    _enqueue(NAME, job, *args)


def enqueue_call(job: Callable[..., object], *args: Any) -> None:
    """`enqueue` for a job that calls an external service. It has a timeout."""
    _enqueue(OUTBOUND, job, *args, job_timeout=_OUTBOUND_TIMEOUT)


def _enqueue(queue: str, job: Callable[..., object], *args: Any, **options: Any) -> None:
    if traceparent := tracing.traceparent():
        options["meta"] = {TRACEPARENT: traceparent}

    def put() -> None:
        open_queue(queue, _connection()).enqueue(
            job, *args, result_ttl=0, failure_ttl=_FAILURE_SECONDS, **options
        )

    try:
        put()
    except Exception as error:  # the caller has committed already
        is_kept = redis_client.make_up_for(_connection(), put)
        _log.warning("job not enqueued", job=job.__name__, error=str(error), later=is_kept)


def enqueue_due(
    claim_due: Callable[[Session], Sequence[Id]],
    job: Callable[[Id], object],
    *,
    enqueue: Callable[..., None] = enqueue_call,
) -> int:
    """Enqueue `job` for all due rows; returns their number. Safe to run twice.

    claim_due: claims a batch of due rows and postpones their next attempt, in its own
    transaction. enqueue: `enqueue_call` or, for a job that calls no external service, `enqueue`.
    """

    def batch() -> int:
        due = retry_transaction(claim_due)
        for one in due:
            enqueue(job, one)
        return len(due)

    return until_done(batch)


def until_done(batch: Callable[[], int]) -> int:
    """Call `batch` until it returns 0 or the time limit is reached; returns the total."""
    deadline = time.monotonic() + _SWEEP_SECONDS
    total = 0
    while found := batch():
        total += found
        if time.monotonic() > deadline:
            break
    return total
