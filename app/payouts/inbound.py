"""The handler of the banks' events about payouts."""

from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks.types import BankEventType, BankPayout, BankPayoutStatus
from app.common.ids import parse_id
from app.inbox.errors import Quarantine, QuarantineReason
from app.inbox.models import InboundEvent
from app.payouts import repository, service

_STATUSES: Final = {
    BankEventType.PAYOUT_PAID: BankPayoutStatus.PAID,
    BankEventType.PAYOUT_REFUSED: BankPayoutStatus.REFUSED,
}


def owns(session: Session, *, provider: str, reference: str) -> bool:
    """Whether the reference is a payout through this bank."""
    payout_id = parse_id(reference)
    return payout_id is not None and repository.get_provider(session, payout_id) == provider


def handle(session: Session, event: InboundEvent) -> None:
    """Record what the event reports. Raises Quarantine when it contradicts our record."""
    payout = service.lock_payout(session, UUID(event.reference))
    ours = {"amount": payout.amount, "currency": payout.currency}
    theirs = {"amount": event.amount, "currency": event.currency}
    if ours != theirs:
        raise Quarantine(QuarantineReason.AMOUNT_DIFFERS, ours=ours, theirs=theirs)
    reported = BankPayout(
        status=_STATUSES[BankEventType(event.type)],
        bank_reference=event.provider_reference or None,
        reason=event.reason or None,
    )
    service.update_payout(session, payout, reported)
