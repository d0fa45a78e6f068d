"""HTTP of receipts: the page itself, and its address for the sender."""

from pathlib import Path
from uuid import UUID

from flask import Response

from app.auth.errors import TooManyRevocations
from app.auth.guard import current_user, requires
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.hosted_pages import page_blueprint, render, respond
from app.common.http import Blueprint, settings
from app.common.idempotent import idempotent
from app.common.ratelimit import per_caller
from app.transfers.errors import TransferNotFound
from app.transfers.receipts import service
from app.transfers.receipts.links import LINKS
from app.transfers.receipts.schemas import ReceiptLinkOut

blp = Blueprint("receipts", __name__, url_prefix="/transfers", description="Receipts of transfers")
page_blp = page_blueprint("receipt", __name__, LINKS.path, folder=Path(__file__).parent)


@blp.get("/<uuid:transfer_id>/receipt")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, ReceiptLinkOut)
@blp.errors(TransferNotFound)
def get_transfer_receipt(transfer_id: UUID) -> dict[str, str]:
    """Get the address of a transfer's receipt

    The receipt shows what was paid, to whom and when to everyone who has the address, without
    signing in. Only the sender can get it.
    """
    with reading() as session:
        url = service.address_of(
            session,
            transfer_id=transfer_id,
            user_id=current_user(session).id,
            base=settings().public_address,
        )
    return {"url": url}


@blp.post("/<uuid:transfer_id>/receipt/revoke")
@requires(blp, scope=Scope.WALLET_READ)
@idempotent(blp)
@blp.response(200, ReceiptLinkOut)
@blp.errors(TransferNotFound, TooManyRevocations)
@per_caller("30/minute;300/hour")
def revoke_transfer_receipt(transfer_id: UUID) -> dict[str, str]:
    """Revoke the address of a transfer's receipt

    From now on it answers as one that does not exist. Returns a new address.
    """
    with transaction() as session:
        url = service.revoke(
            session,
            transfer_id=transfer_id,
            user_id=current_user(session).id,
            base=settings().public_address,
        )
    return {"url": url}


@page_blp.get("/<receipt_token>")
def page(receipt_token: str) -> Response:
    try:
        with reading() as session:
            receipt = service.require_receipt(session, receipt_token)
    except TransferNotFound:
        return respond(render("receipt/missing.html"), 404)
    return respond(render("receipt/page.html", receipt=receipt))
