"""The process that sends mails and text messages: a part of the worker."""

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

_log = structlog.get_logger()


def run(settings: Settings, *, stop: threading.Event, report: Callable[[], None]) -> None:
    """Send what is due until `stop` is set; a mail that is being sent is finished first.

    report: called in each cycle, to tell that the process works.
    """
    sender = Sender(settings)
    while not stop.is_set():
        started = time.monotonic()
        report()
        try:
            sender.run_once(is_stopping=stop.is_set)
        except (DBAPIError, PoolTimeout, Unavailable) as error:
            _log.warning("mailer waits for the database", error=type(error).__name__)
        except Exception:
            # The message stays claimed, and is tried again when its lease ends.
            _log.exception("mailer_failed")
        stop.wait(max(_CYCLE - (time.monotonic() - started), 0.05))
    sender.close()
