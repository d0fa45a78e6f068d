"""A running worker: what it logs, and how others see that it works."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from app.common import queue
from app.common.ids import new_id
from app.common.job_worker import CONSUMER, PROCESSES, missing_processes, report
from app.common.settings import PROJECT_ROOT, Settings
from app.inbox import tasks as inbox
from app.worker import WorkerProblem, make_worker, require_working
from tests import servers
from tests.live import wait_until

START_SECONDS = 180


@pytest.fixture
def connection(settings: Settings) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(str(settings.redis_url))
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def worker(
    settings: Settings, connection: redis.Redis, log: Path, worker_number: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker on a database of its own, when all of its processes work."""
    with (
        servers.database(f"payment_flow_worker_{worker_number}") as made,
        log.open("w") as output,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "worker"],
            env=os.environ
            | {
                "APP_ENV": "test",
                "DATABASE_URL": made.app_url,
                "REDIS_URL": str(settings.redis_url),
                "DATA_DIR": str(settings.data_dir),
                "LOG_LEVEL": "info",
            },
            cwd=PROJECT_ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_until(
            lambda: missing_processes(connection) == [] or process.poll(), seconds=START_SECONDS
        )
        assert process.poll() is None, log.read_text()
        yield process
        with suppress(ProcessLookupError):  # the test has ended it
            os.killpg(process.pid, signal.SIGCONT)
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(40)


def enqueue(connection: redis.Redis, job: Callable[..., Any] | str, *arguments: object) -> None:
    queue.open_queue(queue.NAME, connection).enqueue(job, *arguments, result_ttl=0)


def test_each_job_is_one_line_of_json(
    worker: "subprocess.Popen[bytes]", connection: redis.Redis, settings: Settings, log: Path
) -> None:
    event = str(new_id())
    require_working(settings)

    enqueue(connection, inbox.sweep)
    enqueue(connection, inbox.handle, event)
    enqueue(connection, "os.getcwd")
    wait_until(lambda: "job_failed" in log.read_text())
    os.killpg(worker.pid, signal.SIGTERM)
    assert worker.wait(40) == 0

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line for line in lines if not {"event", "level", "timestamp"} <= line.keys()] == []
    jobs = [line for line in lines if "job" in line["event"]]
    done, failed = jobs  # the sweep had nothing to do
    assert (done["event"], done["level"]) == ("job", "info")
    assert done["job"] == "app.inbox.tasks.handle"
    assert (done["arguments"], done["queue"]) == ([event], queue.NAME)
    assert done["ms"] > 0
    assert (failed["event"], failed["level"], failed["job"]) == ("job_failed", "error", "os.getcwd")
    assert "JobNotAllowed" in failed["exception"]
    # RQ may have something to say about its connection.
    libraries = [line for line in lines if "logger" in line]
    assert {line["level"] for line in libraries} <= {"warning", "error"}
    others = sorted(line["event"] for line in lines if line not in jobs + libraries)
    assert others == [
        "scheduler_started",
        "webhooks_started",
        "webhooks_stopped",
        *["worker_started"] * 2,
        *["worker_stopped"] * 2,
    ]


@pytest.mark.stress
def test_a_worker_that_hangs_fails_its_health_check_until_it_works_again(
    worker: "subprocess.Popen[bytes]", connection: redis.Redis, settings: Settings
) -> None:
    require_working(settings)
    kept = {name: connection.ttl(name) for name in connection.keys("rq:payment-flow:*")}
    assert len(kept) == len(PROCESSES)
    assert all(0 < seconds <= 120 for seconds in kept.values())

    os.killpg(worker.pid, signal.SIGSTOP)
    connection.delete(*kept)  # two minutes have passed
    with pytest.raises(WorkerProblem, match="default, outbound, scheduler"):
        require_working(settings)

    os.killpg(worker.pid, signal.SIGCONT)
    enqueue(connection, inbox.sweep)
    wait_until(lambda: queue.NAME not in missing_processes(connection))


def test_the_time_limit_of_a_running_job_counts(
    connection: redis.Redis, worker_app: object
) -> None:
    """A job that takes long is no problem; one that hangs is, a minute after its limit."""
    worker = make_worker(queue.NAME, connection)
    job = queue.open_queue(queue.NAME, connection).enqueue(inbox.sweep, job_timeout=600)

    worker.prepare_job_execution(job)

    (name,) = connection.keys("rq:payment-flow:*")
    assert 600 < connection.ttl(name) <= 660


def test_a_consumer_is_missing_only_if_there_has_to_be_one(
    connection: redis.Redis, settings: Settings
) -> None:
    for process in PROCESSES:
        report(connection, process)
    with_kafka = replace(settings, kafka_bootstrap_servers=("127.0.0.1:9092",))

    require_working(settings)
    with pytest.raises(WorkerProblem, match="Missing on this machine: consumer"):
        require_working(with_kafka)
    report(connection, CONSUMER)
    require_working(with_kafka)
