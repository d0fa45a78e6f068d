"""Payment requests: signed by a merchant, paid or declined once by the payer."""

import re
import secrets
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
import marshmallow as ma
from marshmallow.validate import Length, Range, Regexp

from sandbox.bank import ledger, webhooks
from sandbox.bank.config import Config, Provider
from sandbox.bank.ledger import Account, Transfer
from sandbox.bank.modes import get_mode
from sandbox.common.modes import Mode
from sandbox.common.money import parse_amount
from sandbox.common.store import Store, timestamp

_YEAR_9999 = 253_370_764_800
_HTTP_URL = re.compile(r"https?://\S+")


class InvalidRequest(Exception):
    """The request is not signed by the merchant, or a claim is invalid."""


class Expired(Exception):
    """The request expired before it was paid or declined."""


@dataclass(frozen=True)
class PaymentRequest:
    """The content of a signed request. amount: minor units. expires_at: Unix time."""

    reference: str
    amount: int
    currency: str
    payer: str
    user_id: str
    merchant: str
    expires_at: int
    return_url: str | None

    @property
    def expiry(self) -> datetime:
        return datetime.fromtimestamp(self.expires_at, UTC)

    @property
    def is_expired(self) -> bool:
        return time.time() >= self.expires_at


@dataclass(frozen=True)
class Payment:
    """A request that was paid or declined. status: PAID or DECLINED."""

    bank: str
    reference: str
    status: str
    amount: int
    currency: str
    payer: str
    merchant: str
    bank_reference: str
    mode: str
    decided_at: str


class _Claims(ma.Schema):
    class Meta:
        unknown = ma.EXCLUDE  # The signer may add registered claims such as `iat` (RFC 7519).

    reference = ma.fields.String(required=True, validate=Regexp(r"[A-Za-z0-9_-]{16,128}\Z"))
    amount = ma.fields.String(required=True)
    currency = ma.fields.String(required=True)
    payer = ma.fields.String(required=True, validate=Length(1, 320))
    user_id = ma.fields.String(required=True, validate=Length(1, 100), data_key="userId")
    merchant = ma.fields.String(required=True, validate=Length(1, 100))
    exp = ma.fields.Integer(required=True, strict=True, validate=Range(0, _YEAR_9999))
    return_url = ma.fields.String(
        load_default=None, allow_none=True, data_key="returnUrl", validate=Length(1, 2000)
    )


def parse_request(token: str, provider: Provider) -> PaymentRequest:
    """Verify and parse a signed request, even an expired one. Raises InvalidRequest."""
    claims = _verify(token, provider)
    try:
        given = _Claims().load(claims)
        amount = parse_amount(given["amount"], given["currency"])
    except (ma.ValidationError, ValueError) as error:
        raise InvalidRequest from error
    return_url = given["return_url"]
    if return_url is not None and not _HTTP_URL.fullmatch(return_url):
        raise InvalidRequest  # A `javascript:` link would run in the bank's page.
    return PaymentRequest(
        reference=given["reference"],
        amount=amount,
        currency=given["currency"],
        payer=given["payer"],
        user_id=given["user_id"],
        merchant=given["merchant"],
        expires_at=given["exp"],
        return_url=return_url,
    )


def _verify(token: str, provider: Provider) -> dict[str, Any]:
    for key in provider.keys:
        try:
            # The expiry is checked later, because a payment made in time remains visible.
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=["HS256"], options={"verify_exp": False}
            )
        except (jwt.InvalidTokenError, ValueError):
            continue
        return claims
    raise InvalidRequest


def get(store: Store, provider: Provider, reference: str) -> Payment | None:
    """The payment of a request, if it was paid or declined."""
    with store.read_transaction() as connection:
        return _find(connection, provider, reference)


def payer_account(
    store: Store, config: Config, provider: Provider, request: PaymentRequest
) -> tuple[Account, int]:
    """The payer's account, opened with play money on first use, and its balance."""
    with store.write_transaction() as connection:
        account = _payer_account(connection, config, provider, request)
        return account, ledger.balance(connection, account)


