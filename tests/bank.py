"""A sandbox bank for tests, and those who deal with it: a merchant that listens, and a payer."""

import base64
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import urllib3
from standardwebhooks import Webhook, WebhookVerificationError

from sandbox.bank.config import Config
from sandbox.bank.server import Server
from sandbox.bank.signing import signed_headers
from tests.live import Answer, wait_until

KEYS = {"HDFC": b"h" * 32, "AXIS": b"a" * 32}
NAMES = {"HDFC": "HDFC Bank", "AXIS": "Axis Bank"}


def variables(webhook_url: str, folder: Path, **more: str) -> dict[str, str]:
    """How the environment tells the bank who it is."""
    banks = [
        {
            "code": code,
            "name": NAMES[code],
            "url": f"http://127.0.0.1/{code.lower()}",
            "keys": ["whsec_" + base64.b64encode(key).decode()],
        }
        for code, key in KEYS.items()
    ]
    return {
        "BANK_PROVIDERS": json.dumps(banks),
        "BANK_WEBHOOK_URL": webhook_url,
        "DATA_DIR": str(folder),
        **more,
    }


def call(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request, redirects not followed; every status is an answer."""
    with urllib3.PoolManager(timeout=20) as http:
        answer = http.request(
            method, url, body=body, headers=headers or {}, redirect=False, retries=False
        )
        return Answer(answer.status, dict(answer.headers), answer.data.decode())


@dataclass(frozen=True)
class Received:
    """A webhook as it arrived. genuine: signed with the bank's key."""

    path: str
    headers: dict[str, str]
    body: Any
    at: float
    genuine: bool

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["data"]
        return found


@dataclass
class Merchant:
    """Writes down every webhook.

    answers: statuses for the next ones, then 204 (401 if forged). pauses: seconds that it takes
    for the next ones.
    """

    url: str = ""
    answers: list[int] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator["Merchant"]:
        merchant = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(merchant.note(self.path, dict(self.headers), raw))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        merchant.url = f"http://127.0.0.1:{server.server_port}/hooks/{{provider}}"
        try:
            yield merchant
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def note(self, path: str, headers: dict[str, str], raw: bytes) -> int:
        headers = {name.lower(): value for name, value in headers.items()}
        try:
            Webhook(KEYS[path.rpartition("/")[2]]).verify(raw, headers)
            genuine = True
        except WebhookVerificationError:
            genuine = False
        self.received.append(Received(path, headers, json.loads(raw), time.monotonic(), genuine))
        if self.pauses:
            time.sleep(self.pauses.pop(0))
        if self.answers:
            return self.answers.pop(0)
        return 204 if genuine else 401

    def wait_for(self, count: int) -> list[Received]:
        """That many webhooks, in the order in which they came, and no more for a moment."""
        wait_until(lambda: len(self.received) >= count, seconds=10)
        time.sleep(0.2)
        assert len(self.received) == count, [(r.body["type"], r.id) for r in self.received]
        return list(self.received)


@dataclass
class Payer:
    """Somebody with a browser, as far as HTTP goes: keeps a cookie, fills in the bank's form."""

    cookie: str = ""

    def open(self, url: str) -> Answer:
        """Look at the payment page."""
        answer = call("GET", url, headers={"Cookie": self.cookie, "Accept": "text/html"})
        self.cookie = answer.headers.get("Set-Cookie", self.cookie).partition(";")[0]
        return answer

    def decide(self, url: str, decision: str = "pay", *, mode: str = "") -> Answer:
        """Open the page, decide, and see what the bank shows then."""
        page = self.open(url)
        assert page.status == 200, page.text
        answer = self.send(url, page, decision, mode=mode)
        if answer.status != 303:
            return answer
        place = urlsplit(url)
        return self.open(f"{place.scheme}://{place.netloc}{answer.headers['Location']}")

    def send(self, url: str, page: Answer, decision: str = "pay", **changes: str) -> Answer:
        """The page's form as it is sent, with changes of its fields."""
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
        form = {**dict(hidden), "decision": decision, "mode": "", **changes}
        return call(
            "POST",
            url.partition("?")[0],
            body=urlencode(form).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": self.cookie,
                "Accept": "text/html",
            },
        )


@dataclass(frozen=True)
class SandboxBank:
    """A bank that runs in this process."""

    url: str
    server: Server

    @classmethod
    @contextmanager
    def open(cls, webhook_url: str, folder: Path, **settings: str) -> Iterator["SandboxBank"]:
        """settings: BANK_… variables without their prefix, in small letters."""
        more = {f"BANK_{name.upper()}": value for name, value in settings.items()}
        given = {"BANK_PORT": "0"} | more
        server = Server(Config.read(variables(webhook_url, folder, **given)))
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield cls(server.address, server)
        finally:
            server.end()
            thread.join()

    def asks(self, amount: str = "25.00", *, bank: str = "HDFC", **changes: Any) -> str:
        """The address of a payment page as a merchant makes it. changes: other claims."""
        return f"{self.url}/{bank.lower()}/pay?request={payment_request(amount, bank, **changes)}"

    def set_mode(self, mode: str, *, bank: str = "HDFC") -> Answer:
        return call(
            "POST",
            f"{self.url}/{bank.lower()}/mode",
            body=json.dumps({"mode": mode}).encode(),
            headers={"Content-Type": "application/json"},
        )

    def pay_out(
        self,
        *,
        bank: str = "HDFC",
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **changes: Any,
    ) -> Answer:
        """Ask for a payout. key: Idempotency-Key, else the reference."""
        payout = {
            "reference": "payout-1",
            "amount": "40.00",
            "currency": "USD",
            "account": {"holder": "Ada Lovelace", "number": "123456789", "routing": "HDFC0001"},
            "description": "Payout",
            **changes,
        }
        body = json.dumps(payout)
        return call(
            "POST",
            f"{self.url}/{bank.lower()}/payouts",
            body=body.encode(),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": key or str(payout["reference"]),
                **signed_headers(KEYS[bank], message_id="msg_1", body=body),
                **(headers or {}),
            },
        )

    def payout(self, reference: str = "payout-1", *, bank: str = "HDFC") -> Answer:
        return call(
            "GET",
            f"{self.url}/{bank.lower()}/payouts/{reference}",
            headers=signed_headers(KEYS[bank], message_id="msg_2", body=""),
        )

    def statement(self, query: str = "", *, bank: str = "HDFC") -> list[list[str]]:
        """The lines of the statement without the heading."""
        answer = call("GET", f"{self.url}/{bank.lower()}/statement.csv{query}")
        assert answer.status == 200, answer.text
        return [line.split(",") for line in answer.text.splitlines()[1:]]


def payment_request(
    amount: str = "25.00", bank: str = "HDFC", *, key: bytes | None = None, **changes: Any
) -> str:
    """What a merchant signs. changes: other claims; those that are None are left out."""
    claims = {
        "reference": secrets.token_urlsafe(32),
        "amount": amount,
        "currency": "USD",
        "payer": "Ada Lovelace",
        "userId": "user-1",
        "merchant": "Payment Flow",
        "exp": int(time.time()) + 300,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key or KEYS[bank], "HS256")


def reference_of(url: str) -> str:
    """The reference of the request in the address of a payment page."""
    (token,) = parse_qs(urlsplit(url).query)["request"]
    reference: str = jwt.decode(token, options={"verify_signature": False})["reference"]
    return reference
