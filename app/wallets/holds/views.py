"""HTTP of holds."""

from typing import Any
from uuid import UUID

from flask import Response

from app.auth.guard import current_user, may_require_code, requires, second_factor
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common.db import reading
from app.common.http import Blueprint, settings
from app.common.idempotent import takes_idempotency_key
from app.common.pagination import Page
from app.risk.http import may_need_review
from app.wallets.errors import (
    PAYMENT_ERRORS,
    BalanceTooLarge,
    HoldClosed,
    HoldNotFound,
    WalletLocked,
    WalletNotFound,
)
from app.wallets.holds import service
from app.wallets.holds.errors import (
    CannotPayYourself,
    CaptureExceedsHold,
    NotThePayee,
    PayeeNotFound,
)
from app.wallets.holds.movements import HoldCapture, HoldVoid, NewHold
from app.wallets.holds.schemas import (
    CaptureHoldIn,
    CreateHoldIn,
    HoldArgs,
    HoldList,
    HoldOut,
)
from app.wallets.models import WalletHold
from app.wallets.movements.http import respond_with

blp = Blueprint(
    "holds",
    __name__,
    url_prefix="/wallet/holds",
    description="Payments that are authorised first, then captured, voided or expired",
)


@blp.post("")
@requires(blp, scope=Scope.TRANSFERS_WRITE)
@blp.arguments(CreateHoldIn)
@blp.response(201, HoldOut)
@blp.errors(PayeeNotFound, CannotPayYourself, *PAYMENT_ERRORS, QuotaExceeded)
@may_need_review(blp)
@may_require_code(blp)
@takes_idempotency_key(blp)
def create_hold(body: dict[str, Any]) -> Response:
    """Create a hold

    Reserves money for a merchant: it is no longer `available` to the payer. The merchant captures
    all or part of the hold, or voids it. The payer cannot cancel it; the money becomes available
    again when the hold expires, by default after 7 days. Large sums require a two-factor code.
    """
    hold = NewHold(currency=settings().default_currency, second_factor=second_factor(), **body)
    return respond_with(hold, render=HoldOut().dump, status=201)


@blp.get("")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(HoldArgs, location="query")
@blp.response(200, HoldList)
@blp.errors(WalletNotFound)
def list_holds(args: dict[str, Any]) -> Page[WalletHold]:
    """List holds

    Returns holds that the caller pays or receives, newest first. An expired hold is released
    within a minute; until then it is shown as ACTIVE but can no longer be captured.
    """
    with reading() as session:
        return service.list_holds(
            session,
            user_id=current_user(session).id,
            currency=settings().default_currency,
            **args,
        )


@blp.get("/<uuid:hold_id>")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, HoldOut)
@blp.errors(HoldNotFound)
def get_hold(hold_id: UUID) -> WalletHold:
    """Get a hold

    Visible to its payer and its payee.
    """
    with reading() as session:
        return service.require_hold(session, hold_id=hold_id, user_id=current_user(session).id)


@blp.post("/<uuid:hold_id>/capture")
@requires(blp, scope=Scope.WALLET_WRITE)
@blp.arguments(CaptureHoldIn, required=False)
@blp.response(200, HoldOut)
@blp.errors(
    HoldNotFound, NotThePayee, HoldClosed, CaptureExceedsHold, WalletLocked, BalanceTooLarge
)
@takes_idempotency_key(blp)
def capture_hold(body: dict[str, Any], hold_id: UUID) -> Response:
    """Capture a hold

    Only the payee can capture a hold, and only once. Transfers `amount`, by default all of it, to
    the payee; the rest becomes available to the payer again. No fee is charged.
    """
    return respond_with(HoldCapture(hold_id, **body), render=HoldOut().dump, status=200)


@blp.post("/<uuid:hold_id>/void")
@requires(blp, scope=Scope.WALLET_WRITE)
@blp.response(200, HoldOut)
@blp.errors(HoldNotFound, NotThePayee, HoldClosed)
@takes_idempotency_key(blp)
def void_hold(hold_id: UUID) -> Response:
    """Void a hold

    Only the payee can void a hold; the payer waits for its expiry. The full amount becomes
    available to the payer again. Retrying is safe, because a hold ends only once.
    """
    return respond_with(HoldVoid(hold_id), render=HoldOut().dump, status=200)
