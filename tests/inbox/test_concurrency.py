"""The inbox under concurrency, with real commits."""

import time

import pytest
import redis
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app.common import queue, redis_client
from app.common.db import reading, transaction
from app.common.settings import Settings
from app.inbox import tasks
from app.inbox.models import InboundEvent
from app.worker import make_worker
from tests import factories
from tests.banks.webhooks import event_body, send_event
from tests.concurrency import all_at_once
from tests.inbox.recording import RecordingHandler


def event_ids() -> list[str]:
    with reading() as session:
        return [str(one) for one in session.scalars(select(InboundEvent.id))]


def test_20_concurrent_deliveries_of_one_webhook_are_stored_once(
    committing: Flask, handler: RecordingHandler
) -> None:
    event = event_body("payout.paid", "reference-1")
    answers = all_at_once(lambda _: send_event(committing.test_client(), event), range(20))
    assert {(a.status_code, a.json["received"]) for a in answers} == {(200, True)}
    assert len(event_ids()) == 1


def test_concurrent_jobs_and_sweeps_handle_each_event_once(
    committing: Flask, handler: RecordingHandler
) -> None:
    for _ in range(5):
        send_event(committing.test_client(), event_body("payout.paid", "reference-1"))

    def handle_slowly(event: InboundEvent) -> None:
        time.sleep(0.05)
        handler.handled.append(event)

    handler.react = handle_slowly
    ids = event_ids()
    all_at_once(
        lambda n: tasks.sweep() if n % 4 == 0 else tasks.handle(ids[n % 5]), range(40), threads=20
    )
    assert sorted(str(event.id) for event in handler.handled) == sorted(ids)


def test_the_worker_handles_a_delivered_event(
    committing: Flask, handler: RecordingHandler, settings: Settings
) -> None:
    send_event(committing.test_client(), event_body("payout.paid", "reference-1"))
    connection = redis.Redis.from_url(str(settings.redis_url))
    worker = make_worker(queue.NAME, connection)
    worker.work(burst=True)
    assert len(handler.handled) == 1


def test_without_redis_an_event_is_stored_and_handled_by_a_sweep(
    committing: Flask, handler: RecordingHandler, settings: Settings
) -> None:
    queue.configure(redis_client.connect("redis://127.0.0.1:1/0"))
    try:
        answer = send_event(committing.test_client(), event_body("payout.paid", "reference-1"))
    finally:
        queue.configure(redis_client.connect(str(settings.redis_url)))
    assert answer.status_code == 200
    assert tasks.sweep() == 1
    assert len(handler.handled) == 1


@pytest.mark.parametrize(
    "change",
    [
        "body = '{}'",
        "amount = 1",
        "reference = 'other'",
        "provider = 'AXIS'",
        "received_at = now()",
        "status = 'RECEIVED', processed_at = NULL",
        "attempts = 99",
    ],
)
def test_the_database_refuses_changes_of_a_handled_event(
    committing: Flask, handler: RecordingHandler, change: str
) -> None:
    send_event(committing.test_client(), event_body("payout.paid", "reference-1"))
    tasks.sweep()
    with pytest.raises(DBAPIError, match="has been handled"), transaction() as session:
        factories.as_owner(session, f"UPDATE inbound_events SET {change}")
    with reading() as session:
        query = select(func.count()).where(InboundEvent.status == "PROCESSED")
        assert session.scalar(query) == 1
