"""HTTP of payouts."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.guard import current_user, identity, may_require_code, requires, second_factor
from app.auth.scopes import Scope
from app.auth.service import Caller
from app.banks.errors import ProviderUnknown
from app.common import queue
from app.common.db import after_commit, reading
from app.common.http import Blueprint, settings
from app.common.idempotent import takes_idempotency_key
from app.common.pagination import PageArgs
from app.common.replica import may_lag
from app.payouts import service, tasks
from app.payouts.bank_accounts.errors import BankAccountNotFound
from app.payouts.errors import PayoutNotFound
from app.payouts.schemas import CreatePayoutIn, PayoutList, PayoutOut
from app.risk.http import current_origin, may_need_review
from app.wallets.errors import (
    PAYMENT_ERRORS,
    InvalidWithdrawalAmount,
)
from app.wallets.movements.http import respond_once
from app.wallets.movements.movement import Review

blp = Blueprint(
    "payouts", __name__, url_prefix="/wallet/payouts", description="Payouts to bank accounts"
)

_render = PayoutOut().dump


@blp.post("")
@requires(blp, scope=Scope.PAYOUTS_WRITE)
@blp.arguments(CreatePayoutIn)
@blp.response(201, PayoutOut)
@blp.errors(InvalidWithdrawalAmount, ProviderUnknown, BankAccountNotFound, *PAYMENT_ERRORS)
@may_need_review(blp)
@may_require_code(blp)
@takes_idempotency_key(blp)
def create_payout(body: dict[str, Any]) -> Response:
    """Create a payout

    Holds the amount and asks the bank to pay it to a saved bank account. The status changes from
    PENDING to SUBMITTED, and then to PAID, which debits the wallet, or to REFUSED, which releases
    the amount. Large sums require a two-factor code.
    """
    factor, origin = second_factor(), current_origin(identity().session_id)

    def work(session: Session, user: Caller, key: str | None) -> service.PayoutDetails | Review:
        created = service.create_payout(
            session,
            user=user,
            currency=settings().default_currency,
            minimum=settings().minimum_withdrawal,
            second_factor=factor,
            idempotency_key=key,
            origin=origin,
            **body,
        )
        if isinstance(created, service.PayoutDetails):
            after_commit(session, partial(queue.enqueue_call, tasks.advance, created.payout.id))
        return created

    return respond_once(work, render=_render, status=201, origin=origin)


@blp.get("")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, PayoutList)
@may_lag
def list_payouts(args: dict[str, Any]) -> Any:
    """List payouts

    Newest first. Each payout includes its bank account, even if that has been deleted.
    """
    with reading() as session:
        return service.list_payouts(session, user_id=current_user(session).id, **args)


@blp.get("/<uuid:payout_id>")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, PayoutOut)
@blp.errors(PayoutNotFound)
def get_payout(payout_id: UUID) -> Any:
    """Get a payout

    Returns its status, the bank's reference and, if it was refused, the reason.
    """
    with reading() as session:
        return service.require_payout(
            session, payout_id=payout_id, user_id=current_user(session).id
        )
