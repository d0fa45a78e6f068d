"""Payouts from the merchant to a beneficiary. The account number selects the outcome."""

import sqlite3
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, Regexp

from sandbox.bank import ledger, webhooks
from sandbox.bank.config import Config, Provider
from sandbox.bank.ledger import InsufficientFunds, Transfer
from sandbox.bank.modes import get_mode
from sandbox.bank.payments import new_bank_reference
from sandbox.common.modes import Mode
from sandbox.common.money import format_decimal, parse_amount
from sandbox.common.store import Store, timestamp

_SIMULATED_FAILURES = 2
_MERCHANT = "Payment Flow"


class Outcome(Enum):
    """The outcome of a payout, selected by the last four digits of the account number."""

    ACCOUNT_CLOSED = "0000"  # accepted, refused a moment later
    ACCOUNT_UNKNOWN = "0001"  # refused immediately
    FAILS_TWICE = "0002"  # the first two requests fail
    NO_WEBHOOK = "0003"  # paid, but no webhook is sent
    LOST_RESPONSE = "0004"  # accepted, but the first response is an error
    PAID = ""

    @classmethod
    def of(cls, account_number: str) -> "Outcome":
        return next(outcome for outcome in cls if account_number.endswith(outcome.value))


class SimulatedFailure(Exception):
    """A simulated server error. Retrying succeeds, at the latest with the third request."""


class Conflict(Exception):
    """The idempotency key or the reference belongs to a different payout."""


class InvalidPayout(Exception):
    """The request body is not valid. problems: messages by field."""

    def __init__(self, problems: dict[str, Any]) -> None:
        super().__init__(problems)
        self.problems = problems


class _AccountIn(ma.Schema):
    holder = ma.fields.String(required=True, validate=Length(1, 200))
    number = ma.fields.String(required=True, validate=Regexp(r"[A-Za-z0-9]{4,34}\Z"))
    routing = ma.fields.String(required=True, validate=Regexp(r"[A-Za-z0-9-]{1,34}\Z"))


class _PayoutIn(ma.Schema):
    reference = ma.fields.String(required=True, validate=Length(1, 100))
    amount = ma.fields.String(required=True)
    currency = ma.fields.String(required=True)
    account = ma.fields.Nested(_AccountIn, required=True)
    description = ma.fields.String(load_default=None, allow_none=True, validate=Length(max=500))


@dataclass(frozen=True)
class PayoutRequest:
    """What the merchant requests. amount: minor units."""

    reference: str
    amount: int
    currency: str
    holder: str
    account_number: str
    routing: str


@dataclass(frozen=True)
class Payout(PayoutRequest):
    """status: ACCEPTED, then PAID or REFUSED. settles_at: Unix time."""

    bank: str
    idempotency_key: str
    status: str
    bank_reference: str
    reason: str | None
    accepted_at: str
    settles_at: float

    @property
    def request(self) -> PayoutRequest:
        return PayoutRequest(
            self.reference,
            self.amount,
            self.currency,
            self.holder,
            self.account_number,
            self.routing,
        )

    def to_json(self) -> dict[str, str | None]:
        """The response body."""
        return {
            "reference": self.reference,
            "status": self.status,
            "amount": format_decimal(self.amount, self.currency),
            "currency": self.currency,
            "bankReference": self.bank_reference,
            "reason": self.reason,
        }


def parse_request(body: Any) -> PayoutRequest:
    """Validate a request body. Raises InvalidPayout."""
    try:
        given = _PayoutIn().load(body)
        amount = parse_amount(given["amount"], given["currency"])
    except ma.ValidationError as error:
        raise InvalidPayout(error.messages_dict) from error
    except ValueError as error:
        raise InvalidPayout({"amount": [str(error)]}) from error
    account = given["account"]
    return PayoutRequest(
        reference=given["reference"],
        amount=amount,
        currency=given["currency"],
        holder=account["holder"],
        account_number=account["number"],
        routing=account["routing"],
    )


def create(
    store: Store, config: Config, provider: Provider, request: PayoutRequest, *, key: str
) -> Payout:
    """Accept a payout, or return the existing one. It is paid or refused a moment later.

    key: the idempotency key. Raises Conflict, and SimulatedFailure if the account number selects
    it.
    """
    outcome = Outcome.of(request.account_number)
    with store.write_transaction() as connection:
        payout = _find(connection, provider, request.reference, key)
        if payout is not None and (payout.request, payout.idempotency_key) != (request, key):
            raise Conflict
        attempts = 0
        if outcome in (Outcome.FAILS_TWICE, Outcome.LOST_RESPONSE):
            attempts = _count_attempt(connection, provider, request.reference)
        fails = outcome is Outcome.FAILS_TWICE and attempts <= _SIMULATED_FAILURES
        if payout is None and not fails:
            payout = _insert(connection, config, provider, request, key, outcome)
    # After the commit, because raising inside would roll it back.
    if payout is None or (outcome is Outcome.LOST_RESPONSE and attempts == 1):
        raise SimulatedFailure
    return payout


