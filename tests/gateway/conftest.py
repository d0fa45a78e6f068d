"""The application with the simulated gateway, and a recording handler of its events."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from flask import Flask

from app.common.settings import Settings
from app.gateway import client as gateway_client
from app.gateway import provider_config, transport
from app.gateway.provider_config import GatewayConfig
from tests import factories
from tests.factories import Actor
from tests.gateway.helpers import UseGateway
from tests.inbox.recording import RecordingHandler
from tests.stripe import SECRET_KEY, WEBHOOK_SECRET, SandboxGateway, Shop

TOPICS = ("checkout", "payment_intent", "refund")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop.listening() as listening:
        yield listening


def use(config: GatewayConfig | None) -> None:
    """Use this gateway, and discard the client of the previous one."""
    gateway_client._client_of.cache_clear()
    gateway_client.config.configure(config)


@pytest.fixture
def use_gateway(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[UseGateway]:
    """Call it with the gateway to use, with short timeouts and without retries."""
    monkeypatch.setattr(transport, "TIMEOUT", urllib3.Timeout(connect=1, read=0.4))
    monkeypatch.setattr(gateway_client, "RETRIES", 0)
    yield use
    use(provider_config.from_settings(settings))


@pytest.fixture
def gateway(shop: Shop, use_gateway: UseGateway, tmp_path: Path) -> Iterator[SandboxGateway]:
    """The gateway that the application calls. Each test has its own, because the webhooks of a
    shared one could arrive in the next test."""
    with SandboxGateway.open(
        shop.url, tmp_path, min_checkout_seconds="0", refund_seconds="0.1", answer_seconds="0.8"
    ) as opened:
        use_gateway(GatewayConfig(opened.url, SECRET_KEY, (WEBHOOK_SECRET,)))
        yield opened


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> RecordingHandler:
    """A handler of all events of the gateway, which records them."""
    return RecordingHandler.subscribed(monkeypatch, *TOPICS)


@pytest.fixture
def seller(app: Flask) -> Actor:
    return factories.merchant()


@pytest.fixture
def buyer(app: Flask) -> Actor:
    return factories.buyer("1.00")


@pytest.fixture
def two_secrets(use_gateway: UseGateway) -> None:
    """A gateway that is never called, with two webhook secrets."""
    secrets = (WEBHOOK_SECRET, "whsec_the_secret_before_it")
    use_gateway(GatewayConfig("http://127.0.0.1:1", SECRET_KEY, secrets))
