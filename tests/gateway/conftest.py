"""The application with the sandbox's gateway, and somebody who deals with what it tells."""

from collections.abc import Callable, Iterator

import pytest
import urllib3
from flask import Flask

from app.common.outside import GatewayAccount
from app.common.settings import Settings
from app.gateway import client as gateway_client
from app.gateway import transport
from tests.inbox.recording import RecordingHandler
from tests.stripe import SECRET_KEY, WEBHOOK_SECRET, SandboxGateway, Shop

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
        min_checkout_seconds="0",
        refund_seconds="0.1",
        answer_seconds="0.8",
    ) as opened:
        yield opened


def use(account: GatewayAccount | None) -> None:
    """Have this account, and forget the library's client of another."""
    gateway_client._client_of.cache_clear()
    gateway_client.account.configure(account)


@pytest.fixture
def accounts(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[GatewayAccount | None], None]]:
    """Call it with the account to use; nobody waits for it long, or tries again."""
    monkeypatch.setattr(transport, "TIMEOUT", urllib3.Timeout(connect=1, read=0.4))
    monkeypatch.setattr(gateway_client, "RETRIES", 0)
    yield use
    use(settings.gateway)


@pytest.fixture
def gateway(
    running: SandboxGateway, shop: Shop, accounts: Callable[[GatewayAccount], None]
) -> SandboxGateway:
    """The gateway that the application asks, behaving well, with nothing told yet."""
    running.set_behaviour(mode="normal", fault="none")
    shop.received.clear()
    accounts(GatewayAccount(running.url, SECRET_KEY, (WEBHOOK_SECRET,)))
    return running


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> RecordingHandler:
    """The handler of what the gateway sends, for the length of the test."""
    return RecordingHandler.subscribed(monkeypatch, *TOPICS)
