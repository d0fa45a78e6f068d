"""The thread that settles payouts and delivers webhooks until the merchant has taken them."""

import logging
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import urllib3

from sandbox.bank import payouts, webhooks
from sandbox.bank.config import Config
from sandbox.bank.signing import signed_headers
from sandbox.bank.store import Store

_SENDERS = 8
_SEND_TIMEOUT_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 60.0
_WRONG_KEY = b"the key of nobody, for forgeries"

_log = logging.getLogger(__name__)


class BackOffice:
    """Works from `start` to `stop`. What is not done by then is in the store for the next one."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._http = urllib3.PoolManager(maxsize=_SENDERS, timeout=_SEND_TIMEOUT_SECONDS)
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="sender")
        self._thread = threading.Thread(target=self._work, name="back-office", daemon=True)
        self._wake = threading.Event()
        self._stopping = False
        # A webhook stays pending in the store while it is sent, so that a crash repeats it.
        self._being_sent: set[int] = set()

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
                _log.exception("The bank cannot use its database.")
            self._wake.wait(pause)

    def _do_what_is_due(self) -> float:
        """Returns for how many seconds nothing else will be."""
        payouts.settle_due(self._store, self._config)
        # Before reading: what is answered meanwhile would still look pending, and be sent again.
        busy = self._being_sent.copy()
        with self._store.reading() as connection:
            pending = webhooks.pending(connection, self._config)
            settlement = payouts.next_settlement(connection, self._config)
        now = time.time()
        due_at = [] if settlement is None else [settlement]
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
                webhooks.note_answer(connection, self._config, webhook, status=status, text=text)
        except Exception:
            _log.exception("A webhook could not be sent.")
            time.sleep(1)  # It is still due, and would fail again at once.
        finally:
            self._being_sent.discard(webhook["id"])
            self.wake()

    def _post(self, webhook: sqlite3.Row) -> tuple[int, str]:
        """The status that was answered, 0 for none, and how a person would put it."""
        provider = self._config.providers[webhook["bank"].lower()]
        key = _WRONG_KEY if webhook["forged"] else provider.keys[0]
        body: str = webhook["body"]
        headers = signed_headers(key, message_id=webhook["message_id"], body=body)
        try:
            answer = self._http.request(
                "POST",
                self._config.webhook_address(provider),
                body=body.encode(),
                headers={"Content-Type": "application/json", **headers},
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return 0, type(error).__name__
        return answer.status, str(answer.status)
