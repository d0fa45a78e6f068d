"""Enqueueing jobs for the worker."""

from collections.abc import Iterator

import pytest
import redis
from flask import Flask
from rq import Queue, SimpleWorker

from app.common import queue, redis_client
from app.common.settings import Settings


@pytest.fixture(autouse=True)
def configured(worker_app: Flask, settings: Settings) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(str(settings.redis_url))
    client.flushdb()
    yield client
    queue.configure(redis_client.connect(str(settings.redis_url)))


done: list[str] = []


def job(argument: str) -> None:
    done.append(argument)


def test_the_worker_runs_enqueued_jobs(configured: redis.Redis) -> None:
    done.clear()
    queue.enqueue(job, "now")

    SimpleWorker([Queue(queue.NAME, connection=configured)], connection=configured).work(burst=True)

    assert done == ["now"]


def test_without_redis_enqueueing_does_not_fail() -> None:
    queue.configure(redis_client.connect("redis://127.0.0.1:1/0"))
    queue.enqueue(job, "lost")
