"""Jobs for the worker (RQ), put in line after the change they are about is committed."""

from collections.abc import Callable
from typing import Any, Final

import redis
import structlog
from rq import Queue

#: The one queue there is.
NAME: Final = "default"

_log = structlog.get_logger()
_queue: Queue | None = None


def configure(redis_url: str) -> None:
    """Put jobs of this process in line in that Redis."""
    global _queue
    # Who enqueues has a caller waiting.
    connection = redis.Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
    _queue = Queue(NAME, connection=connection)


def enqueue(job: Callable[..., object], *args: Any) -> None:
    """Have the worker call `job(*args)` soon, perhaps twice, perhaps not at all.

    It may be lost when Redis is away or the worker is killed: what must be done has a row that
    says so, and a scheduled job that finds it. Never within a transaction: the worker is quick.
    """
    if _queue is None:
        raise RuntimeError("No queue is configured: call queue.configure() first.")
    try:
        _queue.enqueue(job, *args, result_ttl=0)
    except redis.RedisError as error:
        _log.warning("job not enqueued", job=job.__name__, error=str(error))
