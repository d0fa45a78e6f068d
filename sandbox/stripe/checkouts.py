"""Checkout Sessions: what a merchant asks for, and what the payer does about it."""

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from sandbox.common.modes import Mode
from sandbox.stripe import cards, ids, ledger, webhooks
from sandbox.stripe.cards import CardRefused
from sandbox.stripe.config import Config
from sandbox.stripe.problems import Problem, missing
from sandbox.stripe.webhooks import Event

_LONGEST_SECONDS = 86_400
#: Least amount of a charge, in minor units (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
_LEAST = {"usd": 50, "eur": 50, "gbp": 30, "inr": 50, "jpy": 50}
_THREE_DECIMALS = {"kwd"}


class NotOpen(Exception):
    """It was paid or has expired meanwhile."""


@dataclass(frozen=True)
class Session:
    """amounts: minor units; currency: in small letters; times: seconds since 1970."""

    id: str
    status: str
    payment_intent: str | None
    name: str
    quantity: int
    unit_amount: int
    currency: str
    success_url: str
    cancel_url: str | None
    client_reference_id: str | None
    customer_email: str | None
    metadata: str
    intent_metadata: str
    mode: str | None
    created: int
    expires_at: int

    @property
    def amount(self) -> int:
        return self.unit_amount * self.quantity

    @property
    def is_overdue(self) -> bool:
        return self.status == "open" and time.time() >= self.expires_at

    @property
    def landing_url(self) -> str:
        """Where who has paid is sent."""
        return self.success_url.replace("{CHECKOUT_SESSION_ID}", self.id)

    def as_answer(self, base: str = "") -> dict[str, Any]:
        """As the merchant sees it. base: the gateway's address as the merchant knows it, which
        matters only while it is open."""
        is_open = self.status == "open"
        return {
            "id": self.id,
            "object": "checkout.session",
            "amount_subtotal": self.amount,
            "amount_total": self.amount,
            "cancel_url": self.cancel_url,
            "client_reference_id": self.client_reference_id,
            "created": self.created,
            "currency": self.currency,
            "customer": None,
            "customer_email": self.customer_email,
            "expires_at": self.expires_at,
            "livemode": False,
            "metadata": json.loads(self.metadata),
            "mode": "payment",
            "payment_intent": self.payment_intent,
            "payment_method_types": ["card"],
            "payment_status": "paid" if self.status == "complete" else "unpaid",
            "status": self.status,
            "success_url": self.success_url,
            "url": f"{base}/c/pay/{self.id}" if is_open else None,
        }


def open_session(connection: sqlite3.Connection, config: Config, asked: dict[str, Any]) -> Session:
    """Make a session. asked: as forms.SessionIn. Raises Problem."""
    line = asked["line_items"]["0"]
    price = line["price_data"]
    currency, unit = price["currency"], price["unit_amount"]
    now = int(time.time())
    expires_at = asked["expires_at"] or now + _LONGEST_SECONDS
    _require_life(expires_at - time.time(), config)
    _require_amount(unit * line["quantity"], currency)
    session = Session(
        id=ids.new("cs_test_a1", length=56),
        status="open",
        payment_intent=None,
        name=price["product_data"]["name"],
        quantity=line["quantity"],
        unit_amount=unit,
        currency=currency,
        success_url=asked["success_url"],
        cancel_url=asked["cancel_url"],
        client_reference_id=asked["client_reference_id"],
        customer_email=asked["customer_email"],
        metadata=json.dumps(asked["metadata"]),
        intent_metadata=json.dumps(asked["payment_intent_data"].get("metadata", {})),
        mode=None,
        created=now,
        expires_at=expires_at,
    )
    connection.execute(
        """
        INSERT INTO sessions (id, status, payment_intent, name, quantity, unit_amount, currency,
            success_url, cancel_url, client_reference_id, customer_email, metadata,
            intent_metadata, mode, created, expires_at)
        VALUES (:id, :status, :payment_intent, :name, :quantity, :unit_amount, :currency,
            :success_url, :cancel_url, :client_reference_id, :customer_email, :metadata,
            :intent_metadata, :mode, :created, :expires_at)
        """,
        vars(session),
    )
    return session


def _require_life(seconds: float, config: Config) -> None:
    # A second is lost when the merchant writes its moment without a fraction.
    if not config.shortest_seconds - 1 <= seconds <= _LONGEST_SECONDS + 60:
        raise Problem(
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from "
            "Checkout Session creation.",
            param="expires_at",
        )


def _require_amount(amount: int, currency: str) -> None:
    least = _LEAST.get(currency, 1)
    if amount < least:
        raise Problem(
            f"The Checkout Session's total amount must convert to at least {least} {currency}.",
            code="amount_too_small",
        )
    if amount > 99_999_999 * (1000 if currency in ("inr", "jpy") else 1):
        raise Problem("The Checkout Session's total amount is too large.", code="amount_too_large")
    if currency in _THREE_DECIMALS and amount % 10:
        raise Problem(
            f"Invalid amount: the last digit of {currency} must be 0.", param="line_items"
        )


