"""On-ramps: asking a bank for money, and looking at what was asked for.

How they end is in settlement.
"""

import secrets
from decimal import Decimal
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.service import Caller
from app.banks import providers
from app.banks.errors import ProviderUnknown
from app.common import clock
from app.common.db import after_commit, new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.onramp import links, repository
from app.onramp.errors import InvalidOnrampAmount, OnrampNotFound
from app.onramp.models import Onramp, OnrampStatus
from app.wallets import limits
from app.wallets import service as wallets
from app.wallets.errors import WalletNotFound
from app.wallets.models import TransactionType

_TOKEN_BYTES: Final = 32


def ask(
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
    """Ask a bank for money, which it has five minutes to get from the user.

    amount, maximum: units of `currency`. What is asked for counts towards the user's limits until
    it ends, because a bank's credit is not refused for a limit any more.
    Raises ProviderUnknown, InvalidOnrampAmount, LimitExceeded, WalletLocked, WalletNotFound.
    """
    money = Money.of(amount, currency)
    if amount > maximum:
        raise InvalidOnrampAmount(maximum=Money.of(maximum, currency))
    if providers.find(provider) is None:
        raise ProviderUnknown(details={"provider": provider})
    account = wallets.lock_accounts(session, user_ids=[user.id], currency=currency).get(user.id)
    if account is None:
        raise WalletNotFound
    account.require_can_receive(money.minor)
    limits.require_within(session, account, user=user, kind=TransactionType.ONRAMP, money=money)
    now = clock.now()
    onramp = Onramp(
        id=new_id(),
        user_id=user.id,
        provider=provider,
        token=secrets.token_urlsafe(_TOKEN_BYTES),
        amount=money.minor,
        currency=currency,
        payer=_name(auth.require_user(session, user.id)),
        description=description,
        return_url=return_url,
        idempotency_key=idempotency_key,
        status=OnrampStatus.PROCESSING.value,
        late=False,
        expires_at=now + links.VALID_FOR,
        created_at=now,
        updated_at=now,
    )
    repository.insert_onramp(session, onramp)
    after_commit(session, partial(links.keep, onramp))
    return onramp


def _name(user: User) -> str:
    """How the bank shows the payer: by name, else by as much of the address as tells little."""
    if name := " ".join(part for part in (user.first_name, user.last_name) if part):
        return name
    if user.email is None:
        return f"…{(user.phone or '')[-4:]}"
    return f"{user.email[0]}…@{user.email.rpartition('@')[2]}"


def under_way(session: Session, wallet_id: UUID) -> int:
    """Minor units that were asked for and may still come, for the limits."""
    return repository.under_way(session, wallet_id=wallet_id)


def asked_by(
    session: Session, page: PageRequest, *, user_id: UUID, status: str | None = None
) -> Page[Onramp]:
    """The user's on-ramps, newest first."""
    return repository.list_onramps(session, page, user_id=user_id, status=status)


def find(session: Session, *, onramp_id: UUID, user_id: UUID) -> Onramp:
    """An on-ramp, for who asked for it. Raises OnrampNotFound for everybody else."""
    onramp = repository.get_of_user(session, onramp_id=onramp_id, user_id=user_id)
    if onramp is None:
        raise OnrampNotFound
    return onramp
