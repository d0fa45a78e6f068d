"""Simulators in this process, a receiver of their webhooks, and a browser for their forms."""

import os
import re
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

import urllib3
from flask import Flask

from app.common.settings import PROJECT_ROOT
from sandbox.common.server import Server
from tests.http_server import listening
from tests.live import Response, wait_until

W = TypeVar("W")
R = TypeVar("R", bound="WebhookReceiver[Any]")


def call(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Send a request. Redirects are not followed and no status raises."""
    with urllib3.PoolManager(timeout=20) as http:
        answer = http.request(
            method, url, body=body, headers=headers or {}, redirect=False, retries=False
        )
        return Response(answer.status, dict(answer.headers), answer.data.decode())


def prefixed(prefix: str, **settings: str) -> dict[str, str]:
    """Environment variables of a simulator. settings: in lower case, without the prefix."""
    return {f"{prefix}_{name.upper()}": value for name, value in settings.items()}


@contextmanager
def process(simulator: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """`python -m sandbox.…` with these settings only; killed when the block ends."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BANK_", "STRIPE_", "GATEWAY_", "MAIL_", "TRAFFIC_"))
    }
    started = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", f"sandbox.{simulator}"],
        env=kept | environment,
        cwd=PROJECT_ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


@contextmanager
def serving(app: Flask) -> Iterator[Server]:
    """Serve a simulator by a thread of this process."""
    server = Server(app)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.shut_down()
        thread.join()


@dataclass
class WebhookReceiver(ABC, Generic[W]):
    """Records every webhook.

    answers: statuses of the next responses; then `ACCEPTED` (401 if forged). pauses: seconds before
    the next responses.
    """

    PATH: ClassVar[str]
    ACCEPTED: ClassVar[int]

    url: str = ""
    answers: list[int] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    received: list[W] = field(default_factory=list)

    @classmethod
    @contextmanager
    def listening(cls: type[R]) -> Iterator[R]:
        receiver = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.receive(self.path, headers, raw))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        with listening(Handler) as url:
            receiver.url = url + cls.PATH
            yield receiver

    def receive(self, path: str, headers: dict[str, str], raw: bytes) -> int:
        """Record a webhook. Returns the status of the response."""
        webhook, genuine = self.parse(path, headers, raw)
        self.received.append(webhook)
        if self.pauses:
            time.sleep(self.pauses.pop(0))
        if self.answers:
            return self.answers.pop(0)
        return self.ACCEPTED if genuine else 401

    @abstractmethod
    def parse(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[W, bool]:
        """A request as a webhook, and whether its signature is valid. headers: in lower case."""

    def wait_for(self, count: int) -> list[W]:
        """Wait for exactly `count` webhooks. Returns them in the order of arrival."""
        wait_until(lambda: len(self.received) >= count, seconds=10)
        time.sleep(0.2)
        assert len(self.received) == count, self.received
        return list(self.received)


@dataclass
class FormBrowser:
    """Keeps a cookie and submits the form of a page."""

    cookie: str = ""

    def open(self, url: str) -> Response:
        answer = call("GET", url, headers={"Cookie": self.cookie, "Accept": "text/html"})
        self.cookie = answer.headers.get("Set-Cookie", self.cookie).partition(";")[0]
        return answer

    def submit(self, url: str, page: Response, fields: dict[str, str]) -> Response:
        """Post the hidden fields of a page together with these."""
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