def require(connection: sqlite3.Connection, session_id: str) -> Session:
    """Raises Problem (404)."""
    row = connection.execute("SELECT * FROM sessions WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        raise missing("checkout.session", session_id, param="session")
    return Session(**row)


def expire(connection: sqlite3.Connection, config: Config, session_id: str) -> Session:
    """Let nobody pay any more, and tell the merchant. Raises Problem unless it is open."""
    session = require(connection, session_id)
    if session.status != "open":
        raise Problem(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session.status}.",
        )
    connection.execute("UPDATE sessions SET status = 'expired' WHERE id = ?", (session_id,))
    connection.execute("UPDATE intents SET status = 'canceled' WHERE session = ?", (session_id,))
    expired = require(connection, session_id)
    _tell(connection, config, "checkout.session.expired", expired)
    return expired


def overdue(connection: sqlite3.Connection) -> list[str]:
    """Ids of sessions whose time is over."""
    rows = connection.execute(
        "SELECT id FROM sessions WHERE status = 'open' AND expires_at <= ?", (time.time(),)
    )
    return [row["id"] for row in rows]


def next_expiry(connection: sqlite3.Connection) -> float | None:
    """When the next session expires."""
    found: float | None = connection.execute(
        "SELECT min(expires_at) FROM sessions WHERE status = 'open'"
    ).fetchone()[0]
    return found


def choose_mode(connection: sqlite3.Connection, session_id: str, mode: Mode | None) -> None:
    """Report like this what happens to that session. mode: None as the gateway is set."""
    connection.execute("UPDATE sessions SET mode = ? WHERE id = ?", (mode, session_id))


def pay(
    connection: sqlite3.Connection, config: Config, session_id: str, *, number: str
) -> CardRefused | None:
    """Pay with a card, and tell the merchant; why not, if the card is declined.

    number: as somebody types it. Raises NotOpen; CardRefused when the number is none, which tells
    nobody anything.
    """
    session = require(connection, session_id)
    if session.status != "open" or session.is_overdue:
        raise NotOpen
    try:
        card = cards.require_paying(number)
    except CardRefused as refusal:
        if refusal.code is None:
            raise
        _decline(connection, config, session, refusal)
        return refusal
    intent = _require_intent(connection, session)
    connection.execute(
        "UPDATE intents SET status = 'succeeded', card = ?, error = NULL WHERE id = ?",
        (card.number, intent),
    )
    connection.execute("UPDATE sessions SET status = 'complete' WHERE id = ?", (session_id,))
    ledger.book(
        connection,
        "PAYMENT",
        reference=intent,
        payment_intent=intent,
        amount=session.amount,
        currency=session.currency,
    )
    paid = require(connection, session_id)
    _tell(connection, config, "checkout.session.completed", paid)
    return None


def _decline(
    connection: sqlite3.Connection, config: Config, session: Session, refusal: CardRefused
) -> None:
    """Note that somebody tried. The session stays open for another card."""
    intent = _require_intent(connection, session)
    error = {
        "charge": ids.new("ch_3"),
        "code": refusal.code,
        "decline_code": refusal.decline_code,
        "message": refusal.told,
        "type": "card_error",
    }
    connection.execute("UPDATE intents SET error = ? WHERE id = ?", (json.dumps(error), intent))
    webhooks.enqueue(
        connection,
        config,
        Event("payment_intent.payment_failed", _intent(connection, intent), "amount"),
        mode=Mode(session.mode) if session.mode else None,
    )


def _require_intent(connection: sqlite3.Connection, session: Session) -> str:
    """The PaymentIntent of the session, made when somebody tries to pay for the first time."""
    if session.payment_intent is not None:
        return session.payment_intent
    intent = ids.new("pi_3")
    connection.execute(
        """
        INSERT INTO intents (id, session, status, amount, currency, metadata, charge, card, created)
        VALUES (?, ?, 'requires_payment_method', ?, ?, ?, ?, '', ?)
        """,
        (
            intent,
            session.id,
            session.amount,
            session.currency,
            session.intent_metadata,
            ids.new("ch_3"),
            int(time.time()),
        ),
    )
    connection.execute("UPDATE sessions SET payment_intent = ? WHERE id = ?", (intent, session.id))
    return intent


def _intent(connection: sqlite3.Connection, intent_id: str) -> dict[str, Any]:
    row = connection.execute("SELECT * FROM intents WHERE id = ?", (intent_id,)).fetchone()
    return {
        "id": row["id"],
        "object": "payment_intent",
        "amount": row["amount"],
        "amount_received": row["amount"] if row["status"] == "succeeded" else 0,
        "created": row["created"],
        "currency": row["currency"],
        "last_payment_error": json.loads(row["error"]) if row["error"] else None,
        "latest_charge": row["charge"],
        "livemode": False,
        "metadata": json.loads(row["metadata"]),
        "status": row["status"],
    }


def _tell(connection: sqlite3.Connection, config: Config, kind: str, session: Session) -> None:
    webhooks.enqueue(
        connection,
        config,
        Event(kind, session.as_answer(), "amount_total"),
        mode=Mode(session.mode) if session.mode else None,
    )


def recent(connection: sqlite3.Connection) -> list[Session]:
    """The last ones, newest first."""
    rows = connection.execute("SELECT * FROM sessions ORDER BY rowid DESC LIMIT 10")
    return [Session(**row) for row in rows]
