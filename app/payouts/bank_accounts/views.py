"""HTTP of saved bank accounts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.auth.guard import current_user, requires
from app.auth.scopes import Scope
from app.banks.errors import ProviderUnknown
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.common.ratelimit import per_caller
from app.payouts.bank_accounts import service
from app.payouts.bank_accounts.errors import (
    BankAccountNotFound,
    BankAccountTaken,
    TooManyBankAccounts,
)
from app.payouts.bank_accounts.models import BankAccount
from app.payouts.bank_accounts.schemas import BankAccountOut, CreateBankAccountIn

blp = Blueprint(
    "bank-accounts",
    __name__,
    url_prefix="/wallet/bank-accounts",
    description="Bank accounts for payouts",
)


@blp.post("")
@requires(blp)
@blp.arguments(CreateBankAccountIn)
@blp.response(201, BankAccountOut)
@blp.errors(ProviderUnknown, BankAccountTaken, TooManyBankAccounts)
@per_caller("60/hour")
def create_bank_account(body: dict[str, Any]) -> BankAccount:
    """Save a bank account

    Payouts can then be made to it. The number is stored encrypted; only its last characters are
    ever shown.
    """
    with transaction() as session:
        return service.create_bank_account(session, user_id=current_user(session).id, **body)


@blp.get("")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, BankAccountOut(many=True))
def list_bank_accounts() -> Sequence[BankAccount]:
    """List bank accounts

    Returns the saved bank accounts, newest first. A user can have at most 10.
    """
    with reading() as session:
        return service.list_bank_accounts(session, user_id=current_user(session).id)


@blp.delete("/<uuid:bank_account_id>")
@requires(blp)
@idempotent(blp)
@blp.response(204)
@blp.errors(BankAccountNotFound)
def delete_bank_account(bank_account_id: UUID) -> None:
    """Delete a bank account

    Payouts to it that are already in progress continue.
    """
    with transaction() as session:
        service.delete_bank_account(
            session, bank_account_id=bank_account_id, user_id=current_user(session).id
        )
