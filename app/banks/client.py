"""Requests to banks, and the only place that makes them. Never in a transaction.

A payout is identified by its reference, which is its Idempotency-Key as well: after an unclear
outcome the caller repeats the request with the same one, and the bank pays once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import marshmallow as ma
import orjson
import structlog
import urllib3
from marshmallow.validate import Length, OneOf

from app.banks import signing
from app.banks.errors import BankUnavailable, InvalidBankResponse
from app.banks.providers import Provider
from app.banks.types import BankPayout, BankPayoutStatus, PayoutInstruction
from app.common import circuit, outbound
from app.common.fields import Amount, Schema
from app.common.ids import new_id
from app.common.money import AmountInvalid, Money

#: Seconds to connect to the bank, and to wait for each part of its response.
TIMEOUT: Final = urllib3.Timeout(connect=2, read=5)
#: Seconds in which the whole body must have been received.
_BODY_SECONDS: Final = 10
#: The first attempt and its retries.
_ATTEMPTS: Final = 3
#: One immediate retry and another within a second. The jobs of payouts retry later.
RETRIES: Final = urllib3.Retry(
    total=_ATTEMPTS - 1,
    redirect=False,
    allowed_methods=None,  # also POST, which the idempotency key makes safe
    status_forcelist=(500, 502, 503, 504),
    raise_on_status=False,
    respect_retry_after_header=False,
    backoff_jitter=1,
)
_MAX_RESPONSE_BYTES: Final = 64 * 1024
#: The 4xx that leave the outcome open: timeout, in progress, too early, rate limited.
_RETRY_LATER: Final = {408, 409, 425, 429}

_log = structlog.get_logger()


def create_payout(provider: Provider, payout: PayoutInstruction) -> BankPayout:
    """Request a payout. Repeated with the same reference, returns the state of the same payout.

    Raises BankUnavailable, InvalidBankResponse.
    """
    body = {
        "reference": payout.reference,
        "amount": str(payout.money),
        "currency": payout.money.currency,
        "account": {"holder": payout.holder, "number": payout.number, "routing": payout.routing},
        "description": payout.description,
    }
    return _request(
        provider,
        "POST",
        "/payouts",
        reference=payout.reference,
        money=payout.money,
        body=orjson.dumps(body),
        headers={
            "Content-Type": "application/json",
            "Idempotency-Key": str(payout.reference),
        },
    )


def retrieve_payout(provider: Provider, *, reference: UUID, money: Money) -> BankPayout:
    """The state of a payout that the bank has accepted. Raises as create_payout."""
    return _request(provider, "GET", f"/payouts/{reference}", reference=reference, money=money)


@dataclass(frozen=True, slots=True)
class EventPage:
    """events: as in webhooks, oldest first."""

    events: Sequence[Any]
    has_more: bool


def list_events(provider: Provider, *, since: datetime, after: str | None) -> EventPage | None:
    """A page of the events that the bank has reported since then; None if it does not list events.

    after: id of the last event of the page before. Raises BankUnavailable, InvalidBankResponse.
    """
    query = {"since": since.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    query |= {} if after is None else {"after": after}
    status, raw = _call(provider, "GET", f"/events?{urlencode(query)}")
    if status == HTTPStatus.NOT_FOUND:
        return None
    try:
        found = _Events().load(orjson.loads(raw))
    except (ValueError, ma.ValidationError) as error:
        raise InvalidBankResponse(f"HTTP {status} with an invalid body") from error
    return EventPage(found["events"], found["has_more"])


class _Events(Schema):
    class Meta:
        unknown = ma.EXCLUDE

    events = ma.fields.List(ma.fields.Dict(), required=True)
    has_more = ma.fields.Boolean(required=True)


def _request(
    provider: Provider,
    method: str,
    path: str,
    *,
    reference: UUID,
    money: Money,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> BankPayout:
    """One request about a payout."""
    status, raw = _call(provider, method, path, body=body, headers=headers)
    payout = _parse(status, raw, method=method, reference=reference, money=money)
    _log.info("bank called", provider=provider.code, payout=str(reference), status=payout.status)
    return payout


def _call(
    provider: Provider,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and body of one request, through the circuit breaker. Raises BankUnavailable."""
    signature = signing.signed_headers(provider, body, message_id=f"msg_{new_id().hex}")
    send = partial(
        _send,
        method,
        provider.url + path,
        body=body or None,
        headers=signature | (headers or {}),
    )
    try:
        return circuit.call(f"bank:{provider.code}", send, failure=BankUnavailable)
    except circuit.CircuitOpen as error:
        raise BankUnavailable(str(error)) from error


def _send(
    method: str, url: str, *, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes]:
    """Status and body of the bank's response. Raises BankUnavailable."""
    limits = outbound.within_deadline(TIMEOUT, attempts=_ATTEMPTS)
    try:
        # Calls are rare, so no connection is kept open.
        with urllib3.PoolManager(timeout=limits, retries=RETRIES) as http:
            response = http.request(method, url, body=body, headers=headers, preload_content=False)
            try:
                raw = outbound.read_body(
                    response, max_bytes=_MAX_RESPONSE_BYTES + 1, seconds=_BODY_SECONDS
                )
            finally:
                response.close()
    except urllib3.exceptions.HTTPError as error:
        raise BankUnavailable(type(_cause(error)).__name__) from error
    if response.status >= 500 or response.status in _RETRY_LATER:
        raise BankUnavailable(f"HTTP {response.status}")
    return response.status, raw


def _cause(error: urllib3.exceptions.HTTPError) -> BaseException:
    return getattr(error, "reason", None) or error


def _require_printable(text: str) -> None:
    if not text.isprintable():
        raise ma.ValidationError("Not printable.")


class _Response(Schema):
    """The fields of a response that are used; a bank may send more."""

    class Meta:
        unknown = ma.EXCLUDE

    reference = ma.fields.String(required=True)
    status = ma.fields.String(required=True, validate=OneOf(list(BankPayoutStatus)))
    bank_reference = ma.fields.String(
        load_default=None, allow_none=True, validate=[Length(1, 100), _require_printable]
    )
    reason = ma.fields.String(
        load_default=None, allow_none=True, validate=[Length(1, 500), _require_printable]
    )
    amount = Amount(load_default=None, allow_none=True)
    currency = ma.fields.String(load_default=None, allow_none=True)


def _parse(status: int, raw: bytes, *, method: str, reference: UUID, money: Money) -> BankPayout:
    """The payout in a response about that reference and amount. Raises InvalidBankResponse."""
    try:
        found: dict[str, Any] = _Response().load(orjson.loads(raw))
    except (ValueError, ma.ValidationError) as error:  # no JSON, or of another shape
        raise InvalidBankResponse(f"HTTP {status} with an invalid body") from error
    if found["reference"] != str(reference):
        raise InvalidBankResponse("a response about another payout")
    if not _is_amount(money, found["amount"], found["currency"]):
        raise InvalidBankResponse("a response about another amount")
    payout_status = BankPayoutStatus(found["status"])
    is_refusal = (
        method == "POST" and 400 <= status < 500 and payout_status is BankPayoutStatus.REFUSED
    )
    if not (200 <= status < 300 or is_refusal):
        raise InvalidBankResponse(f"HTTP {status}")
    return BankPayout(payout_status, found["bank_reference"], found["reason"])


def _is_amount(money: Money, amount: Decimal | None, currency: str | None) -> bool:
    """Whether the bank's amount and currency, where it names them, are those of `money`."""
    if currency not in (None, money.currency):
        return False
    try:
        return amount is None or Money.of(amount, money.currency) == money
    except AmountInvalid:
        return False
