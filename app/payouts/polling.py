"""Polling: when a job calls the bank about a payout that has no outcome yet, and with what."""

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks import client, providers
from app.banks.types import BankPayout, PayoutInstruction
from app.common import clock
from app.common.money import Money
from app.events import service as events
from app.events.catalogue.banks import PayoutFlagged
from app.payouts import repository, service
from app.payouts.bank_accounts import service as bank_accounts
from app.payouts.errors import PayoutNotFound
from app.payouts.models import Payout, PayoutStatus

FIRST_PAUSE: Final = service.FIRST_POLL_AFTER
MAX_PAUSE: Final = timedelta(hours=1)
#: The attempts without an outcome – about two hours – after which a payout is flagged.
FLAG_AFTER_ATTEMPTS: Final = 8

_BATCH_SIZE: Final = 100


def claim_due(session: Session) -> list[UUID]:
    """Some of the payouts whose poll is due, after postponing their next one.

    A worker that dies loses nothing: they are due again later. Concurrent callers get others.
    """
    payouts = repository.lock_due(session, now=clock.now(), limit=_BATCH_SIZE)
    for payout in payouts:
        _postpone(payout)
        if payout.attempts >= FLAG_AFTER_ATTEMPTS:
            _flag(session, payout, f"no end after {payout.attempts} attempts")
    return [payout.id for payout in payouts]


def _postpone(payout: Payout) -> None:
    """Twice as long each time, half of it random, so that payouts do not all come due at once."""
    payout.attempts += 1
    # The pause has its maximum long before 16; without a limit, 2 ** attempts would overflow.
    pause = min(FIRST_PAUSE * 2 ** min(payout.attempts, 16), MAX_PAUSE)
    payout.next_attempt_at = clock.now() + pause / 2 * random.uniform(1, 2)  # noqa: S311 – no secret


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
    money = Money(payout.amount, payout.currency)
    if payout.status == PayoutStatus.SUBMITTED:
        return partial(client.retrieve_payout, provider, reference=payout.id, money=money)
    instruction = PayoutInstruction(
        reference=payout.id,
        money=money,
        holder=bank_account.holder,
        number=bank_accounts.decrypt_number(bank_account),
        routing=bank_account.routing,
        description=payout.description,
    )
    return partial(client.create_payout, provider, instruction)


def flag(session: Session, *, payout_id: UUID, reason: str) -> None:
    """Report that a payout needs attention; it is processed as before. Raises PayoutNotFound."""
    _flag(session, service.lock_payout(session, payout_id), reason)


def _flag(session: Session, payout: Payout, reason: str) -> None:
    if payout.flagged_at is None:  # reported once, not with every attempt
        payout.flagged_at = clock.now()
        events.record(session, [service.payout_event(PayoutFlagged, payout, reason=reason)])
