"""Refunds to the card that paid. The card number selects the outcome."""

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from sandbox.common.money import format_money
from sandbox.common.store import Store
from sandbox.stripe import cards, ids, ledger, webhooks
from sandbox.stripe.config import Config
from sandbox.stripe.errors import ApiError, resource_missing
from sandbox.stripe.webhooks import Event


@dataclass(frozen=True)
class Refund:
    """status: pending, succeeded or failed. becomes: its status from `changes_at` on."""

    id: str
    payment_intent: str
    status: str
    amount: int
    currency: str
    reason: str | None
    metadata: str
    failure_reason: str | None
    becomes: str | None
    changes_at: float | None
    created: int

    def to_json(self, charge: str) -> dict[str, Any]:
        """The API's representation. charge: id of the refunded charge."""
        fields = {
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "charge": charge,
            "created": self.created,
            "currency": self.currency,
            "metadata": json.loads(self.metadata),
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "status": self.status,
        }
        return fields | ({"failure_reason": self.failure_reason} if self.failure_reason else {})


def create(
    connection: sqlite3.Connection, config: Config, params: dict[str, Any]
) -> dict[str, Any]:
    """Create a refund and notify the merchant. params: as loaded by forms.RefundIn. Raises
    ApiError."""
    intent = _require_paid(connection, params["payment_intent"])
    remaining = ledger.remaining(connection, payment_intent=intent["id"])
    amount = remaining if params["amount"] is None else params["amount"]
    _require_valid_amount(amount, remaining=remaining, intent=intent)
    card = cards.by_number(intent["card"])
    now = time.time()
    refund = Refund(
        id=ids.new("re_3"),
        payment_intent=intent["id"],
        status=card.refund_status,
        amount=amount,
        currency=intent["currency"],
        reason=params["reason"],
        metadata=json.dumps(params["metadata"]),
        failure_reason=None,
        becomes=card.final_refund_status,
        changes_at=now + config.refund_seconds if card.final_refund_status else None,
        created=int(now),
    )
    connection.execute(
        """
        INSERT INTO refunds (id, payment_intent, status, amount, currency, reason, metadata,
            failure_reason, becomes, changes_at, created)
        VALUES (:id, :payment_intent, :status, :amount, :currency, :reason, :metadata,
            :failure_reason, :becomes, :changes_at, :created)
        """,
        vars(refund),
    )
    _record(connection, "REFUND", refund)
    created = refund.to_json(intent["charge"])
    _notify(connection, config, "refund.created", created)
    webhooks.enqueue(
        connection,
        config,
        Event("charge.refunded", _charge_json(connection, intent), "amount_refunded"),
        mode=None,
    )
    return created


def _require_paid(connection: sqlite3.Connection, intent_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM intents WHERE id = ?", (intent_id,)
    ).fetchone()
    if row is None:
        raise resource_missing("payment_intent", intent_id, param="payment_intent")
    if row["status"] != "succeeded":
        raise ApiError(
            "This PaymentIntent does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            cacheable=True,
        )
    return row


def _require_valid_amount(amount: int, *, remaining: int, intent: sqlite3.Row) -> None:
    currency = intent["currency"].upper()
    if remaining == 0:
        raise ApiError(
            f"Charge {intent['charge']} has already been refunded.",
            code="charge_already_refunded",
            cacheable=True,
        )
    if amount > remaining:
        raise ApiError(
            f"Refund amount ({format_money(amount, currency)}) is greater than unrefunded amount "
            f"on charge ({format_money(remaining, currency)})",
            param="amount",
            cacheable=True,
        )
    if currency == "KWD" and amount % 10:
        raise ApiError(f"Invalid amount: the last digit of {currency} must be 0.", param="amount")


def require(connection: sqlite3.Connection, refund_id: str) -> dict[str, Any]:
    """The refund with that id. Raises ApiError (404)."""
    row = connection.execute("SELECT * FROM refunds WHERE id = ?", (refund_id,)).fetchone()
    if row is None:
        raise resource_missing("refund", refund_id, param="id")
    return _refund_json(connection, Refund(**row))


def list_by_payment(
    connection: sqlite3.Connection, intent_id: str, *, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """A page of a payment's refunds, newest first, and whether there are more. after: id of the
    last refund of the previous page."""
    rows = connection.execute(
        """
        SELECT * FROM refunds WHERE payment_intent = :intent
            AND (:after IS NULL OR rowid < (SELECT rowid FROM refunds WHERE id = :after))
        ORDER BY rowid DESC LIMIT :limit
        """,
        {"intent": intent_id, "after": after, "limit": limit + 1},
    ).fetchall()
    return [_refund_json(connection, Refund(**row)) for row in rows[:limit]], len(rows) > limit


def _refund_json(connection: sqlite3.Connection, refund: Refund) -> dict[str, Any]:
    row = connection.execute(
        "SELECT charge FROM intents WHERE id = ?", (refund.payment_intent,)
    ).fetchone()
    return refund.to_json(row["charge"])


def settle_due(store: Store, config: Config) -> None:
    """Move refunds that are due to their final status, and notify the merchant."""
    with store.read_transaction() as connection:
        due = connection.execute(
            "SELECT id FROM refunds WHERE changes_at <= ?", (time.time(),)
        ).fetchall()
    for (refund_id,) in due:
        with store.write_transaction() as connection:
            _settle(connection, config, refund_id)


def _settle(connection: sqlite3.Connection, config: Config, refund_id: str) -> None:
    connection.execute(
        """
        UPDATE refunds SET status = becomes, becomes = NULL, changes_at = NULL,
            failure_reason = CASE becomes WHEN 'failed' THEN 'expired_or_canceled_card' END
        WHERE id = ?
        """,
        (refund_id,),
    )
    row = connection.execute("SELECT * FROM refunds WHERE id = ?", (refund_id,)).fetchone()
    refund = Refund(**row)
    settled = _refund_json(connection, refund)
    if refund.status == "failed":
        _record(connection, "REFUND_FAILED", refund)
        _notify(connection, config, "refund.failed", settled)
    _notify(connection, config, "refund.updated", settled)


def next_settlement_at(connection: sqlite3.Connection) -> float | None:
    """Unix time at which the next refund changes its status."""
    (due_at,) = connection.execute("SELECT min(changes_at) FROM refunds").fetchone()
    return None if due_at is None else float(due_at)


def recent(connection: sqlite3.Connection) -> list[Refund]:
    """The latest refunds, newest first."""
    rows = connection.execute("SELECT * FROM refunds ORDER BY rowid DESC LIMIT 10")
    return [Refund(**row) for row in rows]


def _record(connection: sqlite3.Connection, kind: str, refund: Refund) -> None:
    ledger.record(
        connection,
        kind,
        reference=refund.id,
        payment_intent=refund.payment_intent,
        amount=refund.amount,
        currency=refund.currency,
    )


def _charge_json(connection: sqlite3.Connection, intent: sqlite3.Row) -> dict[str, Any]:
    remaining = ledger.remaining(connection, payment_intent=intent["id"])
    return {
        "id": intent["charge"],
        "object": "charge",
        "amount": intent["amount"],
        "amount_refunded": intent["amount"] - remaining,
        "currency": intent["currency"],
        "livemode": False,
        "metadata": json.loads(intent["metadata"]),
        "payment_intent": intent["id"],
        "refunded": remaining == 0,
        "status": "succeeded",
    }


def _notify(
    connection: sqlite3.Connection, config: Config, event_type: str, refund: dict[str, Any]
) -> None:
    webhooks.enqueue(connection, config, Event(event_type, refund, "amount"), mode=None)
