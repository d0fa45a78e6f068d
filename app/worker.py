"""The RQ worker: its processes, and the schedule of its jobs."""

import multiprocessing
import os
import signal
import threading
import time
from typing import Final

import redis
import structlog
from rq import SimpleWorker

from app.common import clock, jobs, logging, queue
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
from app.sales.daily_sums import tasks as daily_sums
from app.wallets.holds import tasks as holds
from app.wiring import wire

#: Scheduled jobs. Each runs every so many minutes, at this minute of them (UTC).
SCHEDULE: Final = (
    (retention.prune, 1, 0),
    (payment_requests.expire_requests, 1, 0),
    (inbox.sweep, 1, 0),
    (onramp.expire_onramps, 1, 0),
    (holds.expire_holds, 1, 0),
    (payouts.sweep, 1, 0),
    (checkouts.sweep, 1, 0),
    (refunds.sweep, 1, 0),
    (codes.sweep, 1, 0),
    (daily_sums.sum_days, 10, 5),
    (files.enqueue_removal, 60, 41),
    (files.enqueue_check, 10, 0),
)
#: Every function that a job may name: those of the schedule, and those that others enqueue.
JOBS: Final = (
    *(job for job, _, _ in SCHEDULE),
    inbox.handle,
    payouts.advance,
    checkouts.close_checkout,
    refunds.request_refund,
    codes.add_codes,
    files.remove_unreferenced,
    files.check_contents,
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
        spawn.Process(target=_run_schedule, args=(settings, redis_url), daemon=True),
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
    make_worker(queue_name, connection).work()


def make_worker(queue_name: str, connection: redis.Redis) -> SimpleWorker:
    """A worker that calls JOBS and nothing else."""
    jobs.allowed.configure({jobs.name_of(job): job for job in JOBS})
    return SimpleWorker(
        [queue.open_queue(queue_name, connection)],
        connection=connection,
        job_class=jobs.AllowedJob,
        serializer=jobs.JsonSerializer,
        worker_ttl=_TTL_SECONDS,
    )


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


def _run_schedule(settings: Settings, redis_url: str) -> None:
    """Enqueue scheduled jobs. Several schedulers may run, because jobs are idempotent."""
    _stop_with(multiprocessing.parent_process())
    logging.configure(settings.log_level)
    connection = _connect(redis_url)
    _wait_for(connection)
    queue.configure(connection)
    while True:
        time.sleep(60 - clock.now().timestamp() % 60)
        minute = round(clock.now().timestamp() / 60)
        for scheduled, every, at in SCHEDULE:
            if minute % every == at:
                queue.enqueue(scheduled)
