"""The worker: its processes, the schedule of its jobs, and what handles events."""

import gc
import math
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import redis
import structlog

from app.common import (
    clock,
    job_worker,
    logging,
    metric_files,
    metrics_server,
    otlp,
    queue,
    redis_client,
)
from app.common.listening import listen
from app.common.settings import (
    Settings,
    SettingsError,
    require_direct_database,
    require_redis,
)
from app.delivery.codes import tasks as codes
from app.delivery.files.uploads import tasks as file_uploads
from app.delivery.licences import tasks as licences
from app.events import outside
from app.events.handlers import Handler
from app.events.relay import process as relay
from app.events.sinks import Sink
from app.inbox import tasks as inbox
from app.insights.transactions import handler as feed
from app.insights.uptime import checker
from app.notifications import handler as notifications
from app.notifications import mailer
from app.onramp import tasks as onramp
from app.orders.checkouts import tasks as checkouts
from app.orders.refunds import tasks as refunds
from app.payment_requests import tasks as payment_requests
from app.payouts import tasks as payouts
from app.retention import tasks as retention
from app.risk.backtests import tasks as risk_backtests
from app.risk.cases import tasks as risk_cases
from app.sales.daily_sums import tasks as daily_sums
from app.storage import tasks as storage
from app.wallets.holds import tasks as holds
from app.webhooks import handler as webhook_events
from app.webhooks import tasks as webhooks
from app.webhooks.dispatch.dispatcher import Dispatcher
from app.wiring import connect_database, wire

#: Scheduled jobs. Each runs every so many minutes, at this minute of them (UTC).
SCHEDULE: Final = (
    (retention.prune, 1, 0),
    (payment_requests.expire_requests, 1, 0),
    (inbox.sweep, 1, 0),
    (onramp.expire_onramps, 1, 0),
    (holds.expire_holds, 1, 0),
    (risk_cases.expire_cases, 1, 0),
    (payouts.sweep, 1, 0),
    (checkouts.sweep, 1, 0),
    (refunds.sweep, 1, 0),
    (codes.sweep, 1, 0),
    (licences.sweep, 1, 0),
    (webhooks.sweep, 1, 0),
    (risk_backtests.sweep, 1, 0),
    (daily_sums.sum_days, 10, 5),
    (storage.enqueue_removal, 60, 41),
    (storage.enqueue_check, 10, 0),
)
#: Every function that a job may name: those of the schedule, and those that others enqueue.
JOBS: Final = (
    *(job for job, _, _ in SCHEDULE),
    inbox.handle,
    payouts.advance,
    checkouts.close_checkout,
    refunds.request_refund,
    codes.add_codes,
    file_uploads.delete_parts,
    licences.apply_terms,
    webhooks.queue_replay,
    risk_backtests.run_backtest,
    storage.remove_unreferenced,
    storage.check_contents,
)
#: What handles events, each with its own progress under its name, which is never changed.
HANDLERS: Final[tuple[Handler, ...]] = (
    Handler("notifications", notifications.handle, notifications.TYPES),
    Handler("webhooks", webhook_events.handle, webhook_events.TYPES),
    Handler("insights", feed.handle, feed.TYPES),
)
#: Supervisors typically kill a worker after 30 seconds.
_STOP_SECONDS = 25
#: Of what nobody waits for: requests come first where there are too few processors for both.
_NICENESS = 15
#: Between two reports that a process works.
_REPORT_SECONDS = 20.0
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.5, 15.0

_log = structlog.get_logger()


class WorkerProblem(Exception):
    """The worker of this machine does not work; one sentence for the operator."""


def work(settings: Settings) -> None:
    """Process jobs until SIGINT or SIGTERM; running jobs are finished first.

    Raises SettingsError if Redis refuses the user of REDIS_URL.
    """
    redis_url = require_redis(settings)
    logging.configure(settings.log_level)
    listener = _metrics_listener(settings)
    with _connect(redis_url) as connection:
        _wait_for(connection)
    # Each in a process of its own, so that a slow provider or event delays nothing else. Forked
    # before there is a thread or a connection, they share the memory of what is imported.
    fork = multiprocessing.get_context("fork")
    runs = [_run_schedule, _run_outbound_worker, _run_relay, _run_mailer, _run_webhooks]
    if settings.kafka_bootstrap_servers:
        runs.append(_run_consumer)
    helpers = [
        fork.Process(
            target=_run_helper,
            args=(run, settings, redis_url),
            kwargs={"listener": listener if run is _run_schedule else None},
            daemon=True,
        )
        for run in runs
    ]
    gc.freeze()  # what would be written to when garbage is collected could not be shared
    for helper in helpers:
        helper.start()
    if listener is not None:
        listener.close()
    for helper in helpers:
        _stop_with(helper)
    metric_files.use_slot(queue.NAME)
    try:
        _run_worker(settings, redis_url, queue.NAME)
    finally:
        # Each helper that ends would stop this process again, and at once.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.join(_STOP_SECONDS)


def require_working(settings: Settings) -> None:
    """Raises WorkerProblem unless all processes of the worker of this machine work."""
    connection = redis_client.connect_directly(require_redis(settings), timeout=3)
    try:
        missing = job_worker.missing_processes(
            connection, with_consumer=bool(settings.kafka_bootstrap_servers)
        )
    except redis.RedisError as error:
        raise WorkerProblem(f"Redis, which knows the worker, does not answer: {error}.") from None
    if missing:
        raise WorkerProblem(f"Missing on this machine: {', '.join(missing)}.")


def _run_worker(settings: Settings, redis_url: str, queue_name: str) -> None:
    """Process the jobs of one queue, one at a time, until stopped."""
    wire(settings)
    with otlp.exported(settings, process=queue_name):
        make_worker(queue_name, _connect(redis_url)).run()