def get(store: Store, provider: Provider, reference: str) -> Payout | None:
    """The payout with that reference."""
    with store.read_transaction() as connection:
        return _find(connection, provider, reference, "")


def settle_due(store: Store, config: Config) -> None:
    """Pay or refuse the accepted payouts that are due, and notify the merchant."""
    with store.read_transaction() as connection:
        rows = connection.execute(
            """
            SELECT bank, reference FROM payouts
            WHERE status = 'ACCEPTED' AND settles_at <= ?
                AND bank IN (SELECT value FROM json_each(?))
            """,
            (time.time(), config.codes),
        ).fetchall()
    for bank, reference in rows:
        with store.write_transaction() as connection:
            _settle(connection, config, config.providers[bank.lower()], reference)


def next_settlement_at(connection: sqlite3.Connection, config: Config) -> float | None:
    """Unix time at which the next accepted payout is due."""
    row = connection.execute(
        """
        SELECT min(settles_at) FROM payouts
        WHERE status = 'ACCEPTED' AND bank IN (SELECT value FROM json_each(?))
        """,
        (config.codes,),
    ).fetchone()
    due_at: float | None = row[0]
    return due_at


def recent(connection: sqlite3.Connection, *, bank: str) -> list[Payout]:
    """The latest payouts, newest first."""
    rows = connection.execute(
        "SELECT * FROM payouts WHERE bank = ? ORDER BY rowid DESC LIMIT 10", (bank,)
    )
    return [Payout(**row) for row in rows]


def _insert(
    connection: sqlite3.Connection,
    config: Config,
    provider: Provider,
    request: PayoutRequest,
    key: str,
    outcome: Outcome,
) -> Payout:
    unknown = outcome is Outcome.ACCOUNT_UNKNOWN
    slow = get_mode(connection, provider.code) is Mode.SLOW
    payout = Payout(
        **vars(request),
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
    payout = _find(connection, provider, reference, "")
    if payout is None or payout.status != "ACCEPTED":
        return
    outcome = Outcome.of(payout.account_number)
    if outcome is Outcome.ACCOUNT_CLOSED:
        reason: str | None = "account closed"
    else:
        reason = _pay(connection, provider, payout)
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
    mode = Mode.SILENT if outcome is Outcome.NO_WEBHOOK else get_mode(connection, provider.code)
    webhooks.enqueue(connection, config, provider, event, mode=mode)


def _pay(connection: sqlite3.Connection, provider: Provider, payout: Payout) -> str | None:
    """Transfer the money. Returns the reason if it is refused."""
    merchant = ledger.merchant_account(
        connection, bank=provider.code, merchant=_MERCHANT, currency=payout.currency
    )
    beneficiary = ledger.get_or_open_account(
        connection,
        bank=provider.code,
        kind="BENEFICIARY",
        owner=payout.account_number,
        label=payout.holder,
        currency=payout.currency,
    )
    transfer = Transfer("PAYOUT", payout.reference, payout.bank_reference)
    try:
        ledger.transfer(
            connection, transfer, payer=merchant, payee=beneficiary, amount=payout.amount
        )
    except InsufficientFunds:
        return "insufficient funds"
    return None


def _count_attempt(connection: sqlite3.Connection, provider: Provider, reference: str) -> int:
    row = connection.execute(
        """
        INSERT INTO payout_attempts (bank, reference, count) VALUES (?, ?, 1)
        ON CONFLICT (bank, reference) DO UPDATE SET count = count + 1 RETURNING count
        """,
        (provider.code, reference),
    ).fetchone()
    return int(row["count"])


def _find(
    connection: sqlite3.Connection, provider: Provider, reference: str, key: str
) -> Payout | None:
    row = connection.execute(
        "SELECT * FROM payouts WHERE bank = ? AND (reference = ? OR idempotency_key = ?) "
        "ORDER BY reference = ? DESC",
        (provider.code, reference, key, reference),
    ).fetchone()
    return Payout(**row) if row else None
