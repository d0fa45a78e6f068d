"""The application with the sandbox's gateway, and somebody who deals with what it tells."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
import urllib3
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.banks import service as inbox
from app.banks.models import BankEvent
from app.common.db import new_id
from app.common.outside import GatewayAccount
from app.common.settings import Settings
from app.gateway import client as gateway_client
from app.gateway import transport
from tests.stripe import SECRET_KEY, WEBHOOK_SECRET, Received, SandboxGateway, Shop

TOPICS = ("checkout", "payment_intent", "refund")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop.listening() as listening:
        yield listening


@pytest.fixture(scope="module")
def running(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxGateway]:
    with SandboxGateway.open(
        shop.url,
        tmp_path_factory.mktemp("gateway"),
        shortest_seconds="0",
        refund_seconds="0.1",
        answer_seconds="0.8",
    ) as opened:
        yield opened


def use(account: GatewayAccount | None) -> None:
    """Have this account, and forget the library's client of another."""
    gateway_client._client_of.cache_clear()
    gateway_client.configure(account)


@pytest.fixture
def accounts(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[GatewayAccount | None], None]]:
    """Call it with the account to use; nobody waits for it long, or tries again."""
    monkeypatch.setattr(transport, "TIME_OUT", urllib3.Timeout(connect=1, read=0.4))
    monkeypatch.setattr(gateway_client, "RETRIES", 0)
    yield use
    use(settings.gateway)


@pytest.fixture
def gateway(
    running: SandboxGateway, shop: Shop, accounts: Callable[[GatewayAccount], None]
) -> SandboxGateway:
    """The gateway that the application asks, behaving well, with nothing told yet."""
    running.behave(mode="normal", fault="none")
    shop.received.clear()
    accounts(GatewayAccount(running.url, SECRET_KEY, (WEBHOOK_SECRET,)))
    return running


class Books:
    """Knows orders and refunds, and writes down what it is told of them."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.told: list[BankEvent] = []

    def has(self) -> UUID:
        """A new id that is known."""
        made = new_id()
        self.known.add(str(made))
        return made

    def knows(self, session: Session, *, provider: str, reference: str) -> bool:
        assert provider == "STRIPE"
        return reference in self.known

    def apply(self, session: Session, event: BankEvent) -> None:
        self.told.append(event)


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Books:
    """Who deals with what the gateway tells, for the length of the test."""
    made = Books()
    for topic in TOPICS:
        monkeypatch.setitem(inbox._handlers, topic, made)
    return made


def deliver(client: FlaskClient, webhook: Received) -> TestResponse:
    """A webhook that the gateway has sent, to our endpoint."""
    return send(client, webhook.raw, webhook.header)


def send(client: FlaskClient, raw: bytes, header: str | None) -> TestResponse:
    headers = {} if header is None else {"Stripe-Signature": header}
    return client.post(
        "/api/v1/webhooks/stripe", data=raw, headers=headers, content_type="application/json"
    )
