"""Payouts: the merchant has the bank pay somebody. The account's number says how that ends."""

import sqlite3
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, Regexp

from sandbox.bank import ledger, webhooks
from sandbox.bank.config import Config, Provider
from sandbox.bank.ledger import Movement, NotEnough
from sandbox.bank.modes import mode_of
from sandbox.bank.payments import new_bank_reference
from sandbox.common.modes import Mode
from sandbox.common.money import parse, plain
from sandbox.common.store import Store, timestamp

_STUMBLES = 2
_MERCHANT = "Payment Flow"


class Ending(Enum):
    """The last four digits of an account's number, and what they do to a payout."""

    CLOSED = "0000"  # accepted, refused a moment later
    UNKNOWN = "0001"  # refused at once
    STUMBLING = "0002"  # the first two requests fail
    UNTOLD = "0003"  # paid, but no webhook tells
    LOST_ANSWER = "0004"  # accepted, but the first answer is an error
    ORDINARY = ""

    @classmethod
    def of(cls, number: str) -> "Ending":
        return next(ending for ending in cls if number.endswith(ending.value))


class Stumble(Exception):
    """The bank pretends to fail. The same request again is answered, at the latest the third."""


class Conflict(Exception):
    """The key or the reference was used for another payout."""


class InvalidOrder(Exception):
    """The body of a payout makes no sense. problems: by field."""

    def __init__(self, problems: dict[str, Any]) -> None:
        super().__init__(problems)
        self.problems = problems


class _AccountIn(ma.Schema):
    holder = ma.fields.String(required=True, validate=Length(1, 200))
    number = ma.fields.String(required=True, validate=Regexp(r"[A-Za-z0-9]{4,34}\Z"))
    routing = ma.fields.String(required=True, validate=Regexp(r"[A-Za-z0-9-]{1,34}\Z"))


class _OrderIn(ma.Schema):
    reference = ma.fields.String(required=True, validate=Length(1, 100))
    amount = ma.fields.String(required=True)
    currency = ma.fields.String(required=True)
    account = ma.fields.Nested(_AccountIn, required=True)
    description = ma.fields.String(load_default=None, allow_none=True, validate=Length(max=500))


@dataclass(frozen=True)
class PayoutOrder:
    """What the merchant wants. amount: minor units."""

    reference: str
    amount: int
    currency: str
    holder: str
    account_number: str
    routing: str


@dataclass(frozen=True)
class Payout(PayoutOrder):
    """status: ACCEPTED, then PAID or REFUSED. settles_at: seconds since 1970."""

    bank: str
    idempotency_key: str
    status: str
    bank_reference: str
    reason: str | None
    accepted_at: str
    settles_at: float

    @property
    def order(self) -> PayoutOrder:
        return PayoutOrder(
            self.reference,
            self.amount,
            self.currency,
            self.holder,
            self.account_number,
            self.routing,
        )

    def as_answer(self) -> dict[str, str | None]:
        """The body of an answer to the merchant."""
        return {
            "reference": self.reference,
            "status": self.status,
            "amount": plain(self.amount, self.currency),
            "currency": self.currency,
            "bankReference": self.bank_reference,
            "reason": self.reason,
        }


def read_order(body: Any) -> PayoutOrder:
    """The payout that a body asks for. Raises InvalidOrder."""
    try:
        given = _OrderIn().load(body)
        amount = parse(given["amount"], given["currency"])
    except ma.ValidationError as error:
        raise InvalidOrder(error.messages_dict) from error
    except ValueError as error:
        raise InvalidOrder({"amount": [str(error)]}) from error
    account = given["account"]
    return PayoutOrder(
        reference=given["reference"],
        amount=amount,
        currency=given["currency"],
        holder=account["holder"],
        account_number=account["number"],
        routing=account["routing"],
    )


def accept(
    store: Store, config: Config, provider: Provider, order: PayoutOrder, *, key: str
) -> Payout:
    """Take a payout on, or tell how the same one stands. It is paid or refused a moment later.

    Raises Conflict when key or reference name another one, and Stumble as the account's number
    demands.
    """
    ending = Ending.of(order.account_number)
    with store.writing() as connection:
        payout = _earlier(connection, provider, order.reference, key)
        if payout is not None and (payout.order, payout.idempotency_key) != (order, key):
            raise Conflict
        stumbles = 0
        if ending in (Ending.STUMBLING, Ending.LOST_ANSWER):
            stumbles = _count_request(connection, provider, order.reference)
        fails = ending is Ending.STUMBLING and stumbles <= _STUMBLES
        if payout is None and not fails:
            payout = _take_on(connection, config, provider, order, key, ending)
    # Only now, because raising undoes what was written.
    if payout is None or (ending is Ending.LOST_ANSWER and stumbles == 1):
        raise Stumble
    return payout


def find(store: Store, provider: Provider, reference: str) -> Payout | None:
    """How a payout stands."""
    with store.reading() as connection:
        return _earlier(connection, provider, reference, "")


