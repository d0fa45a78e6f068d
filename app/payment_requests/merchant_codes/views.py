"""HTTP of merchant codes."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import Response, render_template

from app.auth.guard import (
    current_user,
    identity,
    may_require_code,
    require_scope,
    requires,
    second_factor,
)
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import idempotent, takes_idempotency_key
from app.common.json_format import dump_json
from app.common.openapi import one_of, path_parameter
from app.common.pagination import PageArgs
from app.images import service as images
from app.orders.errors import (
    PURCHASE_ERRORS,
)
from app.orders.purchases.http import respond_with_purchase
from app.orders.purchases.pricing import Basket
from app.orders.purchases.schemas import OrderOut
from app.payment_requests.errors import MerchantCodeNotFound
from app.payment_requests.http import (
    PNG,
    SVG,
    image,
    limits_wrong_links,
    qr_code,
    responds_with_image,
)
from app.payment_requests.merchant_codes import service as codes
from app.payment_requests.merchant_codes.payment import CodePayment
from app.payment_requests.merchant_codes.printable_code import template_context
from app.payment_requests.merchant_codes.service import MerchantCodeDetails
from app.payment_requests.payment_links import PayerAmount, link_to
from app.payment_requests.schemas import (
    CreateMerchantCodeIn,
    ImageArgs,
    MerchantCodeList,
    MerchantCodeOut,
    PayMerchantCodeIn,
    PublicMerchantCodeOut,
    merchant_code_out,
    public_merchant_code_out,
)
from app.products.errors import (
    ProductInactive,
    ProductNotFound,
    UnauthorizedProductAccess,
)
from app.risk.http import may_need_review
from app.shops import logos
from app.storage.errors import StorageUnavailable
from app.transfers.errors import (
    TRANSFER_ERRORS,
    CannotTransferToSelf,
)
from app.transfers.schemas import TransferOut, transfer_out
from app.wallets.movements.http import respond_with

#: A sheet contains its logo.
_SHEET_POLICY: Final = "default-src 'none'; img-src data:; frame-ancestors 'none'"

blp = Blueprint(
    "merchant-codes",
    __name__,
    url_prefix="/merchant-codes",
    description="Printable payment codes of merchants",
)

_ORDER_OR_TRANSFER: Final = one_of(OrderOut, TransferOut)
_TOKEN: Final = path_parameter("merchant_code_token", "Token of the scanned code")


def _respond(found: MerchantCodeDetails, status: int = 200) -> Response:
    return json_response(
        dump_json(merchant_code_out(found, base=settings().public_address)), status
    )


@blp.post("")
@requires(blp, Role.MERCHANT, scope=Scope.PAYMENT_REQUESTS_WRITE)
@blp.arguments(CreateMerchantCodeIn, required=False)
@idempotent(blp)
@blp.response(201, MerchantCodeOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, ProductInactive, QuotaExceeded)
def create_merchant_code(body: dict[str, Any]) -> Response:
    """Create a merchant code

    A code to print, for a product, a fixed amount or an amount chosen by the payer. It can be paid
    many times, until it is deactivated.
    """
    with transaction() as session:
        merchant = current_user(session)
        found = codes.create_code(
            session, merchant=merchant, currency=settings().default_currency, **body
        )
    return _respond(found, 201)


@blp.get("")
@requires(blp, Role.MERCHANT, scope=Scope.PAYMENT_REQUESTS_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, MerchantCodeList)
def list_merchant_codes(args: dict[str, Any]) -> Response:
    """List merchant codes

    Newest first, including deactivated codes.
    """
    with reading() as session:
        found = codes.list_codes(session, merchant_id=current_user(session).id, **args)
    render = partial(merchant_code_out, base=settings().public_address)
    return json_response(dump_json(found.serialized(render)))


@blp.get("/<uuid:merchant_code_id>")
@requires(blp, Role.MERCHANT, scope=Scope.PAYMENT_REQUESTS_READ)
@blp.response(200, MerchantCodeOut)
@blp.errors(MerchantCodeNotFound)
def get_merchant_code(merchant_code_id: UUID) -> Response:
    """Get a merchant code

    Includes its payment link.
    """
    return _respond(_require_own(merchant_code_id))


def _require_own(merchant_code_id: UUID) -> MerchantCodeDetails:
    with reading() as session:
        return codes.require_code(
            session, merchant_id=current_user(session).id, code_id=merchant_code_id
        )


@blp.post("/<uuid:merchant_code_id>/deactivate")
@requires(blp, Role.MERCHANT, scope=Scope.PAYMENT_REQUESTS_WRITE)
@idempotent(blp)
@blp.response(200, MerchantCodeOut)
@blp.errors(MerchantCodeNotFound)
def deactivate_merchant_code(merchant_code_id: UUID) -> Response:
    """Deactivate a merchant code

    Permanently: it can no longer be paid.
    """
    with transaction() as session:
        merchant = current_user(session)
        found = codes.deactivate_code(session, merchant_id=merchant.id, code_id=merchant_code_id)
    return _respond(found)


@blp.get("/by-token/<merchant_code_token>", parameters=[_TOKEN])
@blp.response(200, PublicMerchantCodeOut)
@blp.errors(MerchantCodeNotFound)
@limits_wrong_links
@blp.doc(**{"x-caller": "holder of the code"})
def get_merchant_code_by_token(merchant_code_token: str) -> Response:
    """Get a merchant code by its link

    Returns what a scanned code pays for. Needs no sign-in.
    """
    with reading() as session:
        found = codes.require_active_code(session, merchant_code_token)
    return json_response(dump_json(public_merchant_code_out(found)))


@blp.post("/<merchant_code_token>/pay", parameters=[_TOKEN])
@requires(blp, scope=Scope.TRANSFERS_WRITE)
@blp.arguments(PayMerchantCodeIn, required=False)
@blp.response(201, _ORDER_OR_TRANSFER)
@blp.errors(
    MerchantCodeNotFound,
    *PURCHASE_ERRORS,
    CannotTransferToSelf,
    *TRANSFER_ERRORS,
)
@limits_wrong_links
@may_need_review(blp)
@may_require_code(blp)
@takes_idempotency_key(blp)
def pay_merchant_code(body: dict[str, Any], merchant_code_token: str) -> Response:
    """Pay a merchant code

    With a product it is a purchase like `POST /orders` and returns the order; API keys also
    require the scope `orders:write`. Without a product it returns a transfer to the merchant.
    Large sums require a two-factor code.
    """
    amount, quantity = body.get("amount"), body.get("quantity")
    expected_amount = body.get("expected_amount")
    with reading() as session:
        code = codes.require_code_by_token(session, merchant_code_token)
    product_id = codes.product_to_buy(code, amount=amount, quantity=quantity)
    if product_id is not None:
        require_scope(Scope.ORDERS_WRITE)
        return respond_with_purchase(
            Basket(product_id, quantity or 1, expected_amount=expected_amount)
        )
    payment = CodePayment(code.code.id, PayerAmount(amount, expected_amount), second_factor())
    render = partial(transfer_out, viewer_id=identity().user_id)
    return respond_with(payment, render=render, status=201)


@blp.get("/<uuid:merchant_code_id>/qr.svg")
@requires(blp, Role.MERCHANT, scope=Scope.PAYMENT_REQUESTS_READ)
@blp.arguments(ImageArgs, location="query")
@responds_with_image(blp, SVG)
@blp.errors(MerchantCodeNotFound)
def get_merchant_code_qr_svg(args: dict[str, int], merchant_code_id: UUID) -> Response:
    """Get a merchant code's QR code as SVG

    The QR code contains the payment link.
    """
    link = _link(_require_own(merchant_code_id))
    return qr_code(link, mimetype=SVG, side=args["size"], name="merchant-code.svg")


@blp.get("/<uuid:merchant_code_id>/qr.png")
@requires(blp, Role.MERCHANT, scope=Scope.PAYMENT_REQUESTS_READ)
@blp.arguments(ImageArgs, location="query")
@responds_with_image(blp, PNG)
@blp.errors(MerchantCodeNotFound)
def get_merchant_code_qr_png(args: dict[str, int], merchant_code_id: UUID) -> Response:
    """Get a merchant code's QR code as PNG

    Every module is a whole number of pixels, so the image can be slightly smaller than `size`.
    """
    link = _link(_require_own(merchant_code_id))
    return qr_code(link, mimetype=PNG, side=args["size"], name="merchant-code.png")


@blp.get("/<uuid:merchant_code_id>/sheet.svg")
@requires(blp, Role.MERCHANT, scope=Scope.PAYMENT_REQUESTS_READ)
@responds_with_image(blp, SVG)
@blp.errors(MerchantCodeNotFound, StorageUnavailable)
def get_printable_merchant_code(merchant_code_id: UUID) -> Response:
    """Get a printable merchant code

    An A6 page as SVG with logo, payee, amount, label and QR code. Its texts are outlines, so it
    looks the same everywhere, in every script.
    """
    found = _require_own(merchant_code_id)
    with reading() as session:
        logo = logos.get_content(session, found.merchant)
    context = template_context(
        found, link=_link(found), logo=images.read(logo) if logo is not None else None
    )
    picture = render_template("pay/printable_code.svg", **context)
    response = image(picture.encode(), mimetype=SVG, name="merchant-code-to-print.svg")
    response.headers["Content-Security-Policy"] = _SHEET_POLICY
    return response


def _link(found: MerchantCodeDetails) -> str:
    return link_to(found.code.token, base=settings().public_address)
