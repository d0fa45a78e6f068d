"""A minimal bank for tests: real HTTP in a thread, with configurable failures."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from app.banks.providers import Provider
from tests.http_server import listening

KEY = b"key of the tests' own small bank"


@dataclass
class FakeBank:
    """Records its requests and accepted payouts.

    status, reason: reported about new payouts; payouts: by reference; requests: method and path of
    each; violations: of the API by the client, which the fixture checks; failures: responses to the
    next requests instead of a normal one – an HTTP status, a response of any kind, LOST (accepted,
    then the connection is closed) or SLOW (accepted, but the response is too late).
    """

    url: str = ""
    status: str = "ACCEPTED"
    reason: str | None = None
    payouts: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    failures: deque[Any] = field(default_factory=deque)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def providers(self) -> list[Provider]:
        names = {"HDFC": "HDFC Bank", "AXIS": "Axis Bank"}
        return [Provider(code, name, self.url, (KEY,)) for code, name in names.items()]

    def set_status(self, reference: str, status: str, *, reason: str | None = None) -> None:
        """Set what it reports about a payout from now on."""
        self.payouts[reference] |= {"status": status, "reason": reason}

    def accept(self, order: dict[str, Any]) -> dict[str, Any]:
        taken = self.payouts.setdefault(
            order["reference"],
            {"order": order, "status": self.status, "reason": self.reason},
        )
        if taken["order"] != order:
            self.violations.append("the same key for another payout")
        return taken

    def response(self, reference: str) -> dict[str, Any]:
        payout = self.payouts[reference]
        return {
            "reference": reference,
            "status": payout["status"],
            "bankReference": f"BANK-{reference[:8]}",
            "reason": payout["reason"],
            "amount": payout["order"]["amount"],
            "currency": payout["order"]["currency"],
        }

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["FakeBank"]:
        """A bank that runs until the block ends."""
        bank = cls()
        with listening(type("Handler", (_Handler,), {"bank": bank})) as bank.url:
            try:
                yield bank
            finally:
                bank.stopped.set()


class _Handler(BaseHTTPRequestHandler):
    bank: FakeBank

    def do_POST(self) -> None:
        raw = self._signed_body()
        order = json.loads(raw)
        if self.headers["Idempotency-Key"] != order["reference"]:
            self.bank.violations.append("no key")
        self._serve(order["reference"], order)

    def do_GET(self) -> None:
        self._signed_body()
        self._serve(self.path.rpartition("/")[2], None)

    def _signed_body(self) -> bytes:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.bank.requests.append(f"{self.command} {self.path}")
        try:
            Webhook(KEY).verify(raw, dict(self.headers), json_parse=False)
        except WebhookVerificationError as error:
            self.bank.violations.append(str(error))
        return raw

    def _serve(self, reference: str, order: dict[str, Any] | None) -> None:
        bank = self.bank
        failure = bank.failures.popleft() if bank.failures else None
        if isinstance(failure, int):
            return self._send(failure, {"error": "TROUBLE"})
        if isinstance(failure, tuple):
            return self._send(*failure)
        if order is not None:
            bank.accept(order)
        if failure == "SLOW":
            bank.stopped.wait(5)
        if failure in ("LOST", "SLOW"):
            self.close_connection = True
            return None
        if reference not in bank.payouts:
            return self._send(404, {"error": "NOT_FOUND"})
        answer = bank.response(reference)
        accepted = 202 if order is not None else 200
        return self._send(
            422 if order is not None and answer["status"] == "REFUSED" else accepted, answer
        )

    def _send(self, status: int, body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Log nothing."""
