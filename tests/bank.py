"""The bank simulator in this process, a merchant that receives its webhooks, and a payer."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from standardwebhooks import Webhook, WebhookVerificationError

from sandbox.bank.app import create_app
from sandbox.bank.config import Config
from sandbox.bank.signing import signed_headers
from tests.live import Response
from tests.simulators import FormBrowser, WebhookReceiver, call, prefixed, serving

KEYS = {"HDFC": b"h" * 32, "AXIS": b"a" * 32}
NAMES = {"HDFC": "HDFC Bank", "AXIS": "Axis Bank"}


def variables(webhook_url: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment variables of the bank."""
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


@dataclass(frozen=True)
class Received:
    """A received webhook. genuine: signed with the bank's key."""

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


class Merchant(WebhookReceiver[Received]):
    """Receives the webhooks of all banks."""

    PATH = "/hooks/{provider}"
    ACCEPTED = 204

    def parse(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[Received, bool]:
        try:
            Webhook(KEYS[path.rpartition("/")[2]]).verify(raw, headers)
            genuine = True
        except WebhookVerificationError:
            genuine = False
        return Received(path, headers, json.loads(raw), time.monotonic(), genuine), genuine


class Payer(FormBrowser):
    """Fills in the bank's payment form."""

    def decide(self, url: str, decision: str = "pay", *, mode: str = "") -> Response:
        """Open the page, pay or decline, and follow the redirect."""
        page = self.open(url)
        assert page.status == 200, page.text
        answer = self.send(url, page, decision, mode=mode)
        if answer.status != 303:
            return answer
        parts = urlsplit(url)
        return self.open(f"{parts.scheme}://{parts.netloc}{answer.headers['Location']}")

    def send(self, url: str, page: Response, decision: str = "pay", **changes: str) -> Response:
        """Submit the form of a page. changes: of its fields."""
        fields = {"decision": decision, "mode": "", **changes}
        return self.submit(url.partition("?")[0], page, fields)


@dataclass(frozen=True)
class SandboxBank:
    """A bank that runs in this process."""

    url: str

    @classmethod
    @contextmanager
    def open(cls, webhook_url: str, folder: Path, **settings: str) -> Iterator["SandboxBank"]:
        """settings: BANK_… variables in lower case, without the prefix."""
        given = prefixed("BANK", port="0", **settings)
        config = Config.from_env(variables(webhook_url, folder, **given))
        with serving(create_app(config)) as server:
            yield cls(server.address)

    def payment_url(self, amount: str = "25.00", *, bank: str = "HDFC", **changes: Any) -> str:
        """The URL of a payment page, created by a merchant. changes: of the claims."""
        return f"{self.url}/{bank.lower()}/pay?request={payment_request(amount, bank, **changes)}"

    def set_mode(self, mode: str, *, bank: str = "HDFC") -> Response:
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
    ) -> Response:
        """Request a payout. key: Idempotency-Key; default: the reference."""
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

    def payout(self, reference: str = "payout-1", *, bank: str = "HDFC") -> Response:
        return call(
            "GET",
            f"{self.url}/{bank.lower()}/payouts/{reference}",
            headers=signed_headers(KEYS[bank], message_id="msg_2", body=""),
        )

    def statement(self, query: str = "", *, bank: str = "HDFC") -> list[list[str]]:
        """The rows of the statement without the header."""
        answer = call("GET", f"{self.url}/{bank.lower()}/statement.csv{query}")
        assert answer.status == 200, answer.text
        return [line.split(",") for line in answer.text.splitlines()[1:]]


def payment_request(
    amount: str = "25.00", bank: str = "HDFC", *, key: bytes | None = None, **changes: Any
) -> str:
    """A payment request signed by a merchant. changes: of the claims; None removes one."""
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
    """The reference of the payment request in the URL of a payment page."""
    (token,) = parse_qs(urlsplit(url).query)["request"]
    reference: str = jwt.decode(token, options={"verify_signature": False})["reference"]
    return reference