def decide(
    store: Store,
    config: Config,
    provider: Provider,
    request: PaymentRequest,
    *,
    pay: bool,
    mode: Mode | None,
) -> Payment:
    """Pay or decline a request and notify the merchant. The first decision is final.

    mode: of the webhook; None for the bank's mode. Raises Expired, and InsufficientFunds, which
    leaves the request undecided.
    """
    with store.write_transaction() as connection:
        earlier = _find(connection, provider, request.reference)
        if earlier is not None:
            return earlier
        if request.is_expired:
            raise Expired
        payment = Payment(
            bank=provider.code,
            reference=request.reference,
            status="PAID" if pay else "DECLINED",
            amount=request.amount,
            currency=request.currency,
            payer=request.payer,
            merchant=request.merchant,
            bank_reference=new_bank_reference(provider),
            mode=mode or get_mode(connection, provider.code),
            decided_at=timestamp(),
        )
        if pay:
            _transfer(connection, config, provider, request, payment)
        _insert(connection, payment)
        webhooks.enqueue(
            connection, config, provider, _event(request, payment), mode=Mode(payment.mode)
        )
    return payment


def recent(connection: sqlite3.Connection, *, bank: str) -> list[Payment]:
    """The latest payments, newest first."""
    rows = connection.execute(
        "SELECT * FROM payments WHERE bank = ? ORDER BY rowid DESC LIMIT 10", (bank,)
    )
    return [Payment(*row) for row in rows]


def new_bank_reference(provider: Provider) -> str:
    """A unique reference such as HDFC261121K7Q2M9XA4R."""
    # Without 0, 1, I and O, which are easily confused.
    letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    chosen = "".join(secrets.choice(letters) for _ in range(10))
    return f"{provider.code}{datetime.now(UTC):%y%m%d}{chosen}"


def _transfer(
    connection: sqlite3.Connection,
    config: Config,
    provider: Provider,
    request: PaymentRequest,
    payment: Payment,
) -> None:
    ledger.transfer(
        connection,
        Transfer("PAYMENT", payment.reference, payment.bank_reference),
        payer=_payer_account(connection, config, provider, request),
        payee=ledger.merchant_account(
            connection,
            bank=provider.code,
            merchant=request.merchant,
            currency=request.currency,
        ),
        amount=request.amount,
    )


def _payer_account(
    connection: sqlite3.Connection, config: Config, provider: Provider, request: PaymentRequest
) -> Account:
    return ledger.get_or_open_account(
        connection,
        bank=provider.code,
        kind="CUSTOMER",
        owner=request.user_id,
        label=request.payer,
        currency=request.currency,
        opening_balance=config.opening_balance,
    )


def _event(request: PaymentRequest, payment: Payment) -> webhooks.Event:
    paid = payment.status == "PAID"
    return webhooks.Event(
        type="payment.succeeded" if paid else "payment.failed",
        reference=request.reference,
        amount=request.amount,
        currency=request.currency,
        user_id=request.user_id,
        bank_reference=payment.bank_reference,
        reason=None if paid else "declined by the payer",
    )


def _find(connection: sqlite3.Connection, provider: Provider, reference: str) -> Payment | None:
    row = connection.execute(
        "SELECT * FROM payments WHERE bank = ? AND reference = ?", (provider.code, reference)
    ).fetchone()
    return Payment(*row) if row else None


def _insert(connection: sqlite3.Connection, payment: Payment) -> None:
    connection.execute(
        """
        INSERT INTO payments (bank, reference, status, amount, currency, payer, merchant,
            bank_reference, mode, decided_at)
        VALUES (:bank, :reference, :status, :amount, :currency, :payer, :merchant,
            :bank_reference, :mode, :decided_at)
        """,
        vars(payment),
    )
