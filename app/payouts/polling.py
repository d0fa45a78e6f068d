"""Polling of payouts without an outcome: which are due, and the request to the bank."""

from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks import client, providers
from app.banks.types import BankPayout, PayoutInstruction
from app.common import clock
from app.events import service as events
from app.events.catalogue.banks import PayoutFlagged
from app.payouts import repository, service
from app.payouts.bank_accounts import service as bank_accounts
from app.payouts.errors import PayoutNotFound
from app.payouts.models import Payout, PayoutStatus

_BATCH_SIZE: Final = 100


def claim_due(session: Session) -> list[UUID]:
    """Claim payouts for which the bank should be polled now, and schedule their next attempt.

    If the caller dies, they become due again. Concurrent callers claim different ones.
    """
    due = repository.lock_due_payouts(session, now=clock.now(), limit=_BATCH_SIZE)
    service.POLLING.schedule_next(due, flag=partial(_flag, session))
    return [payout.id for payout in due]


def next_request(session: Session, *, payout_id: UUID) -> Callable[[], BankPayout] | None:
    """The request to the bank that is due, to be sent after this session; None if there is none.

    Raises PayoutNotFound, ProviderUnknown, encryption.DecryptionFailed.
    """
    row = repository.get_payout(session, payout_id)
    if row is None:
        raise PayoutNotFound
    payout, bank_account = row
    if not payout.is_open:
        return None
    provider = providers.require(payout.provider)
    if payout.status == PayoutStatus.SUBMITTED:
        return partial(client.retrieve_payout, provider, reference=payout.id, money=payout.money)
    instruction = PayoutInstruction(
        reference=payout.id,
        money=payout.money,
        holder=bank_account.holder,
        number=bank_accounts.decrypt_number(bank_account),
        routing=bank_account.routing,
        description=payout.description,
    )
    return partial(client.create_payout, provider, instruction)


def flag(session: Session, *, payout_id: UUID, reason: str) -> None:
    """Flag a payout for manual review. Its processing continues. Raises PayoutNotFound."""
    _flag(session, service.lock_payout(session, payout_id), reason)


def _flag(session: Session, payout: Payout, reason: str) -> None:
    if payout.flag():  # reported once, not with every attempt
        events.record(session, [PayoutFlagged.of(payout, reason=reason, **payout.risk)])
