"""The process that delivers webhooks: threads that send, and one that decides.

The deciding thread records outcomes and begins attempts in one short transaction; only the other
threads wait for endpoints. A killed process loses nothing: its attempts are given up after a while
and repeated. Several processes share the queue.
"""

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.common import db, metrics, tracing
from app.common.db import retry_transaction
from app.common.errors import AppError
from app.webhooks.dispatch import client, service
from app.webhooks.dispatch.client import Answer
from app.webhooks.dispatch.service import Attempt, Outcome

#: Requests at a time: more than one merchant can have. Endpoints whose last request did not succeed
#: have at most half of them together.
THREADS: Final = 96
#: Seconds between two looks at the queue while nothing is due, and at least between two.
_POLL_SECONDS: Final = 0.2
_MIN_SECONDS: Final = 0.01
#: Seconds after a look at the queue that failed, because the database was away.
_RETRY_SECONDS: Final = 1.0

_ATTEMPTS: Final = metrics.counter(
    "payment_flow_webhook_attempts_total",
    "Attempts to deliver webhooks, by whether they were delivered, refused by the endpoint, or had"
    " no response",
    "outcome",
)
# Created in advance: a rate needs the zero before the first increment.
_BY_OUTCOME: Final = {name: _ATTEMPTS.labels(name) for name in ("delivered", "refused", "failed")}
_SECONDS_OF_ATTEMPTS: Final = metrics.histogram(
    "payment_flow_webhook_attempt_seconds", "Seconds that attempts to deliver webhooks took"
)

_log = structlog.get_logger()

Post = Callable[[Attempt], Answer]


def post(attempt: Attempt) -> Answer:
    """Send an attempt, signed now."""
    return client.post(attempt.url, attempt.body, attempt.headers())


class Dispatcher:
    """Delivers what is due. threads: requests at a time."""

    def __init__(self, *, threads: int = THREADS, send: Post = post) -> None:
        self._threads = threads
        self._max_unproven = max(threads // 2, 1)
        self._send = send
        self._in_flight: dict[str, Attempt] = {}
        self._answers: queue.Queue[Outcome] = queue.Queue()
        self._unrecorded: list[Outcome] = []
        self._began_nothing = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing was due, and nothing is in progress."""
        return self._began_nothing and not self._in_flight and not self._unrecorded

    def run(self, *, until: Callable[[], bool], report: Callable[[], None] = lambda: None) -> None:
        """Deliver until `until()`, and then wait for the attempts in progress.

        report: called often, to tell that this process works.
        """
        with ThreadPoolExecutor(self._threads, thread_name_prefix="webhook") as pool:
            while not until():
                begun = time.monotonic()
                report()
                if not self._turn(pool):
                    time.sleep(_RETRY_SECONDS)
                self._wait(begun)
            pool.shutdown(wait=True)
        self._collect()
        self._advance(room=0)

    def _turn(self, pool: ThreadPoolExecutor) -> bool:
        """Record what has ended, and begin what is due. Returns whether the database answered."""
        begun = self._advance(room=self._threads - len(self._in_flight))
        if begun is None:
            return False
        self._began_nothing = not begun
        for attempt in begun:
            self._in_flight[_key(attempt)] = attempt
            pool.submit(self._attempt, attempt)
        return True

    def _advance(self, *, room: int) -> Sequence[Attempt] | None:
        unproven = sum(not attempt.is_proven for attempt in self._in_flight.values())
        advance = partial(
            service.advance,
            outcomes=self._unrecorded,
            room=room,
            unproven_room=self._max_unproven - unproven,
        )
        try:
            begun = retry_transaction(advance)
        except (SQLAlchemyError, AppError) as error:
            _log.warning("webhooks_not_recorded", outcomes=len(self._unrecorded), exc_info=True)
            if not (isinstance(error, AppError) or db.is_temporary(error)):
                # A bug: what cannot be recorded is attempted again, and does not stop the others.
                self._unrecorded = []
            return None
        self._unrecorded = []
        return begun

    def _attempt(self, attempt: Attempt) -> None:
        began = time.time_ns()
        try:
            answer = self._send(attempt)
        except Exception:  # a bug must not leave the delivery to its lease, again and again
            _log.exception("webhook_attempt_failed", delivery=str(attempt.delivery_id))
            answer = Answer(timedelta(0), error="Not sent because of an internal error.")
        _count(answer)
        _trace(attempt, answer, began=began)
        self._answers.put(Outcome(attempt, answer))

    def _wait(self, begun: float) -> None:
        """Wait for an answer or until it is time to look again."""
        with suppress(queue.Empty):
            self._keep(self._answers.get(timeout=_POLL_SECONDS))
        time.sleep(max(_MIN_SECONDS - (time.monotonic() - begun), 0))
        self._collect()

    def _collect(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._keep(self._answers.get_nowait())

    def _keep(self, outcome: Outcome) -> None:
        del self._in_flight[_key(outcome.attempt)]
        self._unrecorded.append(outcome)


def _count(answer: Answer) -> None:
    refused = "failed" if answer.status_code is None else "refused"
    _BY_OUTCOME["delivered" if answer.is_success else refused].inc()
    _SECONDS_OF_ATTEMPTS.observe(answer.duration.total_seconds())


def _trace(attempt: Attempt, answer: Answer, *, began: int) -> None:
    status = {"http.response.status_code": answer.status_code} if answer.status_code else {}
    tracing.export_following(
        "webhook attempt",
        attempt.trace_context,
        kind=tracing.Kind.CLIENT,
        began=began,
        attributes={
            "http.request.method": "POST",
            "server.address": urlsplit(attempt.url).hostname or "",
            "payment_flow.webhook.attempt": attempt.attempts + 1,
            **status,
        },
        has_failed=not answer.is_success,
    )


def _key(attempt: Attempt) -> str:
    """Of an attempt, which may have been given up and begun again."""
    return f"{attempt.delivery_id}/{attempt.taken_at.isoformat()}"