def settle_due(store: Store, config: Config) -> None:
    """Pay or refuse what was accepted and is due, and tell the merchant."""
    with store.reading() as connection:
        rows = connection.execute(
            """
            SELECT bank, reference FROM payouts
            WHERE status = 'ACCEPTED' AND settles_at <= ?
                AND bank IN (SELECT value FROM json_each(?))
            """,
            (time.time(), config.codes),
        ).fetchall()
    for bank, reference in rows:
        with store.writing() as connection:
            _settle(connection, config, config.providers[bank.lower()], reference)


def next_settlement(connection: sqlite3.Connection, config: Config) -> float | None:
    """When the next accepted payout is due, in seconds since 1970."""
    row = connection.execute(
        """
        SELECT min(settles_at) FROM payouts
        WHERE status = 'ACCEPTED' AND bank IN (SELECT value FROM json_each(?))
        """,
        (config.codes,),
    ).fetchone()
    due: float | None = row[0]
    return due


def recent(connection: sqlite3.Connection, *, bank: str) -> list[Payout]:
    """The last ones, newest first."""
    rows = connection.execute(
        "SELECT * FROM payouts WHERE bank = ? ORDER BY rowid DESC LIMIT 10", (bank,)
    )
    return [Payout(**row) for row in rows]


def _take_on(
    connection: sqlite3.Connection,
    config: Config,
    provider: Provider,
    order: PayoutOrder,
    key: str,
    ending: Ending,
) -> Payout:
    unknown = ending is Ending.UNKNOWN
    slow = mode_of(connection, provider.code) is Mode.SLOW
    payout = Payout(
        **vars(order),
        bank=provider.code,
        idempotency_key=key,
        status="REFUSED" if unknown else "ACCEPTED",
        bank_reference=new_bank_reference(provider),
        reason="account unknown" if unknown else None,
        accepted_at=timestamp(),
        settles_at=time.time() + (config.slow_seconds if slow else config.payout_seconds),
    )
    connection.execute(
        """
        INSERT INTO payouts (bank, reference, idempotency_key, status, amount, currency, holder,
            account_number, routing, bank_reference, reason, accepted_at, settles_at)
        VALUES (:bank, :reference, :idempotency_key, :status, :amount, :currency, :holder,
            :account_number, :routing, :bank_reference, :reason, :accepted_at, :settles_at)
        """,
        vars(payout),
    )
    return payout


def _settle(
    connection: sqlite3.Connection, config: Config, provider: Provider, reference: str
) -> None:
    payout = _earlier(connection, provider, reference, "")
    if payout is None or payout.status != "ACCEPTED":
        return
    ending = Ending.of(payout.account_number)
    reason = "account closed" if ending is Ending.CLOSED else _pay(connection, provider, payout)
    status = "REFUSED" if reason else "PAID"
    connection.execute(
        "UPDATE payouts SET status = ?, reason = ? WHERE bank = ? AND reference = ?",
        (status, reason, provider.code, reference),
    )
    event = webhooks.Event(
        type=f"payout.{status.lower()}",
        reference=reference,
        amount=payout.amount,
        currency=payout.currency,
        user_id=None,
        bank_reference=payout.bank_reference,
        reason=reason,
    )
    mode = Mode.SILENT if ending is Ending.UNTOLD else mode_of(connection, provider.code)
    webhooks.enqueue(connection, config, provider, event, mode=mode)


def _pay(connection: sqlite3.Connection, provider: Provider, payout: Payout) -> str | None:
    """Book it; why not, if it cannot be booked."""
    merchant = ledger.merchant_account(
        connection, bank=provider.code, merchant=_MERCHANT, currency=payout.currency
    )
    beneficiary = ledger.require_account(
        connection,
        bank=provider.code,
        kind="BENEFICIARY",
        owner=payout.account_number,
        label=payout.holder,
        currency=payout.currency,
    )
    movement = Movement("PAYOUT", payout.reference, payout.bank_reference)
    try:
        ledger.move(connection, movement, payer=merchant, payee=beneficiary, amount=payout.amount)
    except NotEnough:
        return "insufficient funds"
    return None


def _count_request(connection: sqlite3.Connection, provider: Provider, reference: str) -> int:
    row = connection.execute(
        """
        INSERT INTO stumbles (bank, reference, count) VALUES (?, ?, 1)
        ON CONFLICT (bank, reference) DO UPDATE SET count = count + 1 RETURNING count
        """,
        (provider.code, reference),
    ).fetchone()
    return int(row["count"])


def _earlier(
    connection: sqlite3.Connection, provider: Provider, reference: str, key: str
) -> Payout | None:
    row = connection.execute(
        "SELECT * FROM payouts WHERE bank = ? AND (reference = ? OR idempotency_key = ?) "
        "ORDER BY reference = ? DESC",
        (provider.code, reference, key, reference),
    ).fetchone()
    return Payout(**row) if row else None
