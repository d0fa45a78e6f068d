"""The RQ worker: which jobs there are, and when they run."""

import multiprocessing
import os
import signal
import threading
from contextlib import suppress

import redis
from rq import Queue, SimpleWorker
from rq.cron import CronScheduler
from rq.exceptions import StopRequested

from app.banks import tasks as banks
from app.common import logging, queue
from app.common.settings import Settings, SettingsError
from app.factory import connect_database, wire_modules
from app.holds import tasks as holds
from app.idempotency import tasks as idempotency
from app.onramp import tasks as onramp
from app.payment_requests import tasks as payment_requests
from app.payouts import tasks as payouts

#: Jobs by the clock (minute hour day month weekday, UTC).
SCHEDULE = (
    (idempotency.forget_old_keys, "17 * * * *"),
    (payment_requests.expire_requests, "* * * * *"),
    (banks.sweep, "* * * * *"),
    (onramp.expire, "* * * * *"),
    (holds.let_expired_holds_go, "* * * * *"),
    (payouts.sweep, "* * * * *"),
)


def work(settings: Settings) -> None:
    """Work off jobs until SIGINT or SIGTERM; the one under way is finished first."""
    if settings.redis_url is None:
        raise SettingsError("REDIS_URL is not set; `./flow up` starts a Redis of its own.")
    logging.configure(settings.log_level)
    connect_database(settings)
    wire_modules(settings)
    queue.configure(settings.redis_url)
    connection = redis.Redis.from_url(settings.redis_url)
    clockwork = multiprocessing.get_context("spawn").Process(
        target=_run_schedule, args=(settings.redis_url,), daemon=True
    )
    clockwork.start()
    # Without its schedule the worker is no use: whoever supervises it starts both again.
    threading.Thread(target=_stop_after, args=(clockwork,), daemon=True).start()
    try:
        # Jobs run in this process. One that is forked for each connects to the database and builds
        # its statements anew, which takes ten times as long as the job (docs/decisions/0008).
        SimpleWorker([Queue(queue.NAME, connection=connection)], connection=connection).work()
    finally:
        clockwork.terminate()


def _stop_after(clockwork: multiprocessing.process.BaseProcess) -> None:
    clockwork.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _run_schedule(redis_url: str) -> None:
    """Enqueue what is due. Several may run: jobs are idempotent."""
    scheduler = CronScheduler(redis.Redis.from_url(redis_url), logging_level="WARNING")
    for job, cron in SCHEDULE:
        scheduler.register(job, queue.NAME, cron=cron)
    with suppress(StopRequested):
        scheduler.start()  # type: ignore[no-untyped-call]