def make_worker(queue_name: str, connection: redis.Redis) -> job_worker.JobWorker:
    """A worker that calls JOBS and nothing else."""
    return job_worker.make(queue_name, connection, JOBS)


def _connect(redis_url: str) -> redis.Redis:
    # RQ waits for jobs for 15 seconds less than its TTL, and raises this timeout accordingly.
    return redis_client.connect_directly(
        redis_url, timeout=10, connect_timeout=3, socket_keepalive=True
    )


def _wait_for(connection: redis.Redis) -> None:
    """Wait until Redis answers. A worker that ended instead would only be started again.

    Raises SettingsError if it refuses us.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            connection.ping()
        except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
            raise SettingsError(f"Redis refuses the user of REDIS_URL: {error}.") from None
        except redis.RedisError as error:
            _log.warning("waiting for Redis", error=type(error).__name__, seconds=pause)
            time.sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)
        else:
            return


def _metrics_listener(settings: Settings) -> socket.socket | None:
    """Where the metrics of all processes are served. Raises SettingsError."""
    port = settings.worker_metrics_port
    return None if port is None else listen(settings.metrics_host, port)


def _run_helper(
    run: Callable[[Settings, str], None],
    settings: Settings,
    redis_url: str,
    *,
    listener: socket.socket | None,
) -> None:
    """Run one of the other processes, which ends with the first one.

    listener: where it serves the metrics of all processes, if it does.
    """
    _stop_with(multiprocessing.parent_process())
    metric_files.use_slot(run.__name__.strip("_").replace("_", "-"))
    if listener is not None and settings.metrics_token is not None:
        metrics_server.start(listener, settings.metrics_token)
    logging.configure(settings.log_level)
    try:
        _wait_for(_connect(redis_url))
        run(settings, redis_url)
    except Exception:
        _log.exception("worker_process_failed")
        sys.exit(1)


def _run_outbound_worker(settings: Settings, redis_url: str) -> None:
    _run_worker(settings, redis_url, queue.OUTBOUND)


def _run_mailer(settings: Settings, redis_url: str) -> None:
    """Send mails and text messages."""
    os.nice(_NICENESS)
    wire(settings)
    report = _reporter(redis_url, job_worker.MAILER)
    with otlp.exported(settings, process="mailer"):
        mailer.run(settings, stop=_stop_event(), report=report)


def _run_webhooks(settings: Settings, redis_url: str) -> None:
    """Deliver webhooks until SIGTERM; attempts in progress are finished first."""
    os.nice(_NICENESS)
    # Of glibc, which would wait for a name server of a merchant for up to half a minute.
    os.environ.setdefault("RES_OPTIONS", "timeout:2 attempts:2")
    wire(settings)
    _log.info("webhooks_started")
    report = _reporter(redis_url, job_worker.WEBHOOKS)
    with otlp.exported(settings, process="webhooks"):
        Dispatcher().run(until=_stop_event().is_set, report=report)
    _log.info("webhooks_stopped")


def _run_consumer(settings: Settings, redis_url: str) -> None:
    """Consume from Kafka."""
    # Takes 16 MB, and the other processes do not need it.
    from app.events.kafka import consumer

    wire(settings)
    report = _reporter(redis_url, job_worker.CONSUMER)
    with otlp.exported(settings, process="consumer"):
        consumer.consume(settings, _stop_event(), report=report)


def _run_schedule(settings: Settings, redis_url: str) -> None:
    """Enqueue scheduled jobs, and check whether requests can be served.

    Several schedulers may run, because jobs are idempotent.
    """
    queue.configure(_connect(redis_url))
    connect_database(settings)
    checker.start(settings.readiness_address)
    report = _reporter(redis_url, job_worker.SCHEDULER)
    _log.info("scheduler_started")
    while True:
        report()
        time.sleep(60 - clock.now().timestamp() % 60)
        minute = round(clock.now().timestamp() / 60)
        for scheduled, every, at in SCHEDULE:
            if minute % every == at:
                queue.enqueue(scheduled)


def _run_relay(settings: Settings, redis_url: str) -> None:
    """Deliver events until SIGTERM; what is being delivered is finished first."""
    os.nice(_NICENESS)
    wire(settings)
    with otlp.exported(settings, process="relay"):
        relay.run(
            sinks(settings),
            listen_url=require_direct_database(settings),
            stop=_stop_event(),
            report=_reporter(redis_url, job_worker.RELAY),
        )


def sinks(settings: Settings) -> tuple[Sink, ...]:
    """What events are delivered to."""
    return (*HANDLERS, *outside.sinks_of(settings))


def _stop_event() -> threading.Event:
    """An event that is set by SIGTERM and SIGINT, so that work in progress is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _reporter(redis_url: str, process: str) -> Callable[[], None]:
    """A function that tells that a process works, however often it is called."""
    connection = _connect(redis_url)
    reported_at = -math.inf

    def report() -> None:
        nonlocal reported_at
        if time.monotonic() - reported_at >= _REPORT_SECONDS:
            reported_at = time.monotonic()
            with suppress(redis.RedisError):  # Redis forgets us until it is back
                job_worker.report(connection, process)

    return report


def _stop_with(other: multiprocessing.process.BaseProcess | None) -> None:
    """Stop when the other process ends for any reason, so that the supervisor restarts both."""
    if other is not None:
        threading.Thread(target=_stop_after, args=(other,), daemon=True).start()


def _stop_after(other: multiprocessing.process.BaseProcess) -> None:
    other.join()
    os.kill(os.getpid(), signal.SIGTERM)
