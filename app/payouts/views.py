"""HTTP of saved bank accounts and payouts."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.guard import live_user, may_need_code, requires, two_factor_code
from app.auth.scopes import Scope
from app.auth.service import Caller
from app.banks.errors import ProviderUnknown
from app.common import queue
from app.common.db import after_commit, reading, transaction
from app.common.http import Blueprint, settings
from app.common.pagination import PageArgs
from app.common.ratelimit import per_caller
from app.idempotency.http import answer_once, moves_money
from app.payouts import accounts, service, tasks
from app.payouts.errors import (
    BankAccountNotFound,
    BankAccountTaken,
    PayoutNotFound,
    TooManyBankAccounts,
)
from app.payouts.models import BankAccount
from app.payouts.schemas import (
    BankAccountOut,
    CreateBankAccountIn,
    CreatePayoutIn,
    PayoutList,
    PayoutOut,
)
from app.wallets import service as wallets
from app.wallets.errors import (
    InsufficientFunds,
    InvalidWithdrawalAmount,
    LimitExceeded,
    WalletLocked,
    WalletNotFound,
)

blp = Blueprint("payouts", __name__, url_prefix="/wallet", description="Payouts to bank accounts")

_render = PayoutOut().dump


@blp.post("/bank-accounts")
@requires(blp)
@blp.arguments(CreateBankAccountIn)
@blp.response(201, BankAccountOut)
@blp.refuses(ProviderUnknown, BankAccountTaken, TooManyBankAccounts)
@per_caller("60/hour")
def create_bank_account(body: dict[str, Any]) -> BankAccount:
    """Save a bank account

    Payouts can then be made to it. The number is stored encrypted; only its last characters are
    ever shown.
    """
    with transaction() as session:
        return accounts.save(session, user_id=live_user(session).id, **body)


@blp.get("/bank-accounts")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, BankAccountOut(many=True))
def list_bank_accounts() -> Sequence[BankAccount]:
    """List bank accounts

    Returns the saved bank accounts, newest first. A user can have at most 10.
    """
    with reading() as session:
        return accounts.saved(session, user_id=live_user(session).id)


@blp.delete("/bank-accounts/<uuid:bank_account_id>")
@requires(blp)
@blp.response(204)
@blp.refuses(BankAccountNotFound)
def delete_bank_account(bank_account_id: UUID) -> None:
    """Delete a bank account

    Payouts to it that are already in progress continue.
    """
    with transaction() as session:
        accounts.delete(session, account_id=bank_account_id, user_id=live_user(session).id)


@blp.post("/payouts")
@requires(blp, scope=Scope.PAYOUTS_WRITE)
@blp.arguments(CreatePayoutIn)
@blp.response(201, PayoutOut)
@blp.refuses(
    InvalidWithdrawalAmount,
    ProviderUnknown,
    BankAccountNotFound,
    InsufficientFunds,
    LimitExceeded,
    WalletLocked,
    WalletNotFound,
)
@may_need_code(blp)
@moves_money(blp)
def create_payout(body: dict[str, Any]) -> Response:
    """Create a payout

    Holds the amount and asks the bank to pay it to a saved bank account. The status changes from
    PENDING to SUBMITTED, and then to PAID, which debits the wallet, or to REFUSED, which releases
    the amount. Large amounts require a two-factor code.
    """
    code = two_factor_code()

    def work(session: Session, user: Caller, key: str | None) -> service.Receipt:
        receipt = service.request(
            session,
            user=user,
            currency=settings().default_currency,
            minimum=settings().minimum_withdrawal,
            code_above=settings().two_factor_above,
            code=code,
            idempotency_key=key,
            **body,
        )
        after_commit(session, partial(queue.enqueue_call, tasks.advance, receipt.payout.id))
        return receipt

    return answer_once(
        work,
        render=_render,
        status=201,
        stand_in_line=partial(wallets.stand_in_line, alone=False),
    )


@blp.get("/payouts")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, PayoutList)
def list_payouts(args: dict[str, Any]) -> Any:
    """List payouts

    Newest first. Each payout includes its bank account, even if that has been deleted.
    """
    with reading() as session:
        return service.requested_by(session, user_id=live_user(session).id, **args)


@blp.get("/payouts/<uuid:payout_id>")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, PayoutOut)
@blp.refuses(PayoutNotFound)
def get_payout(payout_id: UUID) -> Any:
    """Get a payout

    Returns its status, the bank's reference and, if it was refused, the reason.
    """
    with reading() as session:
        return service.find(session, payout_id=payout_id, user_id=live_user(session).id)
