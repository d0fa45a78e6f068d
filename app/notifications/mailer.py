"""The process that sends mails and text messages: a part of the worker."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.common.errors import Unavailable
from app.common.settings import Settings
from app.notifications.sender import Sender

#: Seconds from one look for messages to the next: so many mails as a second allows.
_CYCLE: Final = 1.0
#: How often the process tells that it works.
_REPORT_SECONDS: Final = 15.0
#: Mails wait rather than purchases.
_NICENESS: Final = 10

_log = structlog.get_logger()


def run(settings: Settings, *, report: Callable[[], None]) -> None:
    """Send what is due until SIGTERM or SIGINT; a mail that is being sent is finished first.

    report: called regularly, to tell that the process works.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    os.nice(_NICENESS)
    sender = Sender(settings)
    reported = float("-inf")
    while not stopping.is_set():
        started = time.monotonic()
        if started - reported >= _REPORT_SECONDS:
            report()
            reported = started
        try:
            sender.run_once(is_stopping=stopping.is_set)
        except (DBAPIError, PoolTimeout, Unavailable) as error:
            _log.warning("mailer waits for the database", error=type(error).__name__)
        except Exception:
            # The message stays claimed, and is tried again when its lease ends.
            _log.exception("mailer_failed")
        stopping.wait(max(_CYCLE - (time.monotonic() - started), 0.05))
    sender.close()
