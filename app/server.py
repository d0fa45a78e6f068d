"""The web server: granian, which finishes running requests when told to stop."""

import ctypes
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from granian import Granian
from granian.constants import HTTPModes, Interfaces

from app.common import open_files
from app.common.settings import Settings

_M_ARENA_MAX = -8  # malloc.h

#: Open files that a web process may need besides its clients' connections: for each thread a
#: database, a Redis and an outgoing connection and a file, and some for the process itself.
_FILES_PER_THREAD = 4
_OWN_FILES = 64

#: Completed handshakes that wait to be accepted; the kernel lowers it to net.core.somaxconn.
_BACKLOG = 4096

log = logging.getLogger(__name__)


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
        # HTTP/2 is for proxies in front. With it, one connection could have 200 requests in line,
        # one that never sends anything stayed open for ever, and each would cost twice the memory.
        http=HTTPModes.http1,
        workers=settings.web_workers or min(os.cpu_count() or 1, 4),
        blocking_threads=settings.web_threads,
        # Granian counts open connections here, not requests: an idle one must not keep a thread
        # from work. Requests that find no free thread wait in line for one.
        backpressure=allow_connections(settings),
        backlog=_BACKLOG,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=25,
        log_access=False,
    )
    with _shared_metrics(settings):
        server.serve()


def allow_connections(settings: Settings) -> int:
    """Raise the limit of open files as far as needed; return the connections per web process.

    These are `web_connections`, or fewer when the system does not allow enough open files. A
    process that ran out of them could neither accept nor stop, because granian retries a failed
    accept without a pause.
    """
    other_files = _OWN_FILES + _FILES_PER_THREAD * settings.web_threads
    files = open_files.raise_limit(settings.web_connections + other_files)
    # However few they are: every thread can have a connection to work for.
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
