"""Seeing a payout through: when a worker asks the bank about it, and what."""

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks import client, providers
from app.banks.errors import ProviderUnknown
from app.banks.types import BankPayout, PayoutInstruction
from app.common import clock
from app.common.money import Money
from app.events import service as events
from app.events.catalogue.banks import (
    PayoutFlagged,
    PayoutPaid,
    PayoutRefused,
    PayoutSubmitted,
)
from app.payouts import accounts, repository
from app.payouts.errors import PayoutNotFound
from app.payouts.models import Payout, PayoutStatus

#: By then the job that was put in line is done, or lost.
FIRST_PAUSE: Final = timedelta(seconds=45)
LONGEST_PAUSE: Final = timedelta(hours=1)
#: After so many attempts without a clear answer – some two hours – somebody should look at it.
MANY_ATTEMPTS: Final = 8

_AT_ONCE: Final = 100


def begin(payout: Payout) -> None:
    """A job is on its way to the bank, or the bank will tell: look again if neither comes."""
    payout.attempts, payout.next_attempt_at = 0, clock.now() + FIRST_PAUSE


def take_due(session: Session) -> list[UUID]:
    """Some of the payouts that the bank should be asked about now, their next attempt put off.

    Whoever takes them may die: they are due again later. Others take others meanwhile.
    """
    payouts = repository.take_due(session, now=clock.now(), limit=_AT_ONCE)
    for payout in payouts:
        _put_off(payout)
        if payout.attempts >= MANY_ATTEMPTS:
            _flag(session, payout, f"no end after {payout.attempts} attempts")
    return [payout.id for payout in payouts]


def _put_off(payout: Payout) -> None:
    """Twice as long each time, half of it by chance: they must not all come back at once."""
    payout.attempts += 1
    # Beyond some doublings it is the longest anyway, and 2 ** attempts no number for a clock.
    pause = min(FIRST_PAUSE * 2 ** min(payout.attempts, 16), LONGEST_PAUSE)
    payout.next_attempt_at = clock.now() + pause / 2 * random.uniform(1, 2)  # noqa: S311 – no secret


def errand(session: Session, *, payout_id: UUID) -> Callable[[], BankPayout] | None:
    """What to ask the bank now, to be called once this session is closed; None if it is settled.

    Raises PayoutNotFound, ProviderUnknown, sealing.DecryptionFailed.
    """
    row = repository.get_payout(session, payout_id)
    if row is None:
        raise PayoutNotFound
    payout, account = row
    if not payout.is_open:
        return None
    provider = providers.find(payout.provider)
    if provider is None:
        raise ProviderUnknown(details={"provider": payout.provider})
    money = Money(payout.amount, payout.currency)
    if payout.status == PayoutStatus.SUBMITTED:
        return partial(client.retrieve_payout, provider, reference=payout.id, money=money)
    order = PayoutInstruction(
        reference=payout.id,
        money=money,
        holder=account.holder,
        number=accounts.number_of(account),
        routing=account.routing,
        description=payout.description,
    )
    return partial(client.create_payout, provider, order)


def flag(session: Session, *, payout_id: UUID, why: str) -> None:
    """Have somebody look at a payout; it goes on as it is. Raises PayoutNotFound."""
    payout = repository.get_payout_for_update(session, payout_id)
    if payout is None:
        raise PayoutNotFound
    _flag(session, payout, why)


def _flag(session: Session, payout: Payout, why: str) -> None:
    if payout.flagged_at is None:  # said once, not with every attempt
        payout.flagged_at = clock.now()
        events.record(session, [problem(PayoutFlagged, payout, reason=why)])


def progress(
    event_type: type[PayoutSubmitted | PayoutPaid], payout: Payout
) -> PayoutSubmitted | PayoutPaid:
    """The event that a payout was submitted or paid."""
    return event_type(
        aggregate_id=payout.id,
        user_id=payout.user_id,
        provider=payout.provider,
        amount=payout.amount,
        currency=payout.currency,
        bank_reference=payout.bank_reference,
    )


def problem(
    event_type: type[PayoutRefused | PayoutFlagged], payout: Payout, *, reason: str
) -> PayoutRefused | PayoutFlagged:
    """The event that a payout was refused or needs attention."""
    return event_type(
        aggregate_id=payout.id,
        user_id=payout.user_id,
        provider=payout.provider,
        amount=payout.amount,
        currency=payout.currency,
        bank_reference=payout.bank_reference,
        reason=reason,
    )
