"""After a restore: sessions end, and events of banks and the gateway are fetched again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.backups import aftermath
from app.banks import client as bank_client
from app.banks import providers
from app.banks.providers import Provider
from app.common import clock
from app.common.db import reading
from app.common.settings import Settings
from app.inbox.models import InboundEvent
from tests import factories
from tests.bank import KEYS, Payer, SandboxBank
from tests.factories import PASSWORD
from tests.fake_bank import FakeBank
from tests.gateway.conftest import gateway, handler, shop, use_gateway
from tests.gateway.helpers import paid_intent
from tests.inbox.recording import RecordingHandler
from tests.onramp.helpers import created_onramp
from tests.ports import unused_port
from tests.stripe import SandboxGateway

# Fixtures, which pytest finds by name.
__all__ = ["gateway", "handler", "shop", "use_gateway"]


@pytest.fixture
def sandbox_bank(app: Flask, settings: Settings, tmp_path: Path) -> Iterator[SandboxBank]:
    """A bank whose webhooks do not arrive, and that is the only one."""
    with SandboxBank.open(f"http://127.0.0.1:{unused_port()}", tmp_path) as bank:
        providers.configure([Provider("HDFC", "HDFC Bank", f"{bank.url}/hdfc", (KEYS["HDFC"],))])
        yield bank
    providers.configure(providers.from_settings(settings))


def events() -> dict[str, tuple[str, str | None]]:
    """Status and problem of each event, by its reference."""
    with reading() as session:
        found = session.scalars(select(InboundEvent))
        return {event.reference: (event.status, event.last_error) for event in found}


def balance(client: FlaskClient, headers: dict[str, str]) -> str:
    return str(client.get("/api/v1/wallet", headers=headers).json["balance"])


def test_money_that_a_bank_has_confirmed_is_credited_once(
    client: FlaskClient, sandbox_bank: SandboxBank
) -> None:
    since, buyer = clock.now(), factories.buyer("1.00")
    onramp = created_onramp(client, buyer)
    facts = {"reference": onramp["token"], "userId": str(buyer.id)}
    Payer().decide(sandbox_bank.payment_url(onramp["amount"], **facts))
    # One that was requested after the restored moment: we have lost it.
    Payer().decide(sandbox_bank.payment_url("30.00", reference="a-reference-that-is-lost"))
    before = float(balance(client, buyer.headers))

    first = list(aftermath.fetch_events(since))
    second = list(aftermath.fetch_events(since))

    assert first[0] == "HDFC Bank: 2 events, 2 of them new."
    assert second[0] == "HDFC Bank: 2 events, 0 of them new."
    assert events() == {
        onramp["token"]: ("PROCESSED", None),
        "a-reference-that-is-lost": ("QUARANTINED", "NOT_FOUND"),
    }
    assert float(balance(client, buyer.headers)) == before + float(onramp["amount"])
    later = list(aftermath.fetch_events(clock.now() + timedelta(minutes=1)))
    assert later[0] == "HDFC Bank: 0 events, 0 of them new."


def test_every_page_is_fetched_in_order(
    client: FlaskClient, sandbox_bank: SandboxBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.bank.api._EVENTS", 2)
    since = clock.now()
    names = [f"a-lost-reference-{number}" for number in range(5)]
    for name in names:
        Payer().decide(sandbox_bank.payment_url(reference=name))

    lines = list(aftermath.fetch_events(since))

    assert lines[0] == "HDFC Bank: 5 events, 5 of them new."
    assert list(events()) == names


def test_a_bank_without_a_list_is_named_for_reconciliation(
    client: FlaskClient, bank: FakeBank
) -> None:
    lines = list(aftermath.fetch_events(clock.now()))

    assert "HDFC Bank does not list its events: reconcile its statement." in lines


def test_a_bank_that_is_away_is_named(client: FlaskClient, bank: FakeBank) -> None:
    bank.failures.extend([500] * (bank_client.RETRIES.total + 1))  # type: ignore[operator]

    lines = list(aftermath.fetch_events(clock.now()))

    assert lines[0] == "HDFC Bank: events were not fetched (HTTP 500); try again."


def test_events_of_the_gateway_are_fetched(
    app: Flask, gateway: SandboxGateway, handler: RecordingHandler
) -> None:
    since = clock.now() - timedelta(seconds=1)
    known = handler.new_reference("STRIPE")
    paid_intent(known)
    paid_intent()  # of an order that is lost
    providers.configure([])

    assert list(aftermath.fetch_events(since)) == ["The gateway: 2 events, 2 of them new."]
    assert list(aftermath.fetch_events(since)) == ["The gateway: 2 events, 0 of them new."]
    assert [event.reference for event in handler.handled] == [str(known)]
    statuses = events()
    assert statuses.pop(str(known)) == ("PROCESSED", None)
    assert list(statuses.values()) == [("QUARANTINED", "NOT_FOUND")]


def test_sessions_of_the_restored_moment_end_and_later_ones_go_on(client: FlaskClient) -> None:
    user = factories.buyer("1.00")
    account = {"email": user.email, "password": PASSWORD}
    early = client.post("/api/v1/auth/login", json=account).json
    moment = clock.now()
    later = client.post("/api/v1/auth/login", json=account).json

    assert aftermath.end_sessions(moment) > 0
    assert aftermath.end_sessions(moment) == 0

    def wallet(tokens: dict[str, str]) -> int:
        headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
        return client.get("/api/v1/wallet", headers=headers).status_code

    assert (wallet(early), wallet(later)) == (401, 200)
    refreshed = client.post("/api/v1/auth/refresh", json={"refreshToken": early["refreshToken"]})
    assert refreshed.status_code == 401
