"""The bank accounts that users have saved to be paid out to."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks import providers
from app.banks.errors import ProviderUnknown
from app.common import clock, encryption
from app.common.db import new_id
from app.payouts import repository
from app.payouts.errors import BankAccountNotFound, BankAccountTaken, TooManyBankAccounts
from app.payouts.models import BankAccount

MAX_ACCOUNTS: Final = 10


def save(
    session: Session,
    *,
    user_id: UUID,
    provider: str,
    holder: str,
    number: str,
    routing: str,
    label: str | None = None,
) -> BankAccount:
    """Remember an account of the user at a bank.

    Raises ProviderUnknown, BankAccountTaken, TooManyBankAccounts.
    """
    if providers.find(provider) is None:
        raise ProviderUnknown(details={"provider": provider})
    # One at a time for each user, or two would both be the tenth.
    repository.lock_accounts_of(session, user_id)
    same = encryption.fingerprints(
        f"{provider}/{routing}/{number}".encode(), context=f"bank-accounts/{user_id}"
    )
    if repository.get_account_like(session, user_id=user_id, fingerprints=same) is not None:
        raise BankAccountTaken
    if len(saved(session, user_id=user_id)) >= MAX_ACCOUNTS:
        raise TooManyBankAccounts(most=MAX_ACCOUNTS)
    account_id = new_id()
    account = BankAccount(
        id=account_id,
        user_id=user_id,
        provider=provider,
        holder=holder,
        routing=routing,
        label=label,
        number_sealed=encryption.encrypt(number.encode(), context=_context(account_id)),
        number_end=number[-4:],
        fingerprint=same[0],
        created_at=clock.now(),
        deleted_at=None,
    )
    repository.insert_account(session, account)
    return account


def saved(session: Session, *, user_id: UUID) -> Sequence[BankAccount]:
    """What the user has saved and not deleted, newest first."""
    return repository.accounts_of(session, user_id=user_id)


def require(session: Session, *, account_id: UUID, user_id: UUID) -> BankAccount:
    """An account of the user that is not deleted. Raises BankAccountNotFound."""
    account = repository.get_account(session, account_id)
    if account is None or account.user_id != user_id or account.deleted_at is not None:
        raise BankAccountNotFound
    return account


def delete(session: Session, *, account_id: UUID, user_id: UUID) -> None:
    """Forget an account; payouts that name it go on. Raises BankAccountNotFound."""
    account = require(session, account_id=account_id, user_id=user_id)
    account.deleted_at = clock.now()


def number_of(account: BankAccount) -> str:
    """The whole number, for the bank and nobody else. Raises sealing.DecryptionFailed."""
    return encryption.decrypt(account.number_sealed, context=_context(account.id)).decode()


def _context(account_id: UUID) -> str:
    return f"bank-account/{account_id}"
