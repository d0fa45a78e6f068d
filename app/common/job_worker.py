"""The RQ worker that runs our jobs, and how others see that it works."""

import socket
import time
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Final

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.exceptions import DeserializationError
from rq.job import Job

from app.common import jobs, queue, tracing

SCHEDULER: Final = "scheduler"
RELAY: Final = "relay"
MAILER: Final = "mailer"
WEBHOOKS: Final = "webhooks"
#: The processes of a worker: one for each queue, the scheduler, the relay of events, and those that
#: send mails and webhooks.
PROCESSES: Final = (queue.NAME, queue.OUTBOUND, SCHEDULER, RELAY, MAILER, WEBHOOKS)
#: The process that consumes from Kafka, if there is one.
CONSUMER: Final = "consumer"

#: How long Redis remembers a process that has disappeared or hangs.
_MEMORY_SECONDS: Final = 120
#: RQ adds this to the TTL that it is given.
_ADDED_BY_RQ: Final = 60

_log = structlog.get_logger()


class JobWorker(SimpleWorker):
    """Runs jobs in this process. Logs one line for each, in place of the four of RQ.

    A forked process per job would connect to the database and prepare its statements anew, which
    takes ten times as long as the job (docs/decisions/0008).
    """

    def run(self) -> None:
        """Run jobs until SIGINT or SIGTERM; the running one is finished first."""
        _log.info("worker_started", queues=self.queue_names())
        self.work(logging_level="WARNING")  # of RQ's own lines
        _log.info("worker_stopped", queues=self.queue_names())

    def heartbeat(
        self, timeout: int | None = None, pipeline: "redis.client.Pipeline | None" = None
    ) -> None:
        """RQ calls it between two jobs, and with the time limit of a job before it."""
        super().heartbeat(timeout, pipeline)
        # RQ's own record is incomplete once it has expired, such as after a pause of the machine.
        connection = self.connection if pipeline is None else pipeline
        for name in self.queue_names():
            report(connection, name, timeout or _MEMORY_SECONDS)

    def perform_job(self, job: Job, queue: Queue) -> bool:
        started = time.perf_counter()
        with tracing.following(
            "job",
            job.traceparent if isinstance(job, jobs.AllowedJob) else None,
            kind=tracing.Kind.CONSUMER,
            attributes={"payment_flow.job": str(_description(job)["job"])},
        ) as span:
            succeeded = super().perform_job(job, queue)
            if span is not None:
                span.has_failed = not succeeded
        if succeeded:
            # A scheduled job that found nothing to do is no news.
            is_news = bool(job.args) or bool(job._result)
            log = _log.info if is_news else _log.debug
            ms = round((time.perf_counter() - started) * 1000, 1)
            log("job", **_description(job), ms=ms, result=job._result)
        return succeeded

    def handle_exception(
        self,
        job: Job,
        *exc_info: type[BaseException] | BaseException | TracebackType | None,
    ) -> None:
        _log.error("job_failed", **_description(job), exc_info=exc_info)


def _description(job: Job) -> dict[str, Any]:
    try:
        name, arguments = job.func_name, [str(value) for value in job.args]
    except DeserializationError:  # written by another version, or by somebody else
        name, arguments = None, []
    return {"job": name, "arguments": arguments, "queue": job.origin}


def make(
    queue_name: str, connection: redis.Redis, allowed: Collection[Callable[..., object]]
) -> JobWorker:
    """A worker that calls these functions and nothing else."""
    jobs.allowed.configure(_by_name(allowed))
    return JobWorker(
        [queue.open_queue(queue_name, connection)],
        connection=connection,
        job_class=jobs.AllowedJob,
        serializer=jobs.JsonSerializer,
        worker_ttl=_MEMORY_SECONDS - _ADDED_BY_RQ,
    )


def _by_name(functions: Collection[Callable[..., object]]) -> Mapping[str, Callable[..., object]]:
    return {jobs.name_of(function): function for function in functions}


def report(connection: redis.Redis, process: str, seconds: int = _MEMORY_SECONDS) -> None:
    """Tell that a process of the worker of this machine works, for so many seconds."""
    connection.set(_key(process), b"", ex=seconds)


def missing_processes(connection: redis.Redis, *, with_consumer: bool = False) -> list[str]:
    """The processes of the worker of this machine that do not work.

    What has ended or hangs is missing after two minutes; what hangs in a job, a minute after the
    time limit of the job. Raises redis.RedisError.
    """
    processes = (*PROCESSES, CONSUMER) if with_consumer else PROCESSES
    return [process for process in processes if not connection.exists(_key(process))]


def _key(process: str) -> str:
    return f"rq:payment-flow:{socket.gethostname()}:{process}"
