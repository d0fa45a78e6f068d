"""The RQ worker: its processes, and the schedule of its jobs."""

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.cron import CronScheduler
from rq.exceptions import StopRequested

from app.common import logging, queue
from app.common.settings import Settings, SettingsError
from app.delivery.codes import tasks as codes
from app.delivery.files import tasks as files
from app.inbox import tasks as inbox
from app.onramp import tasks as onramp
from app.orders.checkouts import tasks as checkouts
from app.orders.refunds import tasks as refunds
from app.payment_requests import tasks as payment_requests
from app.payouts import tasks as payouts
from app.retention import tasks as retention
from app.wallets.holds import tasks as holds
from app.wiring import wire

#: Scheduled jobs (minute hour day month weekday, UTC).
SCHEDULE = (
    (retention.prune, "* * * * *"),
    (payment_requests.expire_requests, "* * * * *"),
    (inbox.sweep, "* * * * *"),
    (onramp.expire_onramps, "* * * * *"),
    (holds.expire_holds, "* * * * *"),
    (payouts.sweep, "* * * * *"),
    (checkouts.sweep, "* * * * *"),
    (refunds.sweep, "* * * * *"),
    (codes.sweep, "* * * * *"),
    (files.enqueue_removal, "41 * * * *"),
    (files.enqueue_check, "*/10 * * * *"),
)
#: Supervisors typically kill a worker after 30 seconds.
_STOP_SECONDS = 25
#: How long Redis remembers a worker that has disappeared.
_TTL_SECONDS = 60
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.5, 15.0

_log = structlog.get_logger()


def work(settings: Settings) -> None:
    """Process jobs until SIGINT or SIGTERM; running jobs are finished first."""
    redis_url = settings.redis_url
    if redis_url is None:
        raise SettingsError("REDIS_URL is not set; `./flow up` starts a Redis of its own.")
    spawn = multiprocessing.get_context("spawn")
    helpers = (
        spawn.Process(target=_run_schedule, args=(redis_url,), daemon=True),
        # In a process of its own, so that a slow provider delays only its own jobs.
        spawn.Process(target=_run_outbound_worker, args=(settings, redis_url), daemon=True),
    )
    for helper in helpers:
        helper.start()
        _stop_with(helper)
    try:
        _run_worker(settings, redis_url, queue.NAME)
    finally:
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.join(_STOP_SECONDS)


def _run_worker(settings: Settings, redis_url: str, queue_name: str) -> None:
    """Process the jobs of one queue, one at a time, until stopped."""
    logging.configure(settings.log_level)
    wire(settings)
    connection = _connect(redis_url)
    _wait_for(connection)
    # Jobs run in this process. A forked process per job would connect to the database and prepare
    # its statements anew, which takes ten times as long as the job (docs/decisions/0008).
    SimpleWorker(
        [Queue(queue_name, connection=connection)], connection=connection, worker_ttl=_TTL_SECONDS
    ).work()


def _connect(redis_url: str) -> redis.Redis:
    # RQ waits for jobs for 15 seconds less than its TTL, and raises this timeout accordingly.
    return redis.Redis.from_url(
        redis_url, socket_timeout=10, socket_connect_timeout=3, socket_keepalive=True
    )


def _wait_for(connection: redis.Redis) -> None:
    """Wait until Redis answers. A worker that ended instead would only be started again."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            connection.ping()
        except redis.RedisError as error:
            _log.warning("waiting for Redis", error=type(error).__name__, seconds=pause)
            time.sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)
        else:
            return


def _run_outbound_worker(settings: Settings, redis_url: str) -> None:
    _stop_with(multiprocessing.parent_process())
    _run_worker(settings, redis_url, queue.OUTBOUND)


def _stop_with(other: multiprocessing.process.BaseProcess | None) -> None:
    """Stop when the other process ends for any reason, so that the supervisor restarts both."""
    if other is not None:
        threading.Thread(target=_stop_after, args=(other,), daemon=True).start()


def _stop_after(other: multiprocessing.process.BaseProcess) -> None:
    other.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _run_schedule(redis_url: str) -> None:
    """Enqueue scheduled jobs. Several schedulers may run, because jobs are idempotent."""
    _stop_with(multiprocessing.parent_process())
    connection = _connect(redis_url)
    _wait_for(connection)
    scheduler = CronScheduler(connection, logging_level="WARNING")
    for job, cron in SCHEDULE:
        scheduler.register(job, queue.NAME, cron=cron)
    with suppress(StopRequested):
        scheduler.start()  # type: ignore[no-untyped-call]
