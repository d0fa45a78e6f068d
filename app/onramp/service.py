"""On-ramps: deposits that users request from a bank.

PROCESSING → SUCCESS, FAILURE or EXPIRED; EXPIRED → SUCCESS, late. Whatever the bank sends, the
amount and the user are those of our own row.
"""

import secrets
from collections.abc import Callable, Collection
from decimal import Decimal
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.service import Caller
from app.banks import providers
from app.common import clock
from app.common.db import after_commit
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.events.catalogue.banks import OnrampFailed, OnrampSucceeded
from app.inbox.models import InboundEvent
from app.onramp import links, repository
from app.onramp.errors import InvalidOnrampAmount, OnrampNotFound
from app.onramp.models import Onramp, OnrampStatus
from app.wallets import ledger, usage
from app.wallets import service as wallets
from app.wallets.ledger import Entry, Posting
from app.wallets.models import SystemCode, TransactionType

_TOKEN_BYTES: Final = 32


def create_onramp(
    session: Session,
    *,
    user: Caller,
    provider: str,
    amount: Decimal,
    currency: str,
    maximum: Decimal,
    description: str | None = None,
    return_url: str | None = None,
    idempotency_key: str | None = None,
) -> Onramp:
    """Request a deposit from a bank, which the user has five minutes to pay there.

    amount, maximum: units of `currency`. The amount counts towards the user's limits from now on,
    because a payment that the bank has received is credited without a check of limits.
    Raises ProviderUnknown, InvalidOnrampAmount, LimitExceeded, WalletLocked, WalletNotFound.
    """
    money = Money.of(amount, currency)
    if amount > maximum:
        raise InvalidOnrampAmount(maximum=Money.of(maximum, currency))
    providers.require(provider)
    account = wallets.require_account(session, user_id=user.id, currency=currency)
    account.require_can_receive(money.minor)
    usage.require_within(session, account, kind=TransactionType.ONRAMP, money=money)
    now = clock.now()
    onramp = Onramp(
        id=new_id(),
        user_id=user.id,
        provider=provider,
        token=secrets.token_urlsafe(_TOKEN_BYTES),
        amount=money.minor,
        currency=currency,
        payer=_payer_name(auth.require_user(session, user.id)),
        description=description,
        return_url=return_url,
        idempotency_key=idempotency_key,
        status=OnrampStatus.PROCESSING.value,
        late=False,
        expires_at=now + links.TTL,
        created_at=now,
        updated_at=now,
    )
    repository.insert_onramp(session, onramp)
    after_commit(session, partial(links.cache_link, onramp))
    return onramp


def _payer_name(user: User) -> str:
    """The payer's name for the bank's page, or a masked email address or phone number."""
    if name := " ".join(part for part in (user.first_name, user.last_name) if part):
        return name
    if user.email is None:
        return f"…{(user.phone or '')[-4:]}"
    return f"{user.email[0]}…@{user.email.rpartition('@')[2]}"


def query_pending(
    session: Session, user_ids: Collection[UUID], currency: str
) -> Callable[[], dict[UUID, int]]:
    """Send the query of pending on-ramps, which count towards the limits; call the result to read
    their sums by user, in minor units."""
    rows = repository.sum_processing(session, user_ids=user_ids, currency=currency)
    return lambda: {row.user_id: int(row.amount) for row in rows}


def list_onramps(
    session: Session, page: PageRequest, *, user_id: UUID, status: str | None = None
) -> Page[Onramp]:
    """The user's on-ramps, newest first."""
    return repository.list_onramps(session, page, user_id=user_id, status=status)


def require_onramp(session: Session, *, onramp_id: UUID, user_id: UUID) -> Onramp:
    """An on-ramp of the user. Raises OnrampNotFound."""
    onramp = repository.get_onramp(session, onramp_id=onramp_id, user_id=user_id)
    if onramp is None:
        raise OnrampNotFound
    return onramp


def complete_onramp(session: Session, onramp: Onramp, event: InboundEvent) -> None:
    """Credit the requested amount to the user. onramp: locked, and not ended by the bank before.

    Raises WalletNotFound, WalletLocked, BalanceTooLarge.
    """
    onramp.late = onramp.status == OnrampStatus.EXPIRED or event.received_at > onramp.expires_at
    credit = _credit(session, onramp, event)
    _close(onramp, OnrampStatus.SUCCESS, event)
    events.record(session, [OnrampSucceeded.of(onramp), *wallets.balance_events(credit)])


def _credit(session: Session, onramp: Onramp, event: InboundEvent) -> ledger.AppliedEntry:
    """Post the credit. No limit is checked: the bank has received the payment."""
    account = wallets.require_account(session, user_id=onramp.user_id, currency=onramp.currency)
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
    return ledger.post(session, entry)


def fail_onramp(session: Session, onramp: Onramp, event: InboundEvent) -> None:
    """Close an on-ramp whose payment has failed. onramp: locked and PROCESSING."""
    onramp.failure_reason = event.reason
    _close(onramp, OnrampStatus.FAILURE, event)
    events.record(session, [OnrampFailed.of(onramp, reason=event.reason)])


def expire_onramps(session: Session, *, limit: int) -> int:
    """Close expired on-ramps without an event of the bank. Returns their number."""
    overdue = repository.lock_overdue(session, now=clock.now(), limit=limit)
    for onramp in overdue:
        _close(onramp, OnrampStatus.EXPIRED)
    events.record(session, [OnrampFailed.of(onramp, reason=None) for onramp in overdue])
    return len(overdue)


def _close(onramp: Onramp, status: OnrampStatus, event: InboundEvent | None = None) -> None:
    now = clock.now()
    if status is OnrampStatus.EXPIRED:
        now = max(now, onramp.expires_at)  # the clock may have been set back since it was found
    onramp.status, onramp.closed_at, onramp.updated_at = status.value, now, now
    if event is not None:
        onramp.settled_by, onramp.bank_reference = event.id, event.provider_reference
