"""The Stripe simulator for tests, a shop that receives its webhooks, and a buyer."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import stripe

from app.common.settings import Settings
from sandbox.common.server import Server
from sandbox.common.store import Store
from sandbox.stripe.app import create_app
from sandbox.stripe.config import Config
from tests import servers
from tests.live import LiveServer, Response
from tests.simulators import FormBrowser, WebhookReceiver, call, prefixed, serving

SECRET_KEY = "sk_test_key_of_the_tests_own_gateway"
WEBHOOK_SECRET = "whsec_secret_of_the_tests_own_gateway"

GOOD_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"
POOR_CARD = "4000 0000 0000 9995"
SLOW_REFUND_CARD = "4000 0000 0000 7726"
FAILING_REFUND_CARD = "4000 0000 0000 5126"


def variables(webhook_url: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment variables of the gateway."""
    return {
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "GATEWAY_WEBHOOK_URL": webhook_url,
        "DATA_DIR": str(folder),
        **more,
    }


def is_genuine(raw: bytes, header: str | None, *, secret: str = WEBHOOK_SECRET) -> bool:
    """Whether Stripe's own library accepts the signature."""
    try:
        return stripe.WebhookSignature.verify_header(raw, header, secret, tolerance=300)
    except stripe.SignatureVerificationError:
        return False


@dataclass(frozen=True)
class Received:
    """A received webhook."""

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


class Shop(WebhookReceiver[Received]):
    """Receives the gateway's webhooks."""

    PATH = "/webhooks/stripe"
    ACCEPTED = 200

    def parse(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[Received, bool]:
        header = headers["stripe-signature"]
        genuine = is_genuine(raw, header)
        return Received(header, raw, time.monotonic(), genuine), genuine


class Buyer(FormBrowser):
    """Fills in the gateway's payment form."""

    def pay(self, url: str, number: str = GOOD_CARD, *, mode: str = "") -> Response:
        """Open the page and pay; the redirect is not followed."""
        page = self.open(url)
        assert page.status == 200, page.text
        return self.send(url, page, number=number, mode=mode)

    def send(self, url: str, page: Response, **fields: str) -> Response:
        """Submit the form of a page with these fields."""
        return self.submit(url, page, fields)


@dataclass(frozen=True)
class SandboxGateway:
    """A gateway. server: None if it runs in another process."""

    url: str
    server: Server | None = None

    @property
    def store(self) -> Store:
        assert self.server is not None
        return self.server.simulator.store

    @classmethod
    @contextmanager
    def open(cls, webhook_url: str, folder: Path, **settings: str) -> Iterator["SandboxGateway"]:
        """settings: GATEWAY_… variables in lower case, without the prefix."""
        given = prefixed("GATEWAY", port="0", **settings)
        config = Config.from_env(variables(webhook_url, folder, **given))
        with serving(create_app(config)) as server:
            yield cls(server.address, server)

    def request(
        self,
        method: str,
        path: str,
        fields: dict[str, Any] | None = None,
        *,
        key: str = SECRET_KEY,
        **headers: str,
    ) -> Response:
        """An API request of the merchant. headers: with `_` for `-`."""
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

    def set_behaviour(self, **how: Any) -> Response:
        """Change the behaviour. how: mode, fault, times."""
        return call(
            "POST",
            f"{self.url}/mode",
            body=json.dumps(how).encode(),
            headers={"Content-Type": "application/json"},
        )


@contextmanager
def live_server_with_gateway(
    settings: Settings, database: str, webhook_url: str, folder: Path, *, workers: int
) -> Iterator[LiveServer]:
    """The application, whose gateway sends its webhooks to `webhook_url` instead."""
    with (
        SandboxGateway.open(webhook_url, folder) as gateway,
        servers.database(database) as made,
        LiveServer.start(
            settings,
            made,
            workers=workers,
            STRIPE_SECRET_KEY=SECRET_KEY,
            STRIPE_WEBHOOK_SECRETS=WEBHOOK_SECRET,
            STRIPE_API_BASE=gateway.url,
        ) as running,
    ):
        yield running


def session_fields(**changes: Any) -> dict[str, Any]:
    """The parameters of a session for two units at $25.00. changes: None removes a field."""
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
