"""Creating payouts, and delivering the banks' events about them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from app.common import clock
from app.common.db import transaction
from app.events.models import OutboxEvent
from app.inbox import tasks as inbox
from app.payouts.models import Payout
from tests.banks import webhooks
from tests.banks.webhooks import event_body
from tests.factories import PASSWORD, Actor

API = "/api/v1"
WALLET = f"{API}/wallet"
NUMBER = "50100123453456"
ACCOUNT = {
    "provider": "HDFC",
    "holder": "Alice Jones",
    "number": NUMBER,
    "routing": "HDFC0001234",
    "password": PASSWORD,
}


def create_bank_account(client: FlaskClient, user: Actor, **fields: Any) -> TestResponse:
    return client.post(f"{WALLET}/bank-accounts", json=ACCOUNT | fields, headers=user.headers)


def bank_account_of(client: FlaskClient, user: Actor, **fields: Any) -> str:
    """The id of a bank account of the user."""
    answer = create_bank_account(client, user, **fields)
    assert answer.status_code == 201, answer.text
    account_id: str = answer.json["id"]
    return account_id


def create_payout(
    client: FlaskClient,
    user: Actor,
    account_id: str,
    amount: Any = "25.00",
    *,
    key: str | None = None,
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> TestResponse:
    named = {"Idempotency-Key": key} if key else {}
    return client.post(
        f"{WALLET}/payouts",
        json={"bankAccountId": account_id, "amount": amount} | fields,
        headers=user.headers | named | (headers or {}),
    )


def pending_payout(client: FlaskClient, user: Actor, amount: str = "25.00") -> UUID:
    """The id of a new payout, which the bank does not know yet."""
    answer = create_payout(client, user, bank_account_of(client, user), amount)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json["id"])


def get_payout(client: FlaskClient, user: Actor, payout_id: UUID) -> dict[str, Any]:
    answer = client.get(f"{WALLET}/payouts/{payout_id}", headers=user.headers)
    assert answer.status_code == 200, answer.text
    payout: dict[str, Any] = answer.json
    return payout


def status_of(client: FlaskClient, user: Actor, payout_id: UUID) -> str:
    return str(get_payout(client, user, payout_id)["status"])


def balance_and_held(client: FlaskClient, user: Actor) -> tuple[str, str]:
    """The balance of the user's wallet, and the amount held."""
    wallet: dict[str, Any] = client.get(WALLET, headers=user.headers).json
    return wallet["balance"], wallet["held"]


def deliver_event(
    client: FlaskClient,
    kind: str,
    payout_id: UUID | str,
    *,
    provider: str = "HDFC",
    event_id: str | None = None,
    **facts: Any,
) -> TestResponse:
    """Deliver the bank's event that a payout has ended. kind: paid or refused."""
    usual = {"amount": "25.00", "currency": "USD", "bankReference": "BANK-17"}
    body = event_body(f"payout.{kind}", str(payout_id), **(usual | facts))
    return webhooks.send_event(
        client, body | ({"id": event_id} if event_id else {}), provider=provider
    )


def deliver_and_handle(client: FlaskClient, kind: str, payout_id: UUID, **facts: Any) -> None:
    """Deliver the bank's event and handle it."""
    answer = deliver_event(client, kind, payout_id, **facts)
    assert answer.status_code == 200, answer.text
    inbox.sweep()


def payout_row(payout_id: UUID) -> Payout:
    with transaction() as session:
        return session.get_one(Payout, payout_id)


def make_due(payout_id: UUID, *, when: datetime | None = None, attempts: int = 0) -> None:
    """Make the next poll of a payout due."""
    with transaction() as session:
        payout = session.get_one(Payout, payout_id)
        payout.next_attempt_at, payout.attempts = when or clock.now(), attempts


def events_of(payout_id: UUID) -> list[str]:
    """The types of the outbox events about a payout, in order."""
    return [event.type for event in _events(payout_id)]


def last_event_data(payout_id: UUID) -> dict[str, Any]:
    return _events(payout_id)[-1].data


def _events(payout_id: UUID) -> list[OutboxEvent]:
    query = select(OutboxEvent).where(OutboxEvent.aggregate_id == payout_id)
    with transaction() as session:
        return list(session.scalars(query.order_by(OutboxEvent.sequence)))


def quarantine_reasons() -> list[str]:
    """The reasons of the quarantined events, in order."""
    query = text("SELECT last_error FROM inbound_events WHERE status = 'QUARANTINED' ORDER BY id")
    with transaction() as session:
        return list(session.scalars(query))
