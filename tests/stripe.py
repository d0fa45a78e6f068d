"""The sandbox's gateway for tests, and those who deal with it: a shop that listens, and a buyer."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import stripe

from sandbox.common.store import Store
from sandbox.stripe.config import Config
from sandbox.stripe.server import Server
from tests.bank import call
from tests.live import Answer, wait_until

SECRET_KEY = "sk_test_key_of_the_tests_own_gateway"
WEBHOOK_SECRET = "whsec_secret_of_the_tests_own_gateway"

GOOD_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"
POOR_CARD = "4000 0000 0000 9995"
SLOW_REFUND_CARD = "4000 0000 0000 7726"
FAILING_REFUND_CARD = "4000 0000 0000 5126"


def variables(webhook_url: str, folder: Path, **more: str) -> dict[str, str]:
    """How the environment tells the gateway who it is."""
    return {
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "GATEWAY_WEBHOOK_URL": webhook_url,
        "DATA_DIR": str(folder),
        **more,
    }


def is_genuine(raw: bytes, header: str | None, *, secret: str = WEBHOOK_SECRET) -> bool:
    """Whether Stripe's own library takes the signature."""
    try:
        return stripe.WebhookSignature.verify_header(raw, header, secret, tolerance=300)
    except stripe.SignatureVerificationError:
        return False


@dataclass(frozen=True)
class Received:
    """A webhook as it arrived."""

    header: str
    raw: bytes
    at: float
    genuine: bool

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found

    @property
    def kind(self) -> str:
        return str(self.body["type"])

    @property
    def object(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["data"]["object"]
        return found


@dataclass
class Shop:
    """Writes down every webhook. answers: statuses for the next ones, then 200 (401 if forged)."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator["Shop"]:
        shop = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(shop.note(raw, self.headers["Stripe-Signature"]))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        shop.url = f"http://127.0.0.1:{server.server_port}/webhooks/stripe"
        try:
            yield shop
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def note(self, raw: bytes, header: str) -> int:
        genuine = is_genuine(raw, header)
        self.received.append(Received(header, raw, time.monotonic(), genuine))
        if self.answers:
            return self.answers.pop(0)
        return 200 if genuine else 401

    def wait_for(self, count: int) -> list[Received]:
        """That many webhooks, in the order in which they came, and no more for a moment."""
        wait_until(lambda: len(self.received) >= count, seconds=10)
        time.sleep(0.1)
        assert len(self.received) == count, [one.kind for one in self.received]
        return list(self.received)


@dataclass
class Buyer:
    """Somebody with a browser, as far as HTTP goes: keeps a cookie, fills in the page's form."""

    cookie: str = ""

    def open(self, url: str) -> Answer:
        """Look at a page."""
        answer = call("GET", url, headers={"Cookie": self.cookie, "Accept": "text/html"})
        self.cookie = answer.headers.get("Set-Cookie", self.cookie).partition(";")[0]
        return answer

    def pay(self, url: str, number: str = GOOD_CARD, *, mode: str = "") -> Answer:
        """Open the page and pay; what comes back, redirects not followed."""
        page = self.open(url)
        assert page.status == 200, page.text
        return self.send(url, page, number=number, mode=mode)

    def send(self, url: str, page: Answer, **fields: str) -> Answer:
        """The page's form as it is sent, with these fields."""
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
        return call(
            "POST",
            url,
            body=urlencode({**dict(hidden), **fields}).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": self.cookie,
                "Accept": "text/html",
            },
        )


@dataclass(frozen=True)
class SandboxGateway:
    """A gateway. server: what serves it, if that is in this process."""

    url: str
    server: Server | None = None

    @property
    def store(self) -> Store:
        assert self.server is not None
        return self.server.gateway.store

    @classmethod
    @contextmanager
    def open(cls, webhook_url: str, folder: Path, **settings: str) -> Iterator["SandboxGateway"]:
        """settings: GATEWAY_… variables without their prefix, in small letters."""
        more = {f"GATEWAY_{name.upper()}": value for name, value in settings.items()}
        given = {"GATEWAY_PORT": "0"} | more
        server = Server(Config.read(variables(webhook_url, folder, **given)))
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield cls(server.address, server)
        finally:
            server.end()
            thread.join()

    def ask(
        self,
        method: str,
        path: str,
        fields: dict[str, Any] | None = None,
        *,
        key: str = SECRET_KEY,
        **headers: str,
    ) -> Answer:
        """A request of the merchant's programs, by hand. headers: with `_` for `-`."""
        return call(
            method,
            self.url + path,
            body=urlencode(fields).encode() if fields is not None else None,
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/x-www-form-urlencoded",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    def behave(self, **how: Any) -> Answer:
        """mode, fault, times."""
        return call(
            "POST",
            f"{self.url}/mode",
            body=json.dumps(how).encode(),
            headers={"Content-Type": "application/json"},
        )


def session_fields(**changes: Any) -> dict[str, Any]:
    """What opens a session for two times $25.00. changes: of fields; None leaves one out."""
    fields = {
        "mode": "payment",
        "line_items[0][quantity]": 2,
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": 2500,
        "line_items[0][price_data][product_data][name]": "Field Guide",
        "client_reference_id": "order-1",
        "metadata[order_id]": "order-1",
        "payment_intent_data[metadata][order_id]": "order-1",
        "success_url": "https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example.com/cart",
        "expires_at": int(time.time()) + 1860,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}
