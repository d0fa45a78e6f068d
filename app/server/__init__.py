"""The web server: processes that execute the WSGI application, behind an event loop each.

It was chosen by measurement (docs/decisions/0016-web-server.md).
"""

import ctypes
import gc
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Final

import structlog

from app.common import metric_files, open_files
from app.common.listening import listen
from app.common.settings import Settings
from app.server.event_loop import EventLoop
from app.server.limits import Limits
from app.server.processes import STOP_SECONDS, Processes
from app.server.wsgi import Application

_APPLICATION: Final = "app.factory"

_M_ARENA_MAX = -8  # malloc.h

#: Open files that a web process may need besides its clients' connections: for each thread a
#: database, a Redis and an outgoing connection and a file, and some for the process itself.
_FILES_PER_THREAD = 4
_OWN_FILES = 64

log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    _limit_malloc_arenas()
    # Clients that connect while the application is loaded wait instead of being refused.
    listener = listen(settings.host, settings.port)
    application = _load_application(settings)
    # Imported with the application, after the folder of the metrics is known.
    counted = import_module("app.insights.requests.service").counted
    exported = import_module("app.common.otlp").exported

    @contextmanager
    def during(process: str) -> Iterator[None]:
        with counted(), exported(settings, process=process):
            yield

    sys.exit(run(application, listener, settings, during=during))


def run(
    application: Application,
    listener: socket.socket,
    settings: Settings,
    *,
    during: Callable[[str], AbstractContextManager[None]] = lambda process: nullcontext(),
) -> int:
    """Serve an application until SIGINT or SIGTERM. Returns the exit code.

    during: entered by each web process while it serves, with its name.
    """
    limits = limits_of(settings)

    def work(slot: int) -> None:
        name = f"web-{slot}"
        metric_files.use_slot(name)
        loop = EventLoop(application, listener, limits)
        loop.stop_on_signals()
        with during(name):
            loop.run()

    processes = Processes(settings.web_workers or min(os.cpu_count() or 1, 4), work)
    log.info("web_server_listens", address=settings.host, port=settings.port)
    return processes.run(on_stop=listener.close)


def limits_of(settings: Settings) -> Limits:
    """The limits of a web process."""
    return Limits(
        connections=raise_connection_limit(settings),
        # Behind a proxy, all connections come from its address.
        per_address=None if settings.trusted_proxies else settings.web_connections_per_address,
        request_seconds=settings.web_request_seconds,
        rate=settings.web_min_rate,
        threads=settings.web_threads,
        stop_seconds=STOP_SECONDS,
    )


def raise_connection_limit(settings: Settings) -> int:
    """Raise the limit of open files as needed. Returns the connections per web process.

    These are `web_connections`, or fewer if the system does not allow enough open files. Without
    free files a process could not accept connections.
    """
    other_files = _OWN_FILES + _FILES_PER_THREAD * settings.web_threads
    files = open_files.raise_limit(settings.web_connections + other_files)
    # At least one connection per thread.
    connections = min(settings.web_connections, max(files - other_files, settings.web_threads))
    if connections < settings.web_connections:
        log.warning(
            "fewer_connections_than_configured",
            connections=connections,
            configured=settings.web_connections,
            open_files=files,  # the limit of the system (ulimit -n)
        )
    return connections


def _load_application(settings: Settings) -> Application:
    """Create the application, so that the web processes, which are forked, share its memory.

    The garbage collector of each of them would copy it by writing to it, so it is frozen.
    """
    gc.disable()  # none of it becomes garbage, and looking for some takes a tenth of the time
    application: Application = import_module(_APPLICATION).create_app(settings)
    gc.enable()
    gc.collect()
    gc.freeze()
    return application


def _limit_malloc_arenas() -> None:
    """Let all threads share one malloc arena. With an arena each, fragmentation takes 10 MB more.

    The GIL serializes allocations anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
