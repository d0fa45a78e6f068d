"""Sending: retries, servers that are away, and processes that die."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from structlog.testing import CapturingLogger

from app.common import circuit, clock, http, tracing
from app.common.db import transaction
from app.common.tracing import Kind, Span, Tracing
from app.events.catalogue.notifications import NotificationRequest
from app.events.handlers import Handler
from app.notifications import handler, messages, sender
from app.notifications.client import CIRCUIT
from app.notifications.messages import MAX_ATTEMPTS
from app.notifications.models import OutgoingMessage
from app.notifications.sender import Sender, send_all
from tests import factories
from tests.events.relaying import deliver_all
from tests.factories import Actor
from tests.mail_catcher import MailCatcher
from tests.metrics import AUTHORIZED, TOKEN
from tests.notifications.helpers import choose, outgoing, record, relay, send_mails
from tests.notifications.test_mails import change_user
from tests.ports import unused_port


def notify(user: Actor, subject: str = "Hello") -> None:
    record(NotificationRequest(aggregate_id=user.id, subject=subject, text="Text"))


def states() -> list[tuple[str, int]]:
    """The status and number of attempts of each message."""
    return [(message.status, message.attempts) for message in outgoing()]


def make_due() -> None:
    """Let the time of every next attempt come."""
    with transaction() as session:
        session.execute(
            update(OutgoingMessage)
            .where(OutgoingMessage.next_attempt_at.is_not(None))
            .values(next_attempt_at=OutgoingMessage.created_at)
        )


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    """What the sender logs, whatever the level."""
    captured = CapturingLogger()
    monkeypatch.setattr(sender, "_log", captured)
    return captured


def test_a_mail_belongs_to_the_trace_of_its_event(app: Flask, catcher: MailCatcher) -> None:
    spans: list[Span] = []
    tracing.tracing.configure(Tracing(SimpleNamespace(export=spans.append)))
    request = tracing.begin(None)
    assert request is not None
    notify(factories.buyer())
    tracing.end(request)
    deliver_all(Handler("notifications", handler.handle, handler.TYPES))

    send_mails()

    assert len(catcher.mails) == 1
    (sent,) = [span for span in spans if span.name == "message"]
    assert (sent.kind, sent.parent, sent.has_failed) == (Kind.CLIENT, request.context, False)
    assert sent.attributes["payment_flow.message.channel"] == "EMAIL"
    assert "traceparent" not in catcher.mails[0]


def test_a_mail_is_sent_once(client: FlaskClient, catcher: MailCatcher) -> None:
    notify(factories.buyer())

    assert send_mails() == 1
    assert send_mails() == 0

    assert states() == [("SENT", 1)]
    assert list(catcher.received().values()) == [1]


def test_the_message_id_is_that_of_the_row(client: FlaskClient, catcher: MailCatcher) -> None:
    notify(factories.buyer())
    send_mails()

    (message,), (mail,) = outgoing(), catcher.mails
    assert mail["Message-ID"] == f"<{message.id}@pay.example.com>"


def test_mails_share_a_connection(
    client: FlaskClient, catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    connect = sender.MailConnection._connect
    monkeypatch.setattr(
        sender.MailConnection, "_connect", lambda self: opened.append(1) or connect(self)
    )
    user = factories.buyer()
    for number in range(10):
        notify(user, f"{number}")

    send_mails()

    assert len(catcher.mails) == 10
    assert len(opened) == 1


def test_a_refused_address_is_given_up(client: FlaskClient, catcher: MailCatcher) -> None:
    user, other = factories.buyer(), factories.buyer()
    change_user(user, email="refused@example.com", email_key="refused@example.com")
    notify(user)
    notify(other)

    send_mails()

    assert sorted(states()) == [("FAILED", 1), ("SENT", 1)]
    assert {message.problem for message in outgoing()} == {None, "refused with status 550"}


def test_a_deferred_mail_is_tried_again_later_and_given_up_in_the_end(
    client: FlaskClient, catcher: MailCatcher
) -> None:
    user = factories.buyer()
    change_user(user, email="deferred@example.com", email_key="deferred@example.com")
    notify(user)
    send_mails()
    assert states() == [("PENDING", 1)]
    assert send_mails() == 0

    for _ in range(MAX_ATTEMPTS):
        make_due()
        send_mails()

    assert states() == [("FAILED", MAX_ATTEMPTS)]


def test_without_the_server_nothing_is_lost_and_it_is_degraded(
    client: FlaskClient, catcher: MailCatcher, change_server: Callable[..., None]
) -> None:
    change_server(port=unused_port())
    notify(factories.buyer())
    relay()
    for _ in range(circuit.MAX_FAILURES):
        make_due()
        send_all(http.settings())

    assert states() == [("PENDING", 0)]
    assert circuit.is_open(CIRCUIT)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["mail"] == "away"

    change_server()
    circuit._storage(CIRCUIT).state = "closed"
    make_due()
    send_all(http.settings())
    assert states() == [("SENT", 1)]
    assert client.get("/health/ready").json["checks"]["mail"] == "ok"


def test_the_backlog_and_the_circuit_are_metrics(
    client: FlaskClient, catcher: MailCatcher, change_settings: Callable[..., None]
) -> None:
    change_settings(metrics_token=TOKEN)
    notify(factories.buyer())
    relay()

    text = client.get("/metrics", headers=AUTHORIZED).text

    assert 'payment_flow_messages_to_send{channel="EMAIL"} 1.0' in text
    assert 'payment_flow_messages_delay_seconds{channel="EMAIL"}' in text
    assert 'payment_flow_circuit_closed{circuit="smtp"} 1.0' in text


class TestDeath:
    def test_before_the_server_was_given_it_the_mail_is_sent_once(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        notify(factories.buyer())
        relay()
        with transaction() as session:
            messages.claim_due(session, limit=10, max_sales=20)
        assert send_all(http.settings()) == 0

        make_due()
        send_all(http.settings())

        assert list(catcher.received().values()) == [1]

    def test_after_the_server_accepted_it_the_repetition_has_the_same_message_id(
        self, client: FlaskClient, catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The only case in which a mail is repeated: programs recognize it by its Message-ID."""
        notify(factories.buyer())
        relay()

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(messages, "finish", die)
            with pytest.raises(KeyboardInterrupt):
                send_all(http.settings())
        assert states() == [("SENDING", 1)]
        make_due()
        send_all(http.settings())

        assert states() == [("SENT", 2)]
        assert list(catcher.received().values()) == [2]

    def test_a_sender_whose_lease_has_ended_sends_nothing(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        notify(factories.buyer())
        relay()
        with transaction() as session:
            (claimed,) = messages.claim_due(session, limit=10, max_sales=20)
        late = replace(claimed, lease_ends_at=clock.now() - timedelta(minutes=5))

        last = Sender(http.settings())
        assert last._send(late)
        last.close()

        assert catcher.mails == []
        assert states() == [("PENDING", 0)]

    def test_a_sender_that_is_stopped_leaves_the_rest_to_others(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        for number in range(3):
            notify(factories.buyer(), f"{number}")
        relay()
        stopping = threading.Event()
        first = Sender(http.settings())
        stopping.set()

        assert first.run_once(is_stopping=stopping.is_set) == 0

        make_due()
        send_all(http.settings())
        assert len(catcher.mails) == 3


class TestConcurrency:
    def test_senders_side_by_side_send_each_mail_once(
        self, committing: Flask, catcher: MailCatcher
    ) -> None:
        user = factories.buyer()
        for number in range(40):
            notify(user, f"{number}")
        relay()
        threads = [threading.Thread(target=send_all, args=(http.settings(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(catcher.mails) == 40
        assert set(catcher.received().values()) == {1}


class TestTextMessages:
    def test_they_are_written_to_the_log_for_those_who_want_them(
        self, client: FlaskClient, catcher: MailCatcher, log: CapturingLogger
    ) -> None:
        user = factories.actor(phone="+14155550100")
        choose(client, user, "MESSAGE", sms=True, email=False)
        notify(user)

        send_mails()

        (call,) = [call for call in log.calls if call.args == ("sms",)]
        assert "Hello" in call.kwargs["text"]
        assert "+1415" not in str(call)
        assert states() == [("SENT", 1)]

    def test_a_user_without_a_number_receives_none(
        self, client: FlaskClient, catcher: MailCatcher
    ) -> None:
        user = factories.buyer()
        choose(client, user, "MESSAGE", sms=True, email=False)
        notify(user)
        relay()
        assert outgoing() == []


def test_no_log_line_contains_an_address(
    client: FlaskClient, catcher: MailCatcher, log: CapturingLogger
) -> None:
    user = factories.buyer()
    change_user(user, email="deferred-alice@example.com", email_key="deferred-alice@example.com")
    notify(user)

    send_mails()

    assert [call for call in log.calls if call.args == ("mail not accepted",)]
    assert "deferred-alice" not in str(log.calls)
    assert "deferred-alice" not in str([message.problem for message in outgoing()])
