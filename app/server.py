"""The web server: granian, which finishes running requests before it stops."""

import ctypes
import gc
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.server.mp import MPServer

from app.common import open_files
from app.common.settings import Settings

_APPLICATION: Final = "app.factory"

_M_ARENA_MAX = -8  # malloc.h

#: Open files that a web process may need besides its clients' connections: for each thread a
#: database, a Redis and an outgoing connection and a file, and some for the process itself.
_FILES_PER_THREAD = 4
_OWN_FILES = 64

#: Completed handshakes that wait to be accepted; the kernel lowers it to net.core.somaxconn.
_BACKLOG = 4096

#: A web process that has lived this long has started and worked.
_START_SECONDS = 5.5
_MIN_LIFETIME_SECONDS, _RESPAWN_PAUSE_SECONDS = 1.0, 0.5

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    # A worker process inherits the main process' handler, which does not stop it. Until it has
    # loaded the application, a stop would therefore wait for the timeout.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    _limit_malloc_arenas()
    server = _Server(
        f"{_APPLICATION}:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        # HTTP/2 is for reverse proxies. With it, one connection could queue 200 requests, a silent
        # connection would stay open forever, and each would take twice the memory.
        http=HTTPModes.http1,
        workers=settings.web_workers or min(os.cpu_count() or 1, 4),
        blocking_threads=settings.web_threads,
        # Granian counts open connections here, not requests: an idle connection must not occupy a
        # thread. Requests wait in a queue for a free thread.
        backpressure=raise_connection_limit(settings),
        backlog=_BACKLOG,
        websockets=False,
        respawn_failed_workers=True,  # as _Server does it
        workers_kill_timeout=25,
        log_access=False,
    )
    with _shared_metrics(settings):
        _load_application()
        server.serve()


class _Server(MPServer):
    """Granian, which replaces a crashed web process alone, however often.

    Its own rule takes a second crash within 5.5 seconds for a loop, and stops every process. Here
    that is so only until one of them has worked: a process that cannot start ends `serve`.
    """

    _has_worked = False

    def _respawn_workers(self, workers: Any, *args: Any, **options: Any) -> None:
        lifetimes = [time.monotonic() - worker.birth for worker in self.wrks]
        self._has_worked = self._has_worked or max(lifetimes) > _START_SECONDS
        if min(lifetimes[index] for index in workers) < _MIN_LIFETIME_SECONDS:
            time.sleep(_RESPAWN_PAUSE_SECONDS)  # one that crashes at once must not take a core
        super()._respawn_workers(workers, *args, **options)
        if self._has_worked:
            self.respawned_wrks.clear()


def raise_connection_limit(settings: Settings) -> int:
    """Raise the limit of open files as needed. Returns the connections per web process.

    These are `web_connections`, or fewer if the system does not allow enough open files. Without
    free files a process could neither accept connections nor stop, because granian retries a failed
    accept in a busy loop.
    """
    other_files = _OWN_FILES + _FILES_PER_THREAD * settings.web_threads
    files = open_files.raise_limit(settings.web_connections + other_files)
    # At least one connection per thread.
    connections = min(settings.web_connections, max(files - other_files, settings.web_threads))
    if connections < settings.web_connections:
        log.warning(
            "Each web process accepts %d connections instead of WEB_CONNECTIONS=%d, because the"
            " system allows it %d open files (ulimit -n).",
            connections,
            settings.web_connections,
            files,
        )
    return connections


@contextmanager
def _shared_metrics(settings: Settings) -> Iterator[None]:
    """Share the metrics of the web processes in a new folder (app.common.metrics).

    The metrics of ended processes stay in it, because Prometheus would take a decreasing counter
    for a restart.
    """
    if settings.metrics_token is None:
        yield
        return
    with TemporaryDirectory(prefix="payment-flow-metrics-") as folder:
        # Read when prometheus_client is imported, together with the application.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def _load_application() -> None:
    """Import the application, so that the web processes, which are forked, share its memory.

    The garbage collector of each of them would copy it by writing to it, so it is frozen.
    """
    import_module(_APPLICATION)
    gc.collect()
    gc.freeze()


def _limit_malloc_arenas() -> None:
    """Let all threads share one malloc arena. With an arena each, fragmentation takes 10 MB more.

    The GIL serializes allocations anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
