"""HTTP endpoints of transfers."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from app.auth.guard import current_user, identity, may_require_code, requires, second_factor
from app.auth.scopes import Scope
from app.common.db import reading
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import takes_idempotency_key
from app.common.json_format import dump_json
from app.common.money import Money
from app.common.replica import may_lag
from app.risk.http import may_need_review
from app.transfers import service
from app.transfers.errors import (
    TRANSFER_ERRORS,
    CannotTransferToSelf,
    RecipientNotFound,
    RecipientNotVerified,
    TransferNotFound,
)
from app.transfers.guard import limits_user_lookups, reveals_user
from app.transfers.recipients import MaskedUser, UserIdentifier
from app.transfers.schemas import (
    CreateTransferIn,
    RecipientArgs,
    RecipientOut,
    TransferList,
    TransferOut,
    TransfersArgs,
    transfer_out,
)
from app.transfers.service import NewTransfer
from app.wallets.movements.http import respond_with

blp = Blueprint(
    "transfers", __name__, url_prefix="/transfers", description="Transfers between users"
)


@blp.post("")
@requires(blp, scope=Scope.TRANSFERS_WRITE)
@blp.arguments(CreateTransferIn)
@blp.response(201, TransferOut)
@blp.errors(CannotTransferToSelf, RecipientNotVerified, *TRANSFER_ERRORS)
@may_need_review(blp)
@may_require_code(blp)
@takes_idempotency_key(blp)
@limits_user_lookups(counts=reveals_user)
def create_transfer(body: dict[str, Any]) -> Response:
    """Create a transfer

    Sends money to another user, identified by email, phone number, wallet number or user ID. Check
    the recipient first with `GET /transfers/recipient`. The money arrives immediately, and both
    users see the transfer in their history. With `REQUIRE_VERIFIED_HANDLES`, an email address or
    phone number receives money only once it is verified. Large sums require a two-factor code.
    """
    transfer = NewTransfer(
        UserIdentifier(**body["recipient"]),
        Money.of(body["amount"], settings().default_currency),
        second_factor(),
        body.get("note"),
        verified_only=settings().verified_handles_required,
    )
    render = partial(transfer_out, viewer_id=identity().user_id)
    return respond_with(transfer, render=render, status=201)


@blp.get("/recipient")
@requires(blp, scope=Scope.TRANSFERS_WRITE)
@blp.arguments(RecipientArgs, location="query")
@blp.response(200, RecipientOut)
@blp.errors(RecipientNotFound, CannotTransferToSelf)
@limits_user_lookups()
def get_transfer_recipient(args: dict[str, Any]) -> MaskedUser:
    """Look up a recipient

    Returns masked details, enough to recognise someone you know, and whether the user has proved to
    own the email address or phone number. Lookups are rate-limited per user and per IP address.
    """
    with reading() as session:
        return service.preview_recipient(
            session,
            caller_id=current_user(session).id,
            to=UserIdentifier(**args),
            currency=settings().default_currency,
        )


@blp.get("")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(TransfersArgs, location="query")
@blp.response(200, TransferList)
@may_lag
def list_transfers(args: dict[str, Any]) -> Response:
    """List transfers

    Returns sent and received transfers, newest first. The other party is shown by first name and
    initial.
    """
    direction = args.get("direction")
    with reading() as session:
        user = current_user(session)
        found = service.list_transfers(
            session,
            args["page"],
            user_id=user.id,
            sent=direction != "in",
            received=direction != "out",
        )
    return json_response(dump_json(found.serialized(partial(transfer_out, viewer_id=user.id))))


@blp.get("/<uuid:transfer_id>")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, TransferOut)
@blp.errors(TransferNotFound)
def get_transfer(transfer_id: UUID) -> Response:
    """Get a transfer

    Visible to its sender and its receiver.
    """
    with reading() as session:
        user = current_user(session)
        sent = service.require_transfer(session, transfer_id=transfer_id, user_id=user.id)
    return json_response(dump_json(transfer_out(sent, viewer_id=user.id)))
