"""Checkout Sessions: created by the merchant, paid by the payer."""

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from sandbox.common.modes import Mode
from sandbox.stripe import cards, ids, ledger, webhooks
from sandbox.stripe.cards import CardError
from sandbox.stripe.config import Config
from sandbox.stripe.errors import ApiError, resource_missing
from sandbox.stripe.webhooks import Event

_MAX_SECONDS = 86_400
#: Minimum amount of a charge in minor units (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
_MIN_AMOUNTS = {"usd": 50, "eur": 50, "gbp": 30, "inr": 50, "jpy": 50}
_THREE_DECIMAL_CURRENCIES = {"kwd"}


class SessionNotOpen(Exception):
    """The session was paid or has expired."""


@dataclass(frozen=True)
class Session:
    """Amounts are in minor units, the currency is in lower case, times are Unix time."""

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
    def redirect_url(self) -> str:
        """The page to which the payer is redirected after paying."""
        return self.success_url.replace("{CHECKOUT_SESSION_ID}", self.id)

    def to_json(self, base_url: str = "") -> dict[str, Any]:
        """The API's representation. base_url: of the gateway; only used while it is open."""
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
            "url": f"{base_url}/c/pay/{self.id}" if is_open else None,
        }


def create(connection: sqlite3.Connection, config: Config, params: dict[str, Any]) -> Session:
    """Create a session. params: as loaded by forms.SessionIn. Raises ApiError."""
    line_item = params["line_items"]["0"]
    price = line_item["price_data"]
    currency, unit = price["currency"], price["unit_amount"]
    now = int(time.time())
    expires_at = params["expires_at"] or now + _MAX_SECONDS
    _require_valid_expiry(expires_at - time.time(), config)
    _require_valid_amount(unit * line_item["quantity"], currency)
    session = Session(
        id=ids.new("cs_test_a1", length=56),
        status="open",
        payment_intent=None,
        name=price["product_data"]["name"],
        quantity=line_item["quantity"],
        unit_amount=unit,
        currency=currency,
        success_url=params["success_url"],
        cancel_url=params["cancel_url"],
        client_reference_id=params["client_reference_id"],
        customer_email=params["customer_email"],
        metadata=json.dumps(params["metadata"]),
        intent_metadata=json.dumps(params["payment_intent_data"].get("metadata", {})),
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


def _require_valid_expiry(seconds: float, config: Config) -> None:
    # Up to a second is lost because `expires_at` has no fraction.
    if not config.min_checkout_seconds - 1 <= seconds <= _MAX_SECONDS + 60:
        raise ApiError(
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from "
            "Checkout Session creation.",
            param="expires_at",
        )


def _require_valid_amount(amount: int, currency: str) -> None:
    minimum = _MIN_AMOUNTS.get(currency, 1)
    if amount < minimum:
        raise ApiError(
            f"The Checkout Session's total amount must convert to at least {minimum} {currency}.",
            code="amount_too_small",
        )
    if amount > 99_999_999 * (1000 if currency in ("inr", "jpy") else 1):
        raise ApiError("The Checkout Session's total amount is too large.", code="amount_too_large")
    if currency in _THREE_DECIMAL_CURRENCIES and amount % 10:
        raise ApiError(
            f"Invalid amount: the last digit of {currency} must be 0.", param="line_items"
        )


def require(connection: sqlite3.Connection, session_id: str) -> Session:
    """The session with that id. Raises ApiError (404)."""
    row = connection.execute("SELECT * FROM sessions WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        raise resource_missing("checkout.session", session_id, param="session")
    return Session(**row)


def expire(connection: sqlite3.Connection, config: Config, session_id: str) -> Session:
    """Expire an open session and notify the merchant. Raises ApiError."""
    session = require(connection, session_id)
    if session.status != "open":
        raise ApiError(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session.status}.",
        )
    connection.execute("UPDATE sessions SET status = 'expired' WHERE id = ?", (session_id,))
    connection.execute("UPDATE intents SET status = 'canceled' WHERE session = ?", (session_id,))
    expired = require(connection, session_id)
    _notify(connection, config, "checkout.session.expired", expired)
    return expired


def list_overdue(connection: sqlite3.Connection) -> list[str]:
    """Ids of the open sessions that are past their expiry."""
    rows = connection.execute(
        "SELECT id FROM sessions WHERE status = 'open' AND expires_at <= ?", (time.time(),)
    )
    return [row["id"] for row in rows]


def next_expiry_at(connection: sqlite3.Connection) -> float | None:
    """Unix time at which the next session expires."""
    expires_at: float | None = connection.execute(
        "SELECT min(expires_at) FROM sessions WHERE status = 'open'"
    ).fetchone()[0]
    return expires_at


def set_mode(connection: sqlite3.Connection, session_id: str, mode: Mode | None) -> None:
    """Set the webhook mode of a session. mode: None for the gateway's mode."""
    connection.execute("UPDATE sessions SET mode = ? WHERE id = ?", (mode, session_id))


def pay(
    connection: sqlite3.Connection, config: Config, session_id: str, *, number: str
) -> CardError | None:
    """Pay with a card and notify the merchant. Returns the error if the card was declined.

    number: as typed by the payer. Raises SessionNotOpen, and CardError if the number is not valid,
    of which the merchant is not notified.
    """
    session = require(connection, session_id)
    if session.status != "open" or session.is_overdue:
        raise SessionNotOpen
    try:
        card = cards.authorize(number)
    except CardError as error:
        if error.code is None:
            raise
        _decline(connection, config, session, error)
        return error
    intent_id = _get_or_create_intent(connection, session)
    connection.execute(
        "UPDATE intents SET status = 'succeeded', card = ?, error = NULL WHERE id = ?",
        (card.number, intent_id),
    )
    connection.execute("UPDATE sessions SET status = 'complete' WHERE id = ?", (session_id,))
    ledger.record(
        connection,
        "PAYMENT",
        reference=intent_id,
        payment_intent=intent_id,
        amount=session.amount,
        currency=session.currency,
    )
    paid = require(connection, session_id)
    _notify(connection, config, "checkout.session.completed", paid)
    return None


def _decline(
    connection: sqlite3.Connection, config: Config, session: Session, card_error: CardError
) -> None:
    """Record the failed attempt. The session stays open for another card."""
    intent_id = _get_or_create_intent(connection, session)
    error = {
        "charge": ids.new("ch_3"),
        "code": card_error.code,
        "decline_code": card_error.decline_code,
        "message": card_error.message,
        "type": "card_error",
    }
    connection.execute("UPDATE intents SET error = ? WHERE id = ?", (json.dumps(error), intent_id))
    webhooks.enqueue(
        connection,
        config,
        Event("payment_intent.payment_failed", _intent_json(connection, intent_id), "amount"),
        mode=Mode(session.mode) if session.mode else None,
    )


def _get_or_create_intent(connection: sqlite3.Connection, session: Session) -> str:
    """The id of the session's PaymentIntent, which is created by the first attempt to pay."""
    if session.payment_intent is not None:
        return session.payment_intent
    intent_id = ids.new("pi_3")
    connection.execute(
        """
        INSERT INTO intents (id, session, status, amount, currency, metadata, charge, card, created)
        VALUES (?, ?, 'requires_payment_method', ?, ?, ?, ?, '', ?)
        """,
        (
            intent_id,
            session.id,
            session.amount,
            session.currency,
            session.intent_metadata,
            ids.new("ch_3"),
            int(time.time()),
        ),
    )
    connection.execute(
        "UPDATE sessions SET payment_intent = ? WHERE id = ?", (intent_id, session.id)
    )
    return intent_id


def _intent_json(connection: sqlite3.Connection, intent_id: str) -> dict[str, Any]:
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


def _notify(
    connection: sqlite3.Connection, config: Config, event_type: str, session: Session
) -> None:
    webhooks.enqueue(
        connection,
        config,
        Event(event_type, session.to_json(), "amount_total"),
        mode=Mode(session.mode) if session.mode else None,
    )


def recent(connection: sqlite3.Connection) -> list[Session]:
    """The latest sessions, newest first."""
    rows = connection.execute("SELECT * FROM sessions ORDER BY rowid DESC LIMIT 10")
    return [Session(**row) for row in rows]
