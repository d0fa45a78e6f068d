"""A payout in running processes: web, Redis, worker and bank."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.banks.providers import to_json
from app.common import cache
from app.common.settings import Settings
from tests import servers
from tests.fake_bank import FakeBank
from tests.live import PASSWORD, LiveServer, wait_until
from tests.payouts.helpers import ACCOUNT, NUMBER

pytestmark = pytest.mark.stress

WALLET = "/api/v1/wallet"


@dataclass(frozen=True)
class World:
    server: LiveServer
    bank: FakeBank
    logs: list[Path]

    def call(self, method: str, path: str, body: Any = None, *, token: str) -> Any:
        answer = self.server.call(method, WALLET + path, body, token=token)
        assert answer.status < 300, answer.text
        return answer.json

    def pay_out(self, token: str, account: dict[str, str]) -> dict[str, Any]:
        """The payout, once it has ended."""
        body = account | {"password": PASSWORD}
        saved = self.call("POST", "/bank-accounts", body, token=token)
        body = {"bankAccountId": saved["id"], "amount": "25.00"}
        path = f"/payouts/{self.call('POST', '/payouts', body, token=token)['id']}"
        wait_until(lambda: self.call("GET", path, token=token)["settledAt"], seconds=30)
        ended: dict[str, Any] = self.call("GET", path, token=token)
        return ended


@pytest.fixture
def world(
    worker_app: Flask, settings: Settings, worker_number: int, bank: FakeBank
) -> Iterator[World]:
    cache.client().flushdb()  # jobs of other tests
    extra = {"BANK_PROVIDERS": to_json(bank.providers), "LOG_LEVEL": "debug"}
    with (
        servers.database(f"payment_flow_live_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1, **extra) as server,
        server.worker(),
    ):
        port = server.environment["PORT"]
        yield World(server, bank, list(Path(str(settings.data_dir)).glob(f"*-{port}.log")))


def test_the_worker_pays_out_and_no_log_contains_the_number(world: World) -> None:
    token = world.server.sign_up("alice", balance="100.00")

    world.bank.status = "PAID"
    paid = world.pay_out(token, ACCOUNT)
    world.bank.status, world.bank.reason = "REFUSED", "account unknown"
    refused = world.pay_out(token, ACCOUNT | {"routing": "HDFC0009999"})

    assert (paid["status"], refused["status"]) == ("PAID", "REFUSED")
    assert refused["reason"] == "account unknown"
    wallet = world.call("GET", "", token=token)
    assert (wallet["balance"], wallet["held"]) == ("75.00", "0.00")
    assert [taken["order"]["account"]["number"] for taken in world.bank.payouts.values()] == [
        NUMBER,
        NUMBER,
    ]

    written = [log.read_text() for log in world.logs] + outbox_texts(world.server)
    assert any("bank called" in text for text in written)
    assert [text for text in written if NUMBER[:-4] in text] == []


def outbox_texts(server: LiveServer) -> list[str]:
    """The events in the outbox."""
    engine = create_engine(server.database.app_url)
    with engine.connect() as connection:
        found = list(connection.scalars(text("SELECT data::text FROM outbox_events")))
    engine.dispose()
    assert found
    return found
