"""A client outside the lab that buys, and writes down every answer.

Each purchase has an idempotency key, and is repeated with it until the shop has answered that it is
paid. So every purchase of the log happened once, if the shop keeps its word.
"""

import http.client
import json
import select
import ssl
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

#: Seconds between a failed request and the next one with the same key.
_BACKOFF: Final = 0.2
_TIMEOUT_SECONDS: Final = 10


@dataclass(frozen=True)
class Answer:
    """An answer, or that there was none.

    at: when it came, by `time.time`; seconds: how long it took; status: 0 without an answer; code:
    of the error; order: the id of the order that is paid.
    """

    at: float
    key: str
    status: int
    code: str | None
    order: str | None
    seconds: float


class Client:
    """Buyers at the same time, each with a connection.

    tokens: of the buyers; pause: seconds between two purchases of a buyer; log: where answers are
    written to, a line of JSON each.
    """

    def __init__(
        self,
        host: str,
        trusted: ssl.SSLContext,
        *,
        tokens: Sequence[str],
        product: str,
        pause: float,
        log: Path,
    ) -> None:
        self._host = host
        self._trusted = trusted
        self._product = product
        self._pause = pause
        self._ends = threading.Event()
        self._gives_up = threading.Event()
        self._lock = threading.Lock()
        self._log = log.open("w")
        self.answers: list[Answer] = []
        self.keys: set[str] = set()
        self._threads = [
            threading.Thread(target=self._buy, args=(token,), daemon=True) for token in tokens
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, *, seconds: float = 60) -> None:
        """Begin no more purchases, and wait until those that have begun are answered."""
        self._ends.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        self._gives_up.set()
        for thread in self._threads:
            thread.join()
        self._log.close()

    def successes(self) -> list[float]:
        """When purchases were acknowledged."""
        with self._lock:
            return [answer.at for answer in self.answers if answer.order]

    def _buy(self, token: str) -> None:
        connection = _Connection(self._host, self._trusted, token)
        while not self._ends.wait(self._pause):
            key = str(uuid.uuid4())
            self.keys.add(key)
            while not self._gives_up.is_set():
                answer = connection.purchase(self._product, key)
                with self._lock:
                    self.answers.append(answer)
                    self._log.write(json.dumps(asdict(answer)) + "\n")
                    self._log.flush()
                if answer.order:
                    break
                self._gives_up.wait(_BACKOFF)
        connection.close()


class _Connection:
    def __init__(self, host: str, trusted: ssl.SSLContext, token: str) -> None:
        self._http = http.client.HTTPSConnection(host, timeout=_TIMEOUT_SECONDS, context=trusted)
        self._authorization = f"Bearer {token}"

    def purchase(self, product: str, key: str) -> Answer:
        began = time.time()
        status, order, code = 0, None, None
        try:
            status, body = self._post(
                "/api/v1/orders", {"productId": product, "paymentMethod": "WALLET"}, key
            )
            if status == http.HTTPStatus.CREATED and body["status"] == "COMPLETED":
                order = str(body["id"])
            code = body.get("error")
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            code = type(error).__name__
            self.close()
        now = time.time()
        return Answer(now, key, status, code, order, now - began)

    def _post(self, path: str, body: dict[str, str], key: str) -> tuple[int, dict[str, str]]:
        # A server may close a connection that is idle. Nothing was sent on it, so nothing failed.
        if self._http.sock is not None and select.select([self._http.sock], [], [], 0)[0]:
            self.close()
        headers = {
            "Authorization": self._authorization,
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        self._http.request("POST", path, json.dumps(body), headers)
        response = self._http.getresponse()
        text = response.read()
        # The gateway's own errors are pages.
        found = json.loads(text) if text.startswith(b"{") else {"error": "GATEWAY"}
        return response.status, found

    def close(self) -> None:
        with suppress(OSError):
            self._http.close()
