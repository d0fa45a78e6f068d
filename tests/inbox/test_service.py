"""The inbox: an event that is stored is handled later, once."""

import random
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import reading
from app.common.errors import Forbidden
from app.common.ids import new_id
from app.events import service as outbox
from app.events.catalogue.orders import CheckoutFlagged
from app.events.models import OutboxEvent
from app.inbox import tasks
from app.inbox.errors import Quarantine, QuarantineReason
from app.inbox.models import InboundEvent
from tests.banks.webhooks import event_body, send_event
from tests.clock import freeze_clock
from tests.inbox.recording import RecordingHandler


def events() -> list[InboundEvent]:
    with reading() as session:
        return list(session.scalars(select(InboundEvent).order_by(InboundEvent.id)))


def paid(**data: Any) -> dict[str, Any]:
    return event_body("payout.paid", "reference-1", **data)


def refuse(error: Exception) -> Any:
    def react(_: InboundEvent) -> None:
        raise error

    return react


class TestHandling:
    def test_a_sweep_handles_an_event_whose_job_was_lost(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        send_event(client, paid())
        assert tasks.sweep() == 1
        (event,) = events()
        assert [handled.id for handled in handler.handled] == [event.id]
        assert event.status == "PROCESSED"
        assert event.processed_at is not None

    def test_a_repeated_job_has_no_effect(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        send_event(client, paid())
        (event,) = events()
        for _ in range(3):
            tasks.handle(str(event.id))
        assert len(handler.handled) == 1
        assert tasks.sweep() == 0

    def test_a_contradiction_is_quarantined_and_reported(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        handler.react = refuse(
            Quarantine(QuarantineReason.VALUES_DIFFER, ours={"amount": 1}, theirs={"amount": 2})
        )
        message = paid()
        send_event(client, message)
        tasks.sweep()

        (event,) = events()
        assert (event.status, event.last_error) == ("QUARANTINED", "VALUES_DIFFER")
        with reading() as session:
            query = select(OutboxEvent).where(OutboxEvent.type == "bank-event-quarantined")
            (report,) = session.scalars(query).all()
        assert report.aggregate_id == event.id
        assert report.data == {
            "provider": "HDFC",
            "eventId": message["id"],
            "type": "payout.paid",
            "reason": "VALUES_DIFFER",
            "ours": {"amount": 1},
            "theirs": {"amount": 2},
        }
        assert tasks.sweep() == 0

    @pytest.mark.parametrize("error", [Forbidden("Wallet is locked"), KeyError("a bug")])
    def test_an_event_that_cannot_be_handled_yet_is_retried_after_longer_pauses(
        self,
        client: FlaskClient,
        handler: RecordingHandler,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
    ) -> None:
        monkeypatch.setattr(random, "uniform", lambda low, high: high)  # the longest delays
        handler.react = refuse(error)
        send_event(client, paid())
        start = clock.now()
        tried_at = []
        for minute in range(301):
            freeze_clock(monkeypatch, start + timedelta(minutes=minute, seconds=1))
            if tasks.sweep():
                tried_at.append(minute)
        assert tried_at == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
        (event,) = events()
        assert (event.status, event.attempts) == ("RECEIVED", len(tried_at))
        assert event.last_error == (getattr(error, "text", None) or "KeyError")

        handler.react = handler.handled.append
        freeze_clock(monkeypatch, start + timedelta(minutes=303, seconds=2))
        tasks.sweep()
        assert [event.status for event in events()] == ["PROCESSED"]
        assert len(handler.handled) == 1

    def test_a_failing_event_does_not_delay_others(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        failing = paid(bankReference="failing")

        def react(event: InboundEvent) -> None:
            if event.provider_reference == "failing":
                raise RuntimeError("bug")
            handler.handled.append(event)

        handler.react = react
        for message in (paid(), failing, paid()):
            send_event(client, message)
        assert tasks.sweep() == 3
        assert [event.status for event in events()] == ["PROCESSED", "RECEIVED", "PROCESSED"]

    def test_the_writes_of_a_refusing_handler_are_rolled_back(
        self, committing: Flask, handler: RecordingHandler
    ) -> None:
        def handle(session: Session, _: InboundEvent) -> None:
            outbox.record(session, [CheckoutFlagged(aggregate_id=new_id(), reason="never")])
            raise Forbidden("not now")

        handler.handle = handle  # type: ignore[method-assign]
        send_event(committing.test_client(), paid())
        tasks.sweep()
        with reading() as session:
            assert session.scalars(select(OutboxEvent)).all() == []
        assert [event.status for event in events()] == ["RECEIVED"]
