"""What we ask of a bank: the one place that calls one. Never within a transaction.

A payout is known by its reference, which is its Idempotency-Key as well: who gets no clear answer
asks again with the same one, and the bank pays once.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any, Final
from uuid import UUID

import marshmallow as ma
import orjson
import structlog
import urllib3
from marshmallow.validate import Length, OneOf

from app.banks import signing
from app.banks.providers import Provider
from app.common import circuit
from app.common.db import new_id
from app.common.fields import Amount, Schema
from app.common.money import AmountInvalid, Money

#: Seconds to reach the bank, and to wait for each piece of its answer.
TIME_OUT: Final = urllib3.Timeout(connect=2, read=5)
#: A second try at once, and a third within a second. The sweep goes on later, and for longer.
RETRIES: Final = urllib3.Retry(
    total=2,
    redirect=False,
    allowed_methods=None,  # a POST, too: the bank knows by its key that it is the same
    status_forcelist=(500, 502, 503, 504),
    raise_on_status=False,
    respect_retry_after_header=False,
    backoff_jitter=1,
)
_LONGEST_ANSWER: Final = 64 * 1024
#: Besides 5xx, what says nothing about the payout: time-out, in progress, too early, too often.
_LATER: Final = {408, 409, 425, 429}

_log = structlog.get_logger()


class Verdict(StrEnum):
    ACCEPTED = "ACCEPTED"
    PAID = "PAID"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """What a bank is told to do. number: of the account, which must not be shown."""

    reference: UUID
    money: Money
    holder: str
    number: str = field(repr=False)
    routing: str
    description: str | None


@dataclass(frozen=True, slots=True)
class PayoutAnswer:
    """What a bank says about a payout."""

    verdict: Verdict
    bank_reference: str | None
    reason: str | None


class NoAnswer(Exception):
    """It is not known what the bank did. Nothing may be concluded from it; ask again."""


class BankSilent(NoAnswer):
    """The bank is away, busy or broken, or was so often that it is left alone."""


class BankPuzzling(NoAnswer):
    """The bank has said something that it should not, and somebody should look at it."""


def pay_out(provider: Provider, order: PayoutOrder) -> PayoutAnswer:
    """Have the bank pay, or tell how the same payout stands. Raises BankSilent, BankPuzzling."""
    body = {
        "reference": order.reference,
        "amount": str(order.money),
        "currency": order.money.currency,
        "account": {"holder": order.holder, "number": order.number, "routing": order.routing},
        "description": order.description,
    }
    return _ask(
        provider,
        "POST",
        "/payouts",
        reference=order.reference,
        money=order.money,
        body=orjson.dumps(body),
        headers={
            "Content-Type": "application/json",
            "Idempotency-Key": str(order.reference),
        },
    )


def look_up(provider: Provider, *, reference: UUID, money: Money) -> PayoutAnswer:
    """How a payout that was accepted stands. Raises BankSilent, BankPuzzling."""
    return _ask(provider, "GET", f"/payouts/{reference}", reference=reference, money=money)


def _ask(
    provider: Provider,
    method: str,
    path: str,
    *,
    reference: UUID,
    money: Money,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> PayoutAnswer:
    """One question, through the circuit breaker."""
    signature = signing.signed_headers(provider, body, message_id=f"msg_{new_id().hex}")
    send = partial(
        _send,
        method,
        provider.url + path,
        body=body or None,
        headers=signature | (headers or {}),
    )
    try:
        status, raw = circuit.call(f"bank:{provider.code}", send, failure=BankSilent)
    except circuit.CircuitOpen as error:
        raise BankSilent(str(error)) from error
    answer = _read(status, raw, method=method, reference=reference, money=money)
    _log.info("bank asked", provider=provider.code, payout=str(reference), verdict=answer.verdict)
    return answer


def _send(
    method: str, url: str, *, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes]:
    """Status and body of the bank's answer. Raises BankSilent."""
    try:
        # Calls are few and far between, so no connection is kept.
        with urllib3.PoolManager(timeout=TIME_OUT, retries=RETRIES) as http:
            answer = http.request(method, url, body=body, headers=headers, preload_content=False)
            try:
                raw = answer.read(_LONGEST_ANSWER + 1)
            finally:
                answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise BankSilent(type(_cause(error)).__name__) from error
    if answer.status >= 500 or answer.status in _LATER:
        raise BankSilent(f"HTTP {answer.status}")
    return answer.status, raw


def _cause(error: urllib3.exceptions.HTTPError) -> BaseException:
    return getattr(error, "reason", None) or error


def _require_printable(text: str) -> None:
    if not text.isprintable():
        raise ma.ValidationError("Not printable.")


class _Answer(Schema):
    """What of an answer counts; there may be more."""

    class Meta:
        unknown = ma.EXCLUDE

    reference = ma.fields.String(required=True)
    status = ma.fields.String(required=True, validate=OneOf(list(Verdict)))
    bank_reference = ma.fields.String(
        load_default=None, allow_none=True, validate=[Length(1, 100), _require_printable]
    )
    reason = ma.fields.String(
        load_default=None, allow_none=True, validate=[Length(1, 500), _require_printable]
    )
    amount = Amount(load_default=None, allow_none=True)
    currency = ma.fields.String(load_default=None, allow_none=True)


def _read(status: int, raw: bytes, *, method: str, reference: UUID, money: Money) -> PayoutAnswer:
    """What the bank says, if it says it clearly. Raises BankPuzzling."""
    try:
        found: dict[str, Any] = _Answer().load(orjson.loads(raw))
    except (ValueError, ma.ValidationError) as error:  # no JSON, or not of that shape
        raise BankPuzzling(f"HTTP {status}, and no answer that we understand") from error
    if found["reference"] != str(reference):
        raise BankPuzzling("an answer about another payout")
    if not _is_about(money, found["amount"], found["currency"]):
        raise BankPuzzling("an answer about another amount")
    verdict = Verdict(found["status"])
    is_refusal = method == "POST" and 400 <= status < 500 and verdict is Verdict.REFUSED
    if not (200 <= status < 300 or is_refusal):
        raise BankPuzzling(f"HTTP {status}")
    return PayoutAnswer(verdict, found["bank_reference"], found["reason"])


def _is_about(money: Money, amount: Decimal | None, currency: str | None) -> bool:
    """Whether what a bank says of the amount is right; it need not say anything."""
    if currency not in (None, money.currency):
        return False
    try:
        return amount is None or Money.of(amount, money.currency) == money
    except AmountInvalid:
        return False
