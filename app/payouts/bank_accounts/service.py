"""The bank accounts that users save for payouts."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks import providers
from app.common import clock, encryption
from app.common.ids import new_id
from app.payouts.bank_accounts import repository
from app.payouts.bank_accounts.errors import (
    BankAccountNotFound,
    BankAccountTaken,
    TooManyBankAccounts,
)
from app.payouts.bank_accounts.models import BankAccount

MAX_BANK_ACCOUNTS: Final = 10


def create_bank_account(
    session: Session,
    *,
    user_id: UUID,
    provider: str,
    holder: str,
    number: str,
    routing: str,
    label: str | None = None,
) -> BankAccount:
    """Save a bank account of the user.

    Raises ProviderUnknown, BankAccountTaken, TooManyBankAccounts.
    """
    providers.require(provider)
    # Concurrent requests together must not exceed the maximum.
    repository.lock_bank_accounts(session, user_id)
    fingerprints = encryption.fingerprints(
        f"{provider}/{routing}/{number}".encode(), context=f"bank-accounts/{user_id}"
    )
    if repository.get_by_fingerprint(session, user_id=user_id, fingerprints=fingerprints):
        raise BankAccountTaken
    if len(list_bank_accounts(session, user_id=user_id)) >= MAX_BANK_ACCOUNTS:
        raise TooManyBankAccounts(maximum=MAX_BANK_ACCOUNTS)
    bank_account_id = new_id()
    bank_account = BankAccount(
        id=bank_account_id,
        user_id=user_id,
        provider=provider,
        holder=holder,
        routing=routing,
        label=label,
        encrypted_number=encryption.encrypt(number.encode(), context=_context(bank_account_id)),
        number_end=number[-4:],
        fingerprint=fingerprints[0],
        created_at=clock.now(),
        deleted_at=None,
    )
    repository.insert_bank_account(session, bank_account)
    return bank_account


def list_bank_accounts(session: Session, *, user_id: UUID) -> Sequence[BankAccount]:
    """The user's bank accounts without deleted ones, newest first."""
    return repository.list_bank_accounts(session, user_id=user_id)


def require_bank_account(session: Session, *, bank_account_id: UUID, user_id: UUID) -> BankAccount:
    """A bank account of the user that has not been deleted. Raises BankAccountNotFound."""
    bank_account = repository.get_bank_account(session, bank_account_id)
    if (
        bank_account is None
        or bank_account.user_id != user_id
        or bank_account.deleted_at is not None
    ):
        raise BankAccountNotFound
    return bank_account


def delete_bank_account(session: Session, *, bank_account_id: UUID, user_id: UUID) -> None:
    """Delete a bank account. Its payouts in progress continue. Raises BankAccountNotFound."""
    bank_account = require_bank_account(session, bank_account_id=bank_account_id, user_id=user_id)
    bank_account.deleted_at = clock.now()


def decrypt_number(bank_account: BankAccount) -> str:
    """The full number, only ever for the bank. Raises encryption.DecryptionFailed."""
    return encryption.decrypt(
        bank_account.encrypted_number, context=_context(bank_account.id)
    ).decode()


def _context(bank_account_id: UUID) -> str:
    return f"bank-account/{bank_account_id}"
