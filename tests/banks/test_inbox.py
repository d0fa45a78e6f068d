"""The inbox: stored first, taking effect later, once."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.banks import tasks
from app.banks.errors import Quarantine
from app.banks.models import BankEvent
from app.common import clock
from app.common.db import new_id, reading
from app.common.errors import Forbidden
from app.events import service as outbox
from app.events.models import OutboxEvent
from tests.answers import refusal
from tests.banks.conftest import Notebook
from tests.banks.speaking import clock_at, deliver, key_of, message, signed, tell


def events() -> list[BankEvent]:
    with reading() as session:
        return list(session.scalars(select(BankEvent).order_by(BankEvent.id)))


def paid(**data: Any) -> dict[str, Any]:
    return message("payout.paid", "reference-1", **data)


def refuse(error: Exception) -> Any:
    def apply(_: BankEvent) -> None:
        raise error

    return apply


class TestReceiving:
    def test_it_is_stored_as_it_was_signed_and_nothing_comes_of_it_yet(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        said = paid(amount="12.50", currency="USD", bankReference="UTR-1", reason="", userId="u")
        tell(client, said)

        (event,) = events()
        assert json.loads(event.body) == said
        assert (event.provider, event.event_id, event.type) == ("HDFC", said["id"], "payout.paid")
        assert (event.reference, event.amount, event.currency) == ("reference-1", 1250, "USD")
        assert (event.user_id, event.bank_reference, event.reason) == ("u", "UTR-1", "")
        assert (event.status, event.attempts, event.processed_at) == ("RECEIVED", 0, None)
        assert notebook.applied == []

    @pytest.mark.parametrize(
        ("amount", "currency", "minor"),
        [
            ("12.505", "USD", None),
            ("12", "JPY", 12),
            ("12.5", "JPY", None),
            ("1.00", "XXX", None),
            (None, "USD", None),
            ("1.00", None, None),
            ("99999999999999999999", "USD", None),
        ],
    )
    def test_an_amount_that_its_currency_cannot_express_is_none(
        self,
        client: FlaskClient,
        notebook: Notebook,
        amount: str | None,
        currency: str | None,
        minor: int | None,
    ) -> None:
        assert tell(client, paid(amount=amount, currency=currency)).status_code == 200
        assert [event.amount for event in events()] == [minor]

    def test_a_repetition_is_answered_and_stored_only_once(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        said = paid()
        answers = [tell(client, said) for _ in range(3)]
        assert [(a.status_code, a.json) for a in answers] == [(200, {"received": True})] * 3
        assert len(events()) == 1

    def test_two_banks_may_use_the_same_id(self, client: FlaskClient, notebook: Notebook) -> None:
        notebook.known.add(("AXIS", "reference-1"))
        said = paid()
        for provider in ("HDFC", "AXIS"):
            assert tell(client, said, provider=provider).status_code == 200
        assert [event.provider for event in events()] == ["HDFC", "AXIS"]

    def test_what_we_asked_nothing_about_is_not_found_and_not_stored(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        said = message("payout.paid", "reference-2")
        assert refusal(tell(client, said)) == (404, "REFERENCE_UNKNOWN")
        assert events() == []

    def test_what_we_asked_of_another_bank_is_not_found(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        assert refusal(tell(client, paid(), provider="AXIS")) == (404, "REFERENCE_UNKNOWN")

    @pytest.mark.parametrize("provider", ["SBI", "hdfc", "HDFC%20", "..", "%00"])
    def test_a_bank_that_there_is_not_is_not_found(
        self, client: FlaskClient, provider: str
    ) -> None:
        body = json.dumps(paid()).encode()
        answer = deliver(client, body, signed(body, key=key_of("HDFC")), provider=provider)
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"type": "payout.paid"}',
            b'{"type": "payout.paid", "data": null}',
            b'{"type": "payout.paid", "data": {}}',
            b'{"type": "payout.lost", "data": {"reference": "reference-1"}}',
            b'{"type": ["payout.paid"], "data": {"reference": "reference-1"}}',
            b'{"type": "payout.paid", "data": {"reference": 1}}',
            b'{"type": "payout.paid", "data": {"reference": ""}}',
            b'{"type": "payout.paid", "data": {"reference": "reference-1", "amount": "-1"}}',
            b'{"type": "payout.paid", "data": {"reference": "reference-1", "amount": NaN}}',
            b'{"type": "payout.paid", "data": {"reference": "reference-1", "reason": "\\u0000"}}',
            b'{"type": "payout.paid", "data": {"reference": "reference-1", "reason": "\\ud800"}}',
        ],
    )
    def test_nonsense_is_refused_even_when_it_is_signed(
        self, client: FlaskClient, notebook: Notebook, body: bytes
    ) -> None:
        answer = deliver(client, body, signed(body, key=key_of("HDFC")))
        assert answer.status_code == 400
        assert events() == []

    def test_a_bank_may_say_more_than_we_asked_for(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        assert tell(client, paid(branch="Pune") | {"version": 2}).status_code == 200

    def test_a_body_of_another_kind_or_size_is_refused(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        body = json.dumps(paid()).encode()
        headers = signed(body, key=key_of("HDFC"))
        answer = client.post(
            "/api/v1/onramp/webhooks/HDFC", data=body, headers=headers, content_type="text/plain"
        )
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
        large = json.dumps(paid(reason="x" * 70_000)).encode()
        answer = deliver(client, large, signed(large, key=key_of("HDFC")))
        assert refusal(answer) == (413, "BODY_TOO_LARGE")


class TestSettling:
    def test_a_sweep_finds_what_no_job_has_settled(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        tell(client, paid())
        assert tasks.sweep() == 1
        (event,) = events()
        assert [applied.id for applied in notebook.applied] == [event.id]
        assert event.status == "PROCESSED"
        assert event.processed_at is not None

    def test_a_job_that_runs_again_does_nothing(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        tell(client, paid())
        (event,) = events()
        for _ in range(3):
            tasks.settle(str(event.id))
        assert len(notebook.applied) == 1
        assert tasks.sweep() == 0

    def test_what_cannot_be_true_is_set_aside_and_reported(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        notebook.apply_by = refuse(
            Quarantine("VALUES_DIFFER", ours={"amount": 1}, theirs={"amount": 2})
        )
        said = paid()
        tell(client, said)
        tasks.sweep()

        (event,) = events()
        assert (event.status, event.last_error) == ("QUARANTINED", "VALUES_DIFFER")
        with reading() as session:
            query = select(OutboxEvent).where(OutboxEvent.type == "bank-event-quarantined")
            (told,) = session.scalars(query).all()
        assert told.aggregate_id == event.id
        assert told.data == {
            "provider": "HDFC",
            "eventId": said["id"],
            "type": "payout.paid",
            "reason": "VALUES_DIFFER",
            "ours": {"amount": 1},
            "theirs": {"amount": 2},
        }
        assert tasks.sweep() == 0

    @pytest.mark.parametrize("error", [Forbidden("Wallet is locked"), KeyError("a bug")])
    def test_what_cannot_take_effect_is_tried_again_later_and_later(
        self,
        client: FlaskClient,
        notebook: Notebook,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
    ) -> None:
        notebook.apply_by = refuse(error)
        tell(client, paid())
        start = clock.now()
        tried_at = []
        for minute in range(301):
            clock_at(monkeypatch, start + timedelta(minutes=minute, seconds=1))
            if tasks.sweep():
                tried_at.append(minute)
        assert tried_at == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
        (event,) = events()
        assert (event.status, event.attempts) == ("RECEIVED", len(tried_at))
        assert event.last_error == (getattr(error, "text", None) or "KeyError")

        notebook.apply_by = notebook.applied.append
        clock_at(monkeypatch, start + timedelta(minutes=303, seconds=2))
        tasks.sweep()
        assert [event.status for event in events()] == ["PROCESSED"]
        assert len(notebook.applied) == 1

    def test_one_that_fails_keeps_no_other_from_its_turn(
        self, client: FlaskClient, notebook: Notebook
    ) -> None:
        poisoned = paid(bankReference="poison")

        def apply(event: BankEvent) -> None:
            if event.bank_reference == "poison":
                raise RuntimeError("bug")
            notebook.applied.append(event)

        notebook.apply_by = apply
        for said in (paid(), poisoned, paid()):
            tell(client, said)
        assert tasks.sweep() == 3
        assert [event.status for event in events()] == ["PROCESSED", "RECEIVED", "PROCESSED"]

    def test_what_a_refused_handler_wrote_is_undone(
        self, committing: Flask, notebook: Notebook
    ) -> None:
        def apply(session: Session, _: BankEvent) -> None:
            outbox.record(session, [outbox.Event("never", "thing", new_id(), {})])
            raise Forbidden("not now")

        notebook.apply = apply  # type: ignore[method-assign]
        tell(committing.test_client(), paid())
        tasks.sweep()
        with reading() as session:
            assert session.scalars(select(OutboxEvent)).all() == []
        assert [event.status for event in events()] == ["RECEIVED"]
