"""HTTP of wallets."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.errors import OwnAccount, UserNotFound
from app.auth.guard import (
    confirm_admin_code,
    current_admin,
    current_user,
    identity,
    may_require_code,
    requires,
    requires_admin_code,
    second_factor,
)
from app.auth.models import Role, User
from app.auth.schemas import ReasonIn
from app.auth.scopes import Scope
from app.common import csv_export
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.csv_http import answers_csv, csv_download
from app.common.db import reading, transaction
from app.common.errors import BadRequest
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import idempotent, takes_idempotency_key
from app.common.json_format import dump_json
from app.common.money import Money
from app.common.openapi import path_parameter
from app.common.ratelimit import per_caller
from app.common.replica import may_lag
from app.ledger_lock.service import ledger_transaction
from app.risk.http import may_need_review
from app.wallets import limits, service
from app.wallets.deposits import Deposit, Withdrawal
from app.wallets.errors import (
    PAYMENT_ERRORS,
    DirectDepositsOff,
    InvalidDepositAmount,
    InvalidWithdrawalAmount,
    LimitExceeded,
    LimitNotFound,
    RoleNotFound,
    TransactionNotFound,
    WalletLocked,
    WalletNotFound,
)
from app.wallets.ledger import Account
from app.wallets.models import Wallet
from app.wallets.movements.http import respond_with
from app.wallets.schemas import (
    AT_ARGS,
    AT_PARAMETER,
    CreateDepositIn,
    CreateWithdrawalIn,
    EffectiveLimitOut,
    ExportTransactionsArgs,
    HistoryArgs,
    LimitArgs,
    LimitOut,
    SetLimitIn,
    TransactionList,
    TransactionOut,
    WalletMovementOut,
    WalletOut,
    WalletSnapshotOut,
    movement_out,
    past_wallet_out,
    transaction_out,
    wallet_out,
)
from app.wallets.usage import Limit, list_effective

T = TypeVar("T")

#: Transactions read per query.
_CHUNK: Final = 5000
#: Limits long exports, each of which occupies a thread of this process.
_exports: Final = ConcurrencyLimiter(2)

blp = Blueprint("wallet", __name__, url_prefix="/wallet", description="The caller's wallet")
admin_blp = Blueprint(
    "admin-wallets", __name__, url_prefix="/admin", description="Wallet and limit administration"
)


@blp.get("")
@requires(blp, scope=Scope.WALLET_READ)
@blp.doc(parameters=[AT_PARAMETER])
@blp.response(200, WalletSnapshotOut)
@blp.errors(WalletNotFound, BadRequest)
def get_wallet() -> Response:
    """Get the wallet

    `available` is `balance` minus `held`. With `at`, `balance` and `updatedAt` are those of that
    time, accurate to the millisecond; `available` and `held` are null, because they have no
    history. Before the wallet was created, the balance is 0.
    """
    wallet = _wallet_of_caller()
    # Hot path: the query string is parsed only if there is one.
    at = _requested_time() if request.query_string else None
    if at is None:
        return json_response(dump_json(wallet_out(wallet)))
    with reading() as session:
        then = service.as_of(session, wallet, time=at)
    return json_response(dump_json(past_wallet_out(then, at=at)))


def _requested_time() -> datetime | None:
    args = blp.ARGUMENTS_PARSER.parse(AT_ARGS, location="query")
    at: datetime | None = args.get("at")
    return at


def _wallet_of_caller() -> Account:
    caller = identity()
    return service.require_wallet_of_caller(
        user_id=caller.user_id,
        session_id=caller.session_id,
        currency=settings().default_currency,
    )


@blp.post("/deposit")
@requires(blp, scope=Scope.WALLET_WRITE)
@blp.arguments(CreateDepositIn)
@blp.response(200, WalletMovementOut)
@blp.errors(InvalidDepositAmount, LimitExceeded, WalletLocked, DirectDepositsOff, WalletNotFound)
@takes_idempotency_key(blp)
def create_deposit(body: dict[str, Any]) -> Response:
    """Deposit money

    Credits the wallet immediately, against the platform account BANK. For sandbox use: disabled in
    production, where on-ramps bring money in from a bank.
    """
    if not settings().direct_deposits_allowed:
        raise DirectDepositsOff
    deposit = Deposit(
        currency=settings().default_currency, maximum=settings().maximum_deposit, **body
    )
    return respond_with(deposit, render=movement_out, status=200)


@blp.post("/withdraw")
@requires(blp, scope=Scope.PAYOUTS_WRITE)
@blp.arguments(CreateWithdrawalIn)
@blp.response(200, WalletMovementOut)
@blp.errors(InvalidWithdrawalAmount, *PAYMENT_ERRORS)
@may_need_review(blp)
@may_require_code(blp)
@takes_idempotency_key(blp)
def create_withdrawal(body: dict[str, Any]) -> Response:
    """Withdraw money

    Debits the wallet immediately, to the platform account BANK. At most `available` can be
    withdrawn. Large sums require a two-factor code.
    """
    withdrawal = Withdrawal(
        currency=settings().default_currency,
        minimum=settings().minimum_withdrawal,
        second_factor=second_factor(),
        **body,
    )
    return respond_with(withdrawal, render=movement_out, status=200)


@blp.get("/transactions")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(HistoryArgs, location="query")
@blp.response(200, TransactionList)
@blp.errors(WalletNotFound)
@may_lag
def list_transactions(args: dict[str, Any]) -> Response:
    """List transactions

    Newest first. `amount` is always positive; `type` determines the direction. Transactions never
    change.
    """
    wallet = _wallet_of_caller()
    with reading() as session:
        within = args.pop("requested").within(current_user(session).time_zone)
        found = service.list_transactions(session, wallet=wallet, within=within, **args)
    return json_response(dump_json(found.serialized(lambda line: transaction_out(*line))))


@blp.get("/transactions/export")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(ExportTransactionsArgs, location="query")
@blp.response(200, description="One row per transaction")
@answers_csv(blp, example=",".join(service.EXPORTED_TRANSACTIONS) + "\r\n")
@blp.errors(WalletNotFound)
@per_caller("20/minute")
def export_transactions(args: dict[str, Any]) -> Response:
    """Export transactions as CSV

    Returns all transactions of the list, newest first; amounts that leave the wallet are negative.
    Times are in UTC. A statement also has the opening and closing balance of its period, but always
    contains transactions of all types. If the export fails midway, its last line says so.
    """
    wallet = _wallet_of_caller()
    bom = args.pop("bom")
    with reading() as session:
        caller = current_user(session)
    read = partial(
        service.export_transactions,
        wallet=wallet,
        within=args.pop("requested").within(caller.time_zone),
        **args,
    )
    parts = csv_export.export(service.EXPORTED_TRANSACTIONS, read, size=_CHUNK, reading=reading)
    return csv_download(
        parts, filename="transactions.csv", limiter=_exports, caller_id=caller.id, bom=bom
    )


@blp.get("/transactions/<uuid:transaction_id>")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, TransactionOut)
@blp.errors(TransactionNotFound, WalletNotFound)
def get_transaction(transaction_id: UUID) -> Response:
    """Get a transaction

    `referenceType` and `referenceId` say what has moved the money: an order, refund, transfer,
    on-ramp, payout or hold; null for deposits and withdrawals.
    """
    wallet = _wallet_of_caller()
    with reading() as session:
        found = service.require_transaction(session, wallet=wallet, transaction_id=transaction_id)
    return json_response(dump_json(transaction_out(*found)))


@blp.get("/limits")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, EffectiveLimitOut(many=True))
@blp.errors(WalletNotFound)
def list_limits() -> list[Limit]:
    """List remaining limits

    Returns every limit that applies: per transaction or per rolling window, for one type of
    movement or for all incoming (`INCOMING`) or outgoing (`OUTGOING`) movements. `PAYMENT` covers
    purchases and holds for merchants. Held amounts count as used. Sales are not limited. The
    windows end now, and are the same in every time zone: 24 hours and 30 times 24 hours.
    """
    with reading() as session:
        return _limits(session, current_user(session))


def _limits(session: Session, user: User) -> list[Limit]:
    account = service.require_wallet(session, user_id=user.id, currency=settings().default_currency)
    return list_effective(session, account)


@admin_blp.post("/wallets/<uuid:wallet_id>/lock")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(200, WalletOut)
@admin_blp.errors(WalletNotFound, OwnAccount)
def lock_wallet(body: dict[str, Any], wallet_id: UUID) -> Wallet:
    """Lock a wallet

    A locked wallet can neither send nor receive money. Requires no two-factor code, because it
    must be quick and can be undone.
    """
    with transaction() as session:
        actor = current_admin(session)
        return service.set_locked(
            session, actor_id=actor.id, wallet_id=wallet_id, locked=True, **body
        )


@admin_blp.post("/wallets/<uuid:wallet_id>/unlock")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(200, WalletOut)
@admin_blp.errors(WalletNotFound, OwnAccount)
@requires_admin_code(admin_blp)
def unlock_wallet(body: dict[str, Any], wallet_id: UUID) -> Wallet:
    """Unlock a wallet

    The wallet can send and receive money again.
    """
    with transaction() as session:
        actor = current_admin(session)
        wallet = service.set_locked(
            session, actor_id=actor.id, wallet_id=wallet_id, locked=False, **body
        )
        confirm_admin_code(session)
        return wallet


@admin_blp.get("/users/<uuid:user_id>/limits")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, EffectiveLimitOut(many=True))
@admin_blp.errors(UserNotFound, WalletNotFound)
def list_user_limits(user_id: UUID) -> list[Limit]:
    """List a user's remaining limits

    Returns the same limits that the user sees at `/wallet/limits`.
    """
    with reading() as session:
        current_admin(session)
        return _limits(session, auth.require_user(session, user_id))


@admin_blp.put("/users/<uuid:user_id>/limits")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(SetLimitIn)
@idempotent(admin_blp)
@admin_blp.response(200, LimitOut)
@admin_blp.errors(UserNotFound, OwnAccount)
@requires_admin_code(admin_blp)
def set_user_limit(body: dict[str, Any], user_id: UUID) -> dict[str, str]:
    """Set a user's limit

    Overrides the limit of the user's role for that type and window.
    """
    return _limit_out(body, _change_limit(limits.set_for_user, user_id=user_id, **body))


@admin_blp.delete("/users/<uuid:user_id>/limits")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(LimitArgs, location="query")
@idempotent(admin_blp)
@admin_blp.response(204)
@admin_blp.errors(UserNotFound, OwnAccount, LimitNotFound)
@requires_admin_code(admin_blp)
def delete_user_limit(args: dict[str, Any], user_id: UUID) -> None:
    """Delete a user's limit

    The limit of the user's role applies again for that type and window.
    """
    _change_limit(limits.delete_for_user, user_id=user_id, **args)


@admin_blp.put(
    "/roles/<role>/limits",
    parameters=[path_parameter("role", "Role of the users that the limit applies to")],
)
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(SetLimitIn)
@idempotent(admin_blp)
@admin_blp.response(200, LimitOut)
@admin_blp.errors(RoleNotFound, OwnAccount)
@requires_admin_code(admin_blp)
def set_role_limit(body: dict[str, Any], role: str) -> dict[str, str]:
    """Set a role's limit

    Applies to all users of the role without a limit of their own for that type and window. Limits
    of administrators can only be set for one user, by another administrator.
    """
    return _limit_out(body, _change_limit(limits.set_for_role, role=role, **body))


def _change_limit(change: Callable[..., T], **values: Any) -> T:
    """Call one of `limits` on behalf of the caller."""

    def work(session: Session) -> T:
        changed = change(
            session,
            actor_id=current_admin(session).id,
            currency=settings().default_currency,
            **values,
        )
        confirm_admin_code(session)
        return changed

    return ledger_transaction(work)


def _limit_out(body: dict[str, Any], money: Money) -> dict[str, str]:
    return {
        "type": body["kind"],
        "window": body["window"],
        "amount": str(money),
        "currency": money.currency,
    }
