"""The process of the worker that consumes from Kafka."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from app.common.job_worker import missing_processes
from app.common.settings import PROJECT_ROOT, Settings
from app.worker import require_working
from tests import servers
from tests.events.kafka.helpers import publish
from tests.events.kafka.mock_cluster import mock_cluster
from tests.events.kafka.test_consumer import TOPIC, encoded
from tests.live import wait_until

pytestmark = pytest.mark.stress


def test_a_worker_records_requests_and_stops_cleanly(
    settings: Settings, worker_number: int, tmp_path: Path
) -> None:
    connection = redis.Redis.from_url(str(settings.redis_url))
    connection.flushdb()
    log = tmp_path / "worker.log"
    with (
        mock_cluster() as cluster,
        servers.database(f"payment_flow_kafka_{worker_number}") as made,
        log.open("w") as output,
    ):
        cluster.create([TOPIC])
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "worker"],
            env=os.environ
            | {
                "APP_ENV": "test",
                "DATABASE_URL": made.app_url,
                "REDIS_URL": str(settings.redis_url),
                "DATA_DIR": str(settings.data_dir),
                "KAFKA_BOOTSTRAP_SERVERS": ",".join(cluster.servers),
            },
            cwd=PROJECT_ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(
                lambda: (
                    missing_processes(connection, with_consumer=True) == []
                    or process.poll() is not None
                ),
                seconds=180,
            )
            assert process.poll() is None, log.read_text()
            require_working(replace(settings, kafka_bootstrap_servers=cluster.servers))
            publish(cluster.servers, TOPIC, *(encoded(str(n), subject=f"S{n}") for n in range(5)))
            url = made.owner_url.replace("+psycopg", "")
            query = "SELECT count(*) FROM outbox_events WHERE type = %s"
            with psycopg.connect(url, autocommit=True) as database:
                wait_until(lambda: database.execute(query, (TOPIC,)).fetchone() == (5,), seconds=60)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            status = process.wait(40)
        connection.flushdb()
        connection.close()
    assert status == 0
    assert '"level": "error"' not in log.read_text()
