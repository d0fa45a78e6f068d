"""Payment requests: what a merchant asks a payer for, and what the payer decides, once."""

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
from sandbox.bank.ledger import Account, Movement
from sandbox.bank.modes import mode_of
from sandbox.common.modes import Mode
from sandbox.common.money import parse
from sandbox.common.store import Store, timestamp

_YEAR_9999 = 253_370_764_800
_WEB_ADDRESS = re.compile(r"https?://\S+")


class InvalidRequest(Exception):
    """The merchant did not sign this, or it makes no sense."""


class Expired(Exception):
    """The request was not decided in time."""


@dataclass(frozen=True)
class PaymentRequest:
    """What a signed request asks for. amount: minor units. expires_at: seconds since 1970."""

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
    """A decided request. status: PAID or DECLINED."""

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
        unknown = ma.EXCLUDE  # such as `iat`: whoever signs may add what JWT knows

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


def read_request(token: str, provider: Provider) -> PaymentRequest:
    """What the merchant signed, expired or not. Raises InvalidRequest."""
    claims = _verified(token, provider)
    try:
        given = _Claims().load(claims)
        amount = parse(given["amount"], given["currency"])
    except (ma.ValidationError, ValueError) as error:
        raise InvalidRequest from error
    return_url = given["return_url"]
    if return_url is not None and not _WEB_ADDRESS.fullmatch(return_url):
        raise InvalidRequest  # A link to `javascript:` would run in the bank's page.
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


def _verified(token: str, provider: Provider) -> dict[str, Any]:
    for key in provider.keys:
        try:
            # The expiry is compared later: what was paid in time is shown for ever.
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=["HS256"], options={"verify_exp": False}
            )
        except (jwt.InvalidTokenError, ValueError):
            continue
        return claims
    raise InvalidRequest


def find(store: Store, provider: Provider, reference: str) -> Payment | None:
    """What was decided about a request, if anything was."""
    with store.reading() as connection:
        return _find(connection, provider, reference)


def payer_account(
    store: Store, config: Config, provider: Provider, request: PaymentRequest
) -> tuple[Account, int]:
    """The payer's account, opened with play money at first sight, and what it has."""
    with store.writing() as connection:
        account = _payer(connection, config, provider, request)
        return account, ledger.balance(connection, account)


def decide(
    store: Store,
    config: Config,
    provider: Provider,
    request: PaymentRequest,
    *,
    pays: bool,
    mode: Mode | None,
) -> Payment:
    """Pay or decline, and tell the merchant. What was decided before stays as it was.

    mode: how to report it; none: as the bank is set. Raises Expired, and NotEnough when the
    payer's account has less, which decides nothing.
    """
    with store.writing() as connection:
        earlier = _find(connection, provider, request.reference)
        if earlier is not None:
            return earlier
        if request.is_expired:
            raise Expired
        payment = Payment(
            bank=provider.code,
            reference=request.reference,
            status="PAID" if pays else "DECLINED",
            amount=request.amount,
            currency=request.currency,
            payer=request.payer,
            merchant=request.merchant,
            bank_reference=new_bank_reference(provider),
            mode=mode or mode_of(connection, provider.code),
            decided_at=timestamp(),
        )
        if pays:
            _transfer(connection, config, provider, request, payment)
        _insert(connection, payment)
        webhooks.enqueue(
            connection, config, provider, _event(request, payment), mode=Mode(payment.mode)
        )
    return payment


def recent(connection: sqlite3.Connection, *, bank: str) -> list[Payment]:
    """The last ones that were decided, newest first."""
    rows = connection.execute(
        "SELECT * FROM payments WHERE bank = ? ORDER BY rowid DESC LIMIT 10", (bank,)
    )
    return [Payment(*row) for row in rows]


def new_bank_reference(provider: Provider) -> str:
    """What the bank calls a movement, such as HDFC261121K7Q2M9XA4R."""
    # Without letters and digits that are taken for each other.
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
    ledger.move(
        connection,
        Movement("PAYMENT", payment.reference, payment.bank_reference),
        payer=_payer(connection, config, provider, request),
        payee=ledger.merchant_account(
            connection,
            bank=provider.code,
            merchant=request.merchant,
            currency=request.currency,
        ),
        amount=request.amount,
    )


def _payer(
    connection: sqlite3.Connection, config: Config, provider: Provider, request: PaymentRequest
) -> Account:
    return ledger.require_account(
        connection,
        bank=provider.code,
        kind="CUSTOMER",
        owner=request.user_id,
        label=request.payer,
        currency=request.currency,
        opening=config.opening_balance,
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
