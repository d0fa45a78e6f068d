"""The web server: granian, which finishes running requests when told to stop."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from granian import Granian
from granian.constants import Interfaces

from app.common.settings import Settings

_M_ARENA_MAX = -8  # malloc.h


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    # A worker process is deaf until it has loaded the application: it inherits a handler that
    # only notes the signal in the main process, and a stop would then wait for the time-out.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    _share_one_heap()
    server = Granian(
        "app.factory:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers or min(os.cpu_count() or 1, 4),
        blocking_threads=settings.web_threads,
        # What waits beyond the threads waits in the listen queue instead of in memory.
        backpressure=settings.web_threads,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=25,
        log_access=False,
    )
    with _shared_metrics(settings):
        server.serve()


@contextmanager
def _shared_metrics(settings: Settings) -> Iterator[None]:
    """Have the web processes add up what they count (app.common.metrics).

    The folder is new at each start. What a process that died has counted stays in it, because a
    sum that falls would look to Prometheus like a restart.
    """
    if settings.metrics_token is None:
        yield
        return
    with TemporaryDirectory(prefix="payment-flow-metrics-") as folder:
        # Read when prometheus_client is imported, which only the web processes do.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def _share_one_heap() -> None:
    """Keep glibc from giving every thread a heap of its own, whose holes add up to 10 MB.

    Threads cannot allocate at the same time anyway while they hold the interpreter's lock.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
