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

blp = Blueprint("payouts", __name__, url_prefix="/wallet", description="Money to a bank account")

_render = PayoutOut().dump


@blp.post("/bank-accounts")
@requires(blp)
@blp.arguments(CreateBankAccountIn)
@blp.response(201, BankAccountOut)
@blp.refuses(ProviderUnknown, BankAccountTaken, TooManyBankAccounts)
@per_caller("60/hour")
def create_bank_account(body: dict[str, Any]) -> BankAccount:
    """Save a bank account

    To be paid out to. The number is kept encrypted, and only its end is ever shown.
    """
    with transaction() as session:
        return accounts.save(session, user_id=live_user(session).id, **body)


@blp.get("/bank-accounts")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, BankAccountOut(many=True))
def list_bank_accounts() -> Sequence[BankAccount]:
    """My bank accounts, newest first

    Those that I have saved and not deleted, at most 10.
    """
    with reading() as session:
        return accounts.saved(session, user_id=live_user(session).id)


@blp.delete("/bank-accounts/<uuid:bank_account_id>")
@requires(blp)
@blp.response(204)
@blp.refuses(BankAccountNotFound)
def delete_bank_account(bank_account_id: UUID) -> None:
    """Delete a bank account

    Payouts to it that are under way go on.
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
    """Pay out to a bank account

    Holds the amount and has the bank pay: PENDING, then SUBMITTED, then PAID, which takes it from
    the wallet for good, or REFUSED, which gives it back. A large amount needs a code of the
    second factor.
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
    """My payouts, newest first

    Each with the bank account it goes to, also when that is deleted by now.
    """
    with reading() as session:
        return service.requested_by(session, user_id=live_user(session).id, **args)


@blp.get("/payouts/<uuid:payout_id>")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, PayoutOut)
@blp.refuses(PayoutNotFound)
def get_payout(payout_id: UUID) -> Any:
    """One payout

    Its status, what the bank calls it and, if it was refused, why.
    """
    with reading() as session:
        return service.find(session, payout_id=payout_id, user_id=live_user(session).id)
