"""The handler of the banks' events about on-ramps."""

from typing import Any

from sqlalchemy.orm import Session

from app.banks.types import BankEventType
from app.inbox.errors import Quarantine, QuarantineReason
from app.inbox.models import InboundEvent
from app.onramp import repository, service
from app.onramp.models import Onramp, OnrampStatus


def owns(session: Session, *, provider: str, reference: str) -> bool:
    """Whether the reference is the token of an on-ramp from this bank."""
    return repository.exists_with(session, provider=provider, token=reference)


def handle(session: Session, event: InboundEvent) -> None:
    """Credit an on-ramp that has been paid, or close one whose payment has failed.

    Raises Quarantine when the event contradicts our record or an earlier event, and WalletLocked
    or BalanceTooLarge when the wallet cannot be credited yet.
    """
    onramp = repository.lock_onramp(session, provider=event.provider, token=event.reference)
    if onramp is None:
        raise Quarantine(QuarantineReason.NOT_FOUND)
    _require_agreement(onramp, event)
    if event.type == BankEventType.PAYMENT_SUCCEEDED:
        _handle_success(session, onramp, event)
    else:
        _handle_failure(session, onramp, event)


def _require_agreement(onramp: Onramp, event: InboundEvent) -> None:
    ours = {
        "amount": onramp.amount,
        "currency": onramp.currency,
        "userId": str(onramp.user_id),
    }
    theirs = {"amount": event.amount, "currency": event.currency, "userId": event.user_id}
    if ours != theirs:
        raise Quarantine(QuarantineReason.VALUES_DIFFER, ours=_with_id(onramp, ours), theirs=theirs)


def _handle_success(session: Session, onramp: Onramp, event: InboundEvent) -> None:
    if onramp.status == OnrampStatus.FAILURE:
        ours = _with_id(onramp, {"status": onramp.status})
        raise Quarantine(QuarantineReason.SUCCEEDED_AFTER_FAILURE, ours=ours)
    if onramp.status != OnrampStatus.SUCCESS:
        service.complete_onramp(session, onramp, event)


def _handle_failure(session: Session, onramp: Onramp, event: InboundEvent) -> None:
    if onramp.status == OnrampStatus.SUCCESS:
        ours = _with_id(onramp, {"status": onramp.status})
        raise Quarantine(QuarantineReason.FAILED_AFTER_SUCCESS, ours=ours)
    if onramp.status == OnrampStatus.PROCESSING:
        service.fail_onramp(session, onramp, event)


def _with_id(onramp: Onramp, values: dict[str, Any]) -> dict[str, Any]:
    return {"onrampId": str(onramp.id)} | values
