"""Asking for payouts, and telling what a bank tells."""

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
from tests.banks import speaking
from tests.banks.speaking import message
from tests.factories import Actor

API = "/api/v1"
WALLET = f"{API}/wallet"
NUMBER = "50100123453456"
ACCOUNT = {
    "provider": "HDFC",
    "holder": "Alice Jones",
    "number": NUMBER,
    "routing": "HDFC0001234",
}


def save(client: FlaskClient, user: Actor, **fields: Any) -> TestResponse:
    return client.post(f"{WALLET}/bank-accounts", json=ACCOUNT | fields, headers=user.headers)


def account_of(client: FlaskClient, user: Actor, **fields: Any) -> str:
    """The id of a bank account of the user."""
    answer = save(client, user, **fields)
    assert answer.status_code == 201, answer.text
    account_id: str = answer.json["id"]
    return account_id


def pay_out(
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


def pending(client: FlaskClient, user: Actor, amount: str = "25.00") -> UUID:
    """The id of a payout that no bank knows of yet."""
    answer = pay_out(client, user, account_of(client, user), amount)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json["id"])


def show(client: FlaskClient, user: Actor, payout_id: UUID) -> dict[str, Any]:
    answer = client.get(f"{WALLET}/payouts/{payout_id}", headers=user.headers)
    assert answer.status_code == 200, answer.text
    payout: dict[str, Any] = answer.json
    return payout


def status(client: FlaskClient, user: Actor, payout_id: UUID) -> str:
    return str(show(client, user, payout_id)["status"])


def money(client: FlaskClient, user: Actor) -> tuple[str, str]:
    """What the user's wallet has, and what of it is held."""
    wallet: dict[str, Any] = client.get(WALLET, headers=user.headers).json
    return wallet["balance"], wallet["held"]


def tell(
    client: FlaskClient,
    kind: str,
    payout_id: UUID | str,
    *,
    provider: str = "HDFC",
    event_id: str | None = None,
    **facts: Any,
) -> TestResponse:
    """Say as the bank that a payout has ended. kind: paid or refused."""
    usual = {"amount": "25.00", "currency": "USD", "bankReference": "BANK-17"}
    said = message(f"payout.{kind}", str(payout_id), **(usual | facts))
    return speaking.tell(client, said | ({"id": event_id} if event_id else {}), provider=provider)


def hear(client: FlaskClient, kind: str, payout_id: UUID, **facts: Any) -> None:
    """Have what the bank says arrive and take effect."""
    answer = tell(client, kind, payout_id, **facts)
    assert answer.status_code == 200, answer.text
    inbox.sweep()


def row(payout_id: UUID) -> Payout:
    with transaction() as session:
        return session.get_one(Payout, payout_id)


def make_due(payout_id: UUID, *, when: datetime | None = None, attempts: int = 0) -> None:
    """Let the time pass until the sweep looks at the payout again."""
    with transaction() as session:
        payout = session.get_one(Payout, payout_id)
        payout.next_attempt_at, payout.attempts = when or clock.now(), attempts


def events_of(payout_id: UUID) -> list[str]:
    """The types of the events about a payout, in their order."""
    return [event.type for event in _events(payout_id)]


def last_event(payout_id: UUID) -> dict[str, Any]:
    return _events(payout_id)[-1].data


def _events(payout_id: UUID) -> list[OutboxEvent]:
    query = select(OutboxEvent).where(OutboxEvent.aggregate_id == payout_id)
    with transaction() as session:
        return list(session.scalars(query.order_by(OutboxEvent.sequence)))


def quarantined() -> list[str]:
    """Why events of banks were set aside."""
    query = text("SELECT last_error FROM inbound_events WHERE status = 'QUARANTINED' ORDER BY id")
    with transaction() as session:
        return list(session.scalars(query))
