"""HTTP of wallets."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from app.auth.errors import UserNotFound
from app.auth.guard import identity, live_user, may_need_code, requires, two_factor_code
from app.auth.models import Role
from app.auth.schemas import ReasonIn
from app.common.db import reading, transaction
from app.common.http import Blueprint, dump_json, json_response, settings
from app.common.pagination import page_request
from app.idempotency.http import answer_once, moves_money
from app.wallets import limits, service
from app.wallets.errors import (
    DirectDepositsOff,
    InsufficientFunds,
    InvalidDepositAmount,
    InvalidWithdrawalAmount,
    LimitExceeded,
    WalletLocked,
    WalletNotFound,
)
from app.wallets.ledger import Account
from app.wallets.models import Wallet
from app.wallets.schemas import (
    DepositIn,
    HistoryArgs,
    LimitIn,
    LimitOut,
    MovementOut,
    TransactionPage,
    WalletOut,
    WithdrawIn,
    movement_out,
    transaction_out,
    wallet_out,
)

blp = Blueprint("wallet", __name__, url_prefix="/wallet", description="Money of the caller")
admin_blp = Blueprint(
    "wallets-admin", __name__, url_prefix="/admin", description="Operators: wallets and limits"
)


@blp.get("")
@requires(blp)
@blp.response(200, WalletOut)
@blp.refuses(WalletNotFound)
def show() -> Response:
    """My balance

    `available` is `balance` less what is `held`.
    """
    return json_response(dump_json(wallet_out(_mine())))


def _mine() -> Account:
    caller = identity()
    return service.of_caller(
        user_id=caller.user_id,
        session_id=caller.session_id,
        currency=settings().default_currency,
    )


@blp.post("/deposit")
@requires(blp)
@blp.arguments(DepositIn)
@blp.response(200, MovementOut)
@blp.refuses(InvalidDepositAmount, LimitExceeded, WalletLocked, DirectDepositsOff, WalletNotFound)
@moves_money(blp)
def deposit(body: dict[str, Any]) -> Response:
    """Put money in

    Credits at once, against the BANK account. This is the sandbox's way in and is off in
    production, where money comes in through the bank.
    """
    if not settings().direct_deposits_allowed:
        raise DirectDepositsOff
    return answer_once(
        lambda session, user, key: service.deposit(
            session,
            user=user,
            currency=settings().default_currency,
            maximum=settings().maximum_deposit,
            idempotency_key=key,
            **body,
        ),
        render=movement_out,
        status=200,
        stand_in_line=partial(service.stand_in_line, alone=False),
    )


@blp.post("/withdraw")
@requires(blp)
@blp.arguments(WithdrawIn)
@blp.response(200, MovementOut)
@blp.refuses(
    InvalidWithdrawalAmount, InsufficientFunds, LimitExceeded, WalletLocked, WalletNotFound
)
@may_need_code(blp)
@moves_money(blp)
def withdraw(body: dict[str, Any]) -> Response:
    """Take money out

    Debits at once, to the BANK account, and never more than is `available`. A large amount needs
    a code of the second factor; below that, nobody is asked for one.
    """
    code = two_factor_code()
    return answer_once(
        lambda session, user, key: service.withdraw(
            session,
            user=user,
            currency=settings().default_currency,
            minimum=settings().minimum_withdrawal,
            code_above=settings().two_factor_above,
            code=code,
            idempotency_key=key,
            **body,
        ),
        render=movement_out,
        status=200,
        stand_in_line=partial(service.stand_in_line, alone=False),
    )


@blp.get("/transactions")
@requires(blp)
@blp.arguments(HistoryArgs, location="query")
@blp.response(200, TransactionPage)
@blp.refuses(WalletNotFound)
def transactions(args: dict[str, Any]) -> Response:
    """My history, newest first

    `amount` is positive; `type` says in which direction it moved. Rows never change.
    """
    page = page_request(args, key=(int,))
    wallet = _mine()
    with reading() as session:
        found = service.history(session, page, wallet=wallet, **args)
    rows = [transaction_out(row) for row in found.data]
    return json_response(dump_json({"data": rows, "meta": found.meta}))


@admin_blp.post("/wallets/<uuid:wallet_id>/lock")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@admin_blp.response(200, WalletOut)
@admin_blp.refuses(WalletNotFound)
def lock(body: dict[str, Any], wallet_id: UUID) -> Wallet:
    """Lock a wallet

    It neither pays nor receives until it is unlocked.
    """
    with transaction() as session:
        actor = live_user(session)
        return service.set_locked(
            session, actor_id=actor.id, wallet_id=wallet_id, locked=True, **body
        )


@admin_blp.post("/wallets/<uuid:wallet_id>/unlock")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@admin_blp.response(200, WalletOut)
@admin_blp.refuses(WalletNotFound)
def unlock(body: dict[str, Any], wallet_id: UUID) -> Wallet:
    """Unlock a wallet

    It pays and receives again.
    """
    with transaction() as session:
        actor = live_user(session)
        return service.set_locked(
            session, actor_id=actor.id, wallet_id=wallet_id, locked=False, **body
        )


@admin_blp.put("/users/<uuid:user_id>/limits")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(LimitIn)
@admin_blp.response(200, LimitOut)
@admin_blp.refuses(UserNotFound)
def set_limit(body: dict[str, Any], user_id: UUID) -> dict[str, Any]:
    """Give one user a limit of their own

    It replaces the limit of their role for that type and window.
    """
    currency = settings().default_currency
    with transaction() as session:
        actor = live_user(session)
        money = limits.set_for_user(
            session, actor_id=actor.id, user_id=user_id, currency=currency, **body
        )
    return {
        "type": body["kind"],
        "window": body["window"],
        "amount": str(money),
        "currency": currency,
    }
