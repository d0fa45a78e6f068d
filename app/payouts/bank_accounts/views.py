"""HTTP of saved bank accounts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.auth.errors import CodeRequired, InvalidCredentials, TwoFactorCodeWrong
from app.auth.guard import (
    confirms_password,
    current_user,
    limits_optional_code_attempts,
    limits_password_attempts,
    requires,
)
from app.auth.scopes import Scope
from app.auth.two_factor import service as two_factor
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
@per_caller("60/hour")
@limits_optional_code_attempts
@limits_password_attempts
@confirms_password
@idempotent(blp, has_secret=True)
@blp.response(201, BankAccountOut)
@blp.errors(
    ProviderUnknown,
    BankAccountTaken,
    TooManyBankAccounts,
    InvalidCredentials,
    CodeRequired,
    TwoFactorCodeWrong,
)
def create_bank_account(body: dict[str, Any]) -> BankAccount:
    """Save a bank account

    Payouts can then be made to it. Requires the password, and a code if two-factor authentication
    is enabled. The number is stored encrypted; only its last characters are ever shown.
    """
    code = body.pop("code", None)
    with transaction() as session:
        user_id = current_user(session).id
        saved = service.create_bank_account(session, user_id=user_id, **body)
        two_factor.require_code_if_enabled(session, user_id=user_id, code=code)
        return saved


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
