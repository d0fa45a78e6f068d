"""The background thread: runs scheduled work and delivers webhooks until they are acknowledged."""

import logging
import sqlite3
import threading
import time
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor

import urllib3

from sandbox.common import outbox
from sandbox.common.background import Background
from sandbox.common.store import Store

_SENDERS = 8
_SEND_TIMEOUT_SECONDS = 10.0
_MAX_PAUSE_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Worker(Background):
    """Runs from `start` to `stop`. Unfinished work stays in the store for the next run.

    give_up_seconds: how long a webhook is retried.
    """

    def __init__(self, store: Store, *, give_up_seconds: float) -> None:
        self._store = store
        self._give_up_seconds = give_up_seconds
        self._http = urllib3.PoolManager(maxsize=_SENDERS, timeout=_SEND_TIMEOUT_SECONDS)
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="sender")
        self._thread = threading.Thread(target=self._loop, name="worker", daemon=True)
        self._wake = threading.Event()
        self._stopping = False
        # A webhook stays pending in the store while it is sent, so that a crash repeats it.
        self._in_flight: set[int] = set()

    @abstractmethod
    def run_due(self) -> None:
        """Do all scheduled work that is due, except webhooks."""

    @abstractmethod
    def next_due_at(self, connection: sqlite3.Connection) -> float | None:
        """Unix time at which scheduled work is due next."""

    @abstractmethod
    def pending_webhooks(self, connection: sqlite3.Connection) -> list[sqlite3.Row]:
        """Webhooks to send, in the order in which they are due."""

    @abstractmethod
    def sign(self, webhook: sqlite3.Row) -> tuple[str, dict[str, str]]:
        """The URL of a webhook and the headers that sign it now."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop after the webhooks in flight have been sent."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
        self._senders.shutdown(cancel_futures=True)
        self._http.clear()

    def wake(self) -> None:
        """Look for new work immediately."""
        self._wake.set()

    def _loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            pause = 1.0
            try:
                pause = self._run_once()
            except sqlite3.Error:  # such as a full disk: retry in a second
                _log.exception("The database is not available.")
            self._wake.wait(pause)

    def _run_once(self) -> float:
        """Returns the seconds until more work is due."""
        self.run_due()
        # Before the query: a webhook that is acknowledged meanwhile would still be read as
        # pending, and be sent again.
        in_flight = self._in_flight.copy()
        with self._store.read_transaction() as connection:
            pending = self.pending_webhooks(connection)
            scheduled = self.next_due_at(connection)
        now = time.time()
        due_at = [] if scheduled is None else [scheduled]
        for webhook in pending:
            if webhook["id"] in in_flight:
                continue
            if webhook["due_at"] <= now:
                self._in_flight.add(webhook["id"])
                self._senders.submit(self._send, webhook)
            else:
                due_at.append(webhook["due_at"])
        return min(max(0.0, min(due_at, default=now + 60) - now), _MAX_PAUSE_SECONDS)

    def _send(self, webhook: sqlite3.Row) -> None:
        try:
            status, text = self._post(webhook)
            with self._store.write_transaction() as connection:
                outbox.record_response(
                    connection,
                    webhook,
                    status=status,
                    text=text,
                    give_up_seconds=self._give_up_seconds,
                )
        except Exception:
            _log.exception("A webhook could not be sent.")
            time.sleep(1)  # It is still due, and would fail again immediately.
        finally:
            self._in_flight.discard(webhook["id"])
            self.wake()

    def _post(self, webhook: sqlite3.Row) -> tuple[int, str]:
        """The response status, 0 without a response, and its text for the overview page."""
        url, headers = self.sign(webhook)
        try:
            response = self._http.request(
                "POST",
                url,
                body=webhook["body"].encode(),
                headers={"Content-Type": "application/json", **headers},
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return 0, type(error).__name__
        return response.status, str(response.status)
