"""All event types of all providers: stored first, handled once, quarantined on a contradiction."""

from collections.abc import Callable, Sequence

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.banks.providers import from_settings
from app.banks.types import BankEventType
from app.common.db import reading
from app.common.ids import new_id
from app.common.settings import Settings
from app.events.models import OutboxEvent
from app.gateway import provider_config
from app.gateway import service as gateway
from app.gateway.types import GatewayEventType
from app.inbox import service, tasks
from app.inbox.errors import Quarantine, QuarantineReason
from app.inbox.models import InboundEvent
from tests.banks import webhooks as bank
from tests.gateway import webhooks as stripe
from tests.inbox.recording import RecordingHandler

BANKS = [bank.code for bank in from_settings(Settings(app_env="test"))]
EVENTS = [(code, event_type.value) for code in BANKS for event_type in BankEventType] + [
    (gateway.PROVIDER, event_type.value) for event_type in GatewayEventType
]

#: Sends an event about a reference, the same one each time.
Send = Callable[[FlaskClient], TestResponse]


def topic(event_type: str) -> str:
    return event_type.partition(".")[0]


def stored() -> Sequence[InboundEvent]:
    with reading() as session:
        return session.scalars(select(InboundEvent)).all()


def quarantined() -> list[tuple[str, dict[str, object]]]:
    """The provider and the reason of each report of a quarantined event."""
    with reading() as session:
        query = select(OutboxEvent.data).where(OutboxEvent.type == "bank-event-quarantined")
        return [(data["provider"], data["reason"]) for data in session.scalars(query)]


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch, event_type: str) -> RecordingHandler:
    return RecordingHandler.subscribed(monkeypatch, topic(event_type))


@pytest.fixture
def send(provider: str, event_type: str, handler: RecordingHandler, settings: Settings) -> Send:
    """Sends one event about a reference that the handler owns."""
    reference = str(handler.new_reference(provider))
    if provider == gateway.PROVIDER:
        config = provider_config.from_settings(settings)
        assert config is not None
        secret = config.webhook_secrets[0]
        event = stripe.event_body(
            event_type,
            client_reference_id=reference,
            metadata={"order_id": reference, "refund_id": reference},
            amount=5000,
        )
        return lambda client: stripe.send_event(client, event, secret=secret)
    message = bank.event_body(event_type, reference, amount="50.00", currency="USD")
    return lambda client: bank.send_event(client, message, provider=provider)


@pytest.mark.parametrize(("provider", "event_type"), EVENTS)
class TestEachEvent:
    def test_an_event_is_stored_first_and_handled_once(
        self, client: FlaskClient, handler: RecordingHandler, send: Send, provider: str
    ) -> None:
        answers = [send(client) for _ in range(3)]
        assert [(answer.status_code, answer.json) for answer in answers] == [
            (200, {"received": True})
        ] * 3
        assert handler.handled == []
        (event,) = stored()
        assert (event.provider, event.status) == (provider, "RECEIVED")
        assert (event.amount, event.currency) == (5000, "USD")

        for _ in range(2):
            tasks.handle(str(event.id))
        assert tasks.sweep() == 0
        assert [handled.id for handled in handler.handled] == [event.id]
        assert [event.status for event in stored()] == ["PROCESSED"]
        assert quarantined() == []

    def test_an_event_that_contradicts_our_record_is_quarantined(
        self, client: FlaskClient, handler: RecordingHandler, send: Send, provider: str
    ) -> None:
        def contradict(_: InboundEvent) -> None:
            raise Quarantine(
                QuarantineReason.VALUES_DIFFER, ours={"amount": 1}, theirs={"amount": 5000}
            )

        handler.react = contradict
        send(client)
        assert tasks.sweep() == 1

        (event,) = stored()
        assert (event.status, event.last_error) == ("QUARANTINED", "VALUES_DIFFER")
        assert quarantined() == [(provider, "VALUES_DIFFER")]
        assert send(client).status_code == 200
        assert tasks.sweep() == 0

    def test_an_event_with_an_unknown_reference_is_not_stored(
        self, client: FlaskClient, handler: RecordingHandler, send: Send, provider: str
    ) -> None:
        handler.owned = {(provider, str(new_id()))}
        send(client)
        assert stored() == []


def test_each_event_type_of_each_provider_has_a_handler(app: Flask) -> None:
    topics = {topic(event_type) for _, event_type in EVENTS}
    assert set(service.handlers) == topics
    for handler in map(service.handlers.get, topics):
        assert callable(handler.owns)
        assert callable(handler.handle)
