"""Refunds: money goes back to the card that paid. The card's number says how that ends."""

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from sandbox.common.money import shown
from sandbox.common.store import Store
from sandbox.stripe import cards, ids, ledger, webhooks
from sandbox.stripe.config import Config
from sandbox.stripe.problems import Problem, missing
from sandbox.stripe.webhooks import Event


@dataclass(frozen=True)
class Refund:
    """status: pending, succeeded or failed; becomes: what it will be at `changes_at`."""

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

    def as_answer(self, charge: str) -> dict[str, Any]:
        """As the merchant sees it. charge: id of what is given back."""
        answer = {
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
        return answer | ({"failure_reason": self.failure_reason} if self.failure_reason else {})


def make(connection: sqlite3.Connection, config: Config, asked: dict[str, Any]) -> dict[str, Any]:
    """Give something back, and tell the merchant. asked: as forms.RefundIn. Raises Problem."""
    intent = _require_paid(connection, asked["payment_intent"])
    left = ledger.kept(connection, payment_intent=intent["id"])
    amount = left if asked["amount"] is None else asked["amount"]
    _require_left(amount, left=left, intent=intent)
    card = cards.by_number(intent["card"])
    now = time.time()
    refund = Refund(
        id=ids.new("re_3"),
        payment_intent=intent["id"],
        status=card.refund,
        amount=amount,
        currency=intent["currency"],
        reason=asked["reason"],
        metadata=json.dumps(asked["metadata"]),
        failure_reason=None,
        becomes=card.later,
        changes_at=now + config.refund_seconds if card.later else None,
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
    _book(connection, "REFUND", refund)
    answer = refund.as_answer(intent["charge"])
    _tell(connection, config, "refund.created", answer)
    webhooks.enqueue(
        connection,
        config,
        Event("charge.refunded", _charge(connection, intent), "amount_refunded"),
        mode=None,
    )
    return answer


def _require_paid(connection: sqlite3.Connection, intent_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM intents WHERE id = ?", (intent_id,)
    ).fetchone()
    if row is None:
        raise missing("payment_intent", intent_id, param="payment_intent")
    if row["status"] != "succeeded":
        raise Problem(
            "This PaymentIntent does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            kept=True,
        )
    return row


def _require_left(amount: int, *, left: int, intent: sqlite3.Row) -> None:
    currency = intent["currency"].upper()
    if left == 0:
        raise Problem(
            f"Charge {intent['charge']} has already been refunded.",
            code="charge_already_refunded",
            kept=True,
        )
    if amount > left:
        raise Problem(
            f"Refund amount ({shown(amount, currency)}) is greater than unrefunded amount on "
            f"charge ({shown(left, currency)})",
            param="amount",
            kept=True,
        )
    if currency == "KWD" and amount % 10:
        raise Problem(f"Invalid amount: the last digit of {currency} must be 0.", param="amount")


def find(connection: sqlite3.Connection, refund_id: str) -> dict[str, Any]:
    """Raises Problem (404)."""
    row = connection.execute("SELECT * FROM refunds WHERE id = ?", (refund_id,)).fetchone()
    if row is None:
        raise missing("refund", refund_id, param="id")
    return _answer(connection, Refund(**row))


def of(
    connection: sqlite3.Connection, intent_id: str, *, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """Refunds of a payment, newest first, and whether there are more. after: the last id that is
    known."""
    rows = connection.execute(
        """
        SELECT * FROM refunds WHERE payment_intent = :intent
            AND (:after IS NULL OR rowid < (SELECT rowid FROM refunds WHERE id = :after))
        ORDER BY rowid DESC LIMIT :limit
        """,
        {"intent": intent_id, "after": after, "limit": limit + 1},
    ).fetchall()
    return [_answer(connection, Refund(**row)) for row in rows[:limit]], len(rows) > limit


def _answer(connection: sqlite3.Connection, refund: Refund) -> dict[str, Any]:
    row = connection.execute(
        "SELECT charge FROM intents WHERE id = ?", (refund.payment_intent,)
    ).fetchone()
    return refund.as_answer(row["charge"])


def change_due(store: Store, config: Config) -> None:
    """Let refunds become what their card has in store for them, and tell the merchant."""
    with store.reading() as connection:
        due = connection.execute(
            "SELECT id FROM refunds WHERE changes_at <= ?", (time.time(),)
        ).fetchall()
    for (refund_id,) in due:
        with store.writing() as connection:
            _change(connection, config, refund_id)


def _change(connection: sqlite3.Connection, config: Config, refund_id: str) -> None:
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
    answer = _answer(connection, refund)
    if refund.status == "failed":
        _book(connection, "REFUND_FAILED", refund)
        _tell(connection, config, "refund.failed", answer)
    _tell(connection, config, "refund.updated", answer)


def next_change(connection: sqlite3.Connection) -> float | None:
    """When the next refund changes."""
    found: float | None = connection.execute("SELECT min(changes_at) FROM refunds").fetchone()[0]
    return found


def recent(connection: sqlite3.Connection) -> list[Refund]:
    """The last ones, newest first."""
    rows = connection.execute("SELECT * FROM refunds ORDER BY rowid DESC LIMIT 10")
    return [Refund(**row) for row in rows]


def _book(connection: sqlite3.Connection, kind: str, refund: Refund) -> None:
    ledger.book(
        connection,
        kind,
        reference=refund.id,
        payment_intent=refund.payment_intent,
        amount=refund.amount,
        currency=refund.currency,
    )


def _charge(connection: sqlite3.Connection, intent: sqlite3.Row) -> dict[str, Any]:
    left = ledger.kept(connection, payment_intent=intent["id"])
    return {
        "id": intent["charge"],
        "object": "charge",
        "amount": intent["amount"],
        "amount_refunded": intent["amount"] - left,
        "currency": intent["currency"],
        "livemode": False,
        "metadata": json.loads(intent["metadata"]),
        "payment_intent": intent["id"],
        "refunded": left == 0,
        "status": "succeeded",
    }


def _tell(
    connection: sqlite3.Connection, config: Config, kind: str, answer: dict[str, Any]
) -> None:
    webhooks.enqueue(connection, config, Event(kind, answer, "amount"), mode=None)
