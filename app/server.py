"""The web server: granian, which finishes running requests when told to stop."""

import os
import signal

from granian import Granian
from granian.constants import Interfaces

from app.common.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    # A worker process is deaf until it has loaded the application: it inherits a handler that
    # only notes the signal in the main process, and a stop would then wait for the time-out.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    Granian(
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
    ).serve()
