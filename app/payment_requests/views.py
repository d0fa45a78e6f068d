"""HTTP of payment requests."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from app.auth.guard import current_user, identity, may_require_code, requires, second_factor
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.http import Blueprint, json_response, peek_json, settings
from app.common.idempotent import idempotent, takes_idempotency_key
from app.common.json_format import dump_json
from app.common.openapi import path_parameter
from app.orders.errors import PriceChanged
from app.payment_requests import service
from app.payment_requests.errors import (
    CannotDecideRequest,
    CannotPayOwnRequest,
    PaymentRequestClosed,
    PaymentRequestNotFound,
)
from app.payment_requests.http import (
    PNG,
    SVG,
    limits_wrong_links,
    qr_code,
    responds_with_image,
)
from app.payment_requests.payment import RequestPayment
from app.payment_requests.payment_links import PayerAmount, link_to
from app.payment_requests.schemas import (
    CreatePaymentRequestIn,
    ImageArgs,
    PaymentRequestList,
    PaymentRequestOut,
    PayPaymentRequestIn,
    PublicPaymentRequestOut,
    RequestsArgs,
    payment_request_out,
    public_payment_request_out,
)
from app.payment_requests.service import PaymentRequestDetails
from app.risk.http import may_need_review
from app.transfers.errors import (
    TRANSFER_ERRORS,
    CannotTransferToSelf,
    RecipientNotFound,
    RecipientNotVerified,
)
from app.transfers.guard import limits_user_lookups
from app.transfers.recipients import UserIdentifier
from app.transfers.schemas import TransferOut, transfer_out
from app.wallets.movements.http import respond_with

blp = Blueprint(
    "payment-requests", __name__, url_prefix="/payment-requests", description="Payment requests"
)


def _has_payer() -> bool:
    body = peek_json()
    return isinstance(body, dict) and "payer" in body


def _respond(details: PaymentRequestDetails, status: int = 200) -> Response:
    return json_response(
        dump_json(payment_request_out(details, base=settings().public_address)), status
    )


@blp.post("")
@requires(blp, scope=Scope.PAYMENT_REQUESTS_WRITE)
@blp.arguments(CreatePaymentRequestIn, required=False)
@idempotent(blp)
@blp.response(201, PaymentRequestOut)
@blp.errors(RecipientNotFound, CannotTransferToSelf, RecipientNotVerified, QuotaExceeded)
@limits_user_lookups(when=_has_payer)
def create_payment_request(body: dict[str, Any]) -> Response:
    """Create a payment request

    Addressed to a user, who alone can pay it, or payable by anyone who has the link. Share the
    `link` or its QR code.
    """
    payer = body.get("payer")
    with transaction() as session:
        details = service.create_request(
            session,
            requester=current_user(session),
            payer=UserIdentifier(**payer) if payer else None,
            amount=body.get("amount"),
            currency=settings().default_currency,
            note=body.get("note"),
            expires_in=timedelta(seconds=body["expires_in"]),
            verified_only=settings().verified_handles_required,
        )
    return _respond(details, 201)


@blp.get("")
@requires(blp, scope=Scope.PAYMENT_REQUESTS_READ)
@blp.arguments(RequestsArgs, location="query")
@blp.response(200, PaymentRequestList)
def list_payment_requests(args: dict[str, Any]) -> Response:
    """List payment requests

    Returns requests that the caller has made or received, newest first. A request that is not
    addressed to anyone is listed only for its requester.
    """
    role = args.get("role")
    with reading() as session:
        found = service.list_requests(
            session,
            args["page"],
            user_id=current_user(session).id,
            as_requester=role != "payer",
            as_payer=role != "requester",
        )
    render = partial(payment_request_out, base=settings().public_address)
    return json_response(dump_json(found.serialized(render)))


@blp.get("/<uuid:payment_request_id>")
@requires(blp, scope=Scope.PAYMENT_REQUESTS_READ)
@blp.response(200, PaymentRequestOut)
@blp.errors(PaymentRequestNotFound)
def get_payment_request(payment_request_id: UUID) -> Response:
    """Get a payment request

    Visible to its requester, its addressee and the user who paid it.
    """
    return _respond(_require_own(payment_request_id))


def _require_own(payment_request_id: UUID) -> PaymentRequestDetails:
    with reading() as session:
        return service.require_request(
            session, request_id=payment_request_id, user_id=current_user(session).id
        )


@blp.get(
    "/by-token/<payment_request_token>",
    parameters=[path_parameter("payment_request_token", "Token of the payment link")],
)
@blp.response(200, PublicPaymentRequestOut)
@blp.errors(PaymentRequestNotFound)
@limits_wrong_links
@blp.doc(**{"x-caller": "holder of the link"})
def get_payment_request_by_token(payment_request_token: str) -> Response:
    """Get a payment request by its link

    Needs no sign-in.
    """
    with reading() as session:
        details = service.require_request_by_token(session, payment_request_token)
    return json_response(dump_json(public_payment_request_out(details)))


@blp.post("/<uuid:payment_request_id>/pay")
@requires(blp, scope=Scope.TRANSFERS_WRITE)
@blp.arguments(PayPaymentRequestIn, required=False)
@blp.response(201, TransferOut)
@blp.errors(
    PaymentRequestNotFound,
    PaymentRequestClosed,
    CannotPayOwnRequest,
    PriceChanged,
    *TRANSFER_ERRORS,
)
@may_need_review(blp)
@may_require_code(blp)
@takes_idempotency_key(blp)
def pay_payment_request(body: dict[str, Any], payment_request_id: UUID) -> Response:
    """Pay a payment request

    A request can be paid once: by its addressee or, if it has none, by any user except the
    requester. Returns the transfer that pays it. Large sums require a two-factor code.
    """
    payment = RequestPayment(
        payment_request_id,
        PayerAmount(body.get("amount"), body.get("expected_amount")),
        second_factor(),
    )
    render = partial(transfer_out, viewer_id=identity().user_id)
    return respond_with(payment, render=render, status=201)


@blp.post("/<uuid:payment_request_id>/decline")
@requires(blp, scope=Scope.PAYMENT_REQUESTS_WRITE)
@idempotent(blp)
@blp.response(200, PaymentRequestOut)
@blp.errors(PaymentRequestNotFound, PaymentRequestClosed, CannotDecideRequest)
def decline_payment_request(payment_request_id: UUID) -> Response:
    """Decline a payment request

    For the addressee. The request can no longer be paid.
    """
    with transaction() as session:
        user = current_user(session)
        details = service.decline_request(session, user_id=user.id, request_id=payment_request_id)
    return _respond(details)


@blp.post("/<uuid:payment_request_id>/cancel")
@requires(blp, scope=Scope.PAYMENT_REQUESTS_WRITE)
@idempotent(blp)
@blp.response(200, PaymentRequestOut)
@blp.errors(PaymentRequestNotFound, PaymentRequestClosed, CannotDecideRequest)
def cancel_payment_request(payment_request_id: UUID) -> Response:
    """Cancel a payment request

    For the requester. The request can no longer be paid.
    """
    with transaction() as session:
        user = current_user(session)
        details = service.cancel_request(session, user_id=user.id, request_id=payment_request_id)
    return _respond(details)


@blp.get("/<uuid:payment_request_id>/qr.svg")
@requires(blp, scope=Scope.PAYMENT_REQUESTS_READ)
@blp.arguments(ImageArgs, location="query")
@responds_with_image(blp, SVG)
@blp.errors(PaymentRequestNotFound)
def get_payment_request_qr_svg(args: dict[str, int], payment_request_id: UUID) -> Response:
    """Get a payment request's QR code as SVG

    The QR code contains the payment link.
    """
    return _qr_code(payment_request_id, mimetype=SVG, side=args["size"], name="payment-request.svg")


@blp.get("/<uuid:payment_request_id>/qr.png")
@requires(blp, scope=Scope.PAYMENT_REQUESTS_READ)
@blp.arguments(ImageArgs, location="query")
@responds_with_image(blp, PNG)
@blp.errors(PaymentRequestNotFound)
def get_payment_request_qr_png(args: dict[str, int], payment_request_id: UUID) -> Response:
    """Get a payment request's QR code as PNG

    Every module is a whole number of pixels, so the image can be slightly smaller than `size`.
    """
    return _qr_code(payment_request_id, mimetype=PNG, side=args["size"], name="payment-request.png")


def _qr_code(payment_request_id: UUID, *, mimetype: str, side: int, name: str) -> Response:
    token = _require_own(payment_request_id).request.token
    link = link_to(token, base=settings().public_address)
    return qr_code(link, mimetype=mimetype, side=side, name=name)
