"""How on-ramps end: by what the bank says, or by the clock.

PROCESSING → SUCCESS, FAILURE or EXPIRED; EXPIRED → SUCCESS, late. Whatever the bank says, the
amount and the user are those of our own row.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.banks.types import BankEventType
from app.common import clock
from app.events import service as events
from app.events.catalogue.banks import OnrampFailed, OnrampSucceeded
from app.inbox.errors import Quarantine
from app.inbox.models import InboundEvent
from app.onramp import repository
from app.onramp.models import Onramp, OnrampStatus
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.errors import WalletNotFound
from app.wallets.ledger import Entry, Line, Posting
from app.wallets.models import SystemCode, TransactionType


def owns(session: Session, *, provider: str, reference: str) -> bool:
    """Whether that is the token of an on-ramp with this bank."""
    return repository.is_there(session, provider=provider, token=reference)


def handle(session: Session, event: InboundEvent) -> None:
    """Credit an on-ramp that was paid, or close one that was not; again changes nothing.

    Raises Quarantine when the bank contradicts us or itself, WalletLocked and BalanceTooLarge when
    the wallet cannot take the money yet.
    """
    onramp = repository.get_for_update(session, provider=event.provider, token=event.reference)
    if onramp is None:
        raise Quarantine("NOT_FOUND")
    _require_agreement(onramp, event)
    if event.type == BankEventType.PAYMENT_SUCCEEDED:
        _succeed(session, onramp, event)
    else:
        _fail(session, onramp, event)


def _require_agreement(onramp: Onramp, event: InboundEvent) -> None:
    ours = {
        "amount": onramp.amount,
        "currency": onramp.currency,
        "userId": str(onramp.user_id),
    }
    theirs = {"amount": event.amount, "currency": event.currency, "userId": event.user_id}
    if ours != theirs:
        raise Quarantine("VALUES_DIFFER", ours=_of(onramp, ours), theirs=theirs)


def _succeed(session: Session, onramp: Onramp, event: InboundEvent) -> None:
    if onramp.status == OnrampStatus.SUCCESS:
        return
    if onramp.status == OnrampStatus.FAILURE:
        raise Quarantine("SUCCEEDED_AFTER_FAILURE", ours=_of(onramp, {"status": onramp.status}))
    onramp.late = onramp.status == OnrampStatus.EXPIRED or event.received_at > onramp.expires_at
    credit = _credit(session, onramp, event)
    _close(onramp, OnrampStatus.SUCCESS, event)
    events.record(
        session,
        [
            _succeeded(onramp),
            wallets.balance_event(credit, user_id=onramp.user_id),
        ],
    )


def _credit(session: Session, onramp: Onramp, event: InboundEvent) -> Line:
    """Post the money that was asked for. No limit is asked: the money is here."""
    accounts = wallets.lock_accounts(session, user_ids=[onramp.user_id], currency=onramp.currency)
    account = accounts.get(onramp.user_id)
    if account is None:
        raise WalletNotFound
    account.require_can_receive(onramp.amount)
    bank = ledger.system_account(SystemCode.BANK, onramp.currency)
    kind, text = TransactionType.ONRAMP, onramp.description or f"Money from {onramp.provider}"
    entry = Entry(
        kind=kind.value,
        postings=(
            Posting(account, onramp.amount, kind, text),
            Posting(bank, -onramp.amount, kind, text),
        ),
        reference=("onramp", onramp.id),
        initiator_id=onramp.user_id,
        metadata={
            "provider": onramp.provider,
            "bankReference": event.provider_reference,
            "late": onramp.late,
        },
    )
    ((credit, _),) = ledger.post(session, [entry])
    return credit


def _fail(session: Session, onramp: Onramp, event: InboundEvent) -> None:
    if onramp.status == OnrampStatus.SUCCESS:
        raise Quarantine("FAILED_AFTER_SUCCESS", ours=_of(onramp, {"status": onramp.status}))
    if onramp.status == OnrampStatus.PROCESSING:
        onramp.failure_reason = event.reason
        _close(onramp, OnrampStatus.FAILURE, event)
        events.record(session, [_failed(onramp, event.reason)])


def expire_overdue(session: Session, *, limit: int) -> int:
    """Close on-ramps of which the bank said nothing in time; how many."""
    overdue = repository.lock_overdue(session, now=clock.now(), limit=limit)
    for onramp in overdue:
        _close(onramp, OnrampStatus.EXPIRED)
    events.record(session, [_failed(onramp, None) for onramp in overdue])
    return len(overdue)


def _close(onramp: Onramp, status: OnrampStatus, event: InboundEvent | None = None) -> None:
    now: datetime = clock.now()
    onramp.status, onramp.closed_at, onramp.updated_at = status.value, now, now
    if event is not None:
        onramp.settled_by, onramp.bank_reference = event.id, event.provider_reference


def _of(onramp: Onramp, values: dict[str, Any]) -> dict[str, Any]:
    return {"onrampId": str(onramp.id)} | values


def _succeeded(onramp: Onramp) -> OnrampSucceeded:
    return OnrampSucceeded(
        aggregate_id=onramp.id,
        user_id=onramp.user_id,
        provider=onramp.provider,
        amount=onramp.amount,
        currency=onramp.currency,
        status=onramp.status,
        late=onramp.late,
    )


def _failed(onramp: Onramp, reason: str | None) -> OnrampFailed:
    return OnrampFailed(
        aggregate_id=onramp.id,
        user_id=onramp.user_id,
        provider=onramp.provider,
        amount=onramp.amount,
        currency=onramp.currency,
        status=onramp.status,
        reason=reason,
    )
