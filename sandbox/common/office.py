"""The thread that does what is due and delivers webhooks until the merchant has taken them."""

import logging
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor

import urllib3

from sandbox.common.store import Store

_SENDERS = 8
_SEND_TIMEOUT_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Office(ABC):
    """Works from `start` to `stop`. What is not done by then is in the store for the next one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._http = urllib3.PoolManager(maxsize=_SENDERS, timeout=_SEND_TIMEOUT_SECONDS)
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="sender")
        self._thread = threading.Thread(target=self._work, name="office", daemon=True)
        self._wake = threading.Event()
        self._stopping = False
        # A webhook stays pending in the store while it is sent, so that a crash repeats it.
        self._being_sent: set[int] = set()

    @abstractmethod
    def do_chores(self) -> None:
        """What is due besides webhooks."""

    @abstractmethod
    def next_chore(self, connection: sqlite3.Connection) -> float | None:
        """When the next of these is due, in seconds since 1970."""

    @abstractmethod
    def pending(self, connection: sqlite3.Connection) -> list[sqlite3.Row]:
        """Webhooks that are to be sent, in the order in which they are due."""

    @abstractmethod
    def envelope(self, webhook: sqlite3.Row) -> tuple[str, dict[str, str]]:
        """The address that a webhook goes to, and the headers that sign it, now."""

    @abstractmethod
    def note_answer(
        self, connection: sqlite3.Connection, webhook: sqlite3.Row, *, status: int, text: str
    ) -> None:
        """Write down what came of it. status: of HTTP, 0 when there was no answer."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Come to an end; webhooks under way are finished."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
        self._senders.shutdown(cancel_futures=True)
        self._http.clear()

    def wake(self) -> None:
        """There is something new to do."""
        self._wake.set()

    def _work(self) -> None:
        while not self._stopping:
            self._wake.clear()
            pause = 1.0
            try:
                pause = self._do_what_is_due()
            except sqlite3.Error:  # such as a full disk: it may be better in a second
                _log.exception("The database cannot be used.")
            self._wake.wait(pause)

    def _do_what_is_due(self) -> float:
        """Returns for how many seconds nothing else will be."""
        self.do_chores()
        # Before reading: what is answered meanwhile would still look pending, and be sent again.
        busy = self._being_sent.copy()
        with self._store.reading() as connection:
            pending = self.pending(connection)
            chore = self.next_chore(connection)
        now = time.time()
        due_at = [] if chore is None else [chore]
        for webhook in pending:
            if webhook["id"] in busy:
                continue
            if webhook["due_at"] <= now:
                self._being_sent.add(webhook["id"])
                self._senders.submit(self._send, webhook)
            else:
                due_at.append(webhook["due_at"])
        return min(max(0.0, min(due_at, default=now + 60) - now), _LONGEST_PAUSE_SECONDS)

    def _send(self, webhook: sqlite3.Row) -> None:
        try:
            status, text = self._post(webhook)
            with self._store.writing() as connection:
                self.note_answer(connection, webhook, status=status, text=text)
        except Exception:
            _log.exception("A webhook could not be sent.")
            time.sleep(1)  # It is still due, and would fail again at once.
        finally:
            self._being_sent.discard(webhook["id"])
            self.wake()

    def _post(self, webhook: sqlite3.Row) -> tuple[int, str]:
        """The status that was answered, 0 for none, and how a person would put it."""
        address, headers = self.envelope(webhook)
        try:
            answer = self._http.request(
                "POST",
                address,
                body=webhook["body"].encode(),
                headers={"Content-Type": "application/json", **headers},
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return 0, type(error).__name__
        return answer.status, str(answer.status)
