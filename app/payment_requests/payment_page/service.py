"""The content of the payment page."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.auth.masking import public_name
from app.auth.models import User
from app.auth.profile import Profile, verified_since
from app.common.money import Money
from app.common.time_zone import local
from app.gateway import client as gateway
from app.images.service import ShownImage
from app.payment_requests import service
from app.payment_requests.errors import PaymentRequestNotFound
from app.payment_requests.merchant_codes import service as codes
from app.payment_requests.merchant_codes.service import MerchantCodeDetails
from app.payment_requests.models import RequestStatus
from app.payment_requests.service import PaymentRequestDetails
from app.products import service as products
from app.shops import logos


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """The content of the page for a payment request or merchant code.

    support: email address where the payee helps; verified: since when the payee is verified, for
    display, None if it is not; price: None if the payer chooses the amount;
    image: of the product; logo: of the payee; card_product: product that can be bought by card
    instead, None if none can; ended, ended_at: why and since when it can no longer be paid, None if
    it can; pay, decline, paid_request: paths below the API's prefix, to pay it, to decline it (None
    if that is not possible) and of a request that was paid; zone: the payee's.
    """

    kind: str
    payee: str
    support: str | None
    verified: str | None
    about: str | None
    price: Money | None
    currency: str
    is_product: bool
    image: ShownImage | None
    logo: ShownImage | None
    is_addressed: bool
    card_product: UUID | None
    ended: str | None
    ended_at: datetime | None
    expires_at: datetime | None
    zone: ZoneInfo
    pay: str
    decline: str | None
    paid_request: str | None


_ENDED = {
    RequestStatus.PAID: "This request has been paid.",
    RequestStatus.DECLINED: "This request was declined.",
    RequestStatus.CANCELLED: "This request was cancelled.",
    RequestStatus.EXPIRED: "This request has expired.",
}


def require_payment_page(session: Session, token: str) -> PaymentPage:
    """The page of the payment link with this token. Raises MerchantCodeNotFound."""
    try:
        return _of_request(session, service.require_request_by_token(session, token))
    except PaymentRequestNotFound:
        return _of_code(session, codes.require_active_code(session, token))


def _of_request(session: Session, details: PaymentRequestDetails) -> PaymentPage:
    request = details.request
    path = f"/payment-requests/{request.id}"
    return PaymentPage(
        kind="Payment request",
        payee=public_name(details.requester),
        support=details.requester.support_email,
        verified=_verified(details.requester),
        about=request.note,
        price=_money(request.amount, request.currency),
        currency=request.currency,
        is_product=False,
        image=None,
        logo=logos.get_logo(session, details.requester),
        is_addressed=request.payer_id is not None,
        card_product=None,
        ended=_ENDED.get(details.status),
        ended_at=request.closed_at,
        expires_at=request.expires_at,
        zone=ZoneInfo(details.requester.time_zone),
        pay=f"{path}/pay",
        decline=f"{path}/decline" if request.payer_id else None,
        paid_request=path if details.status is RequestStatus.PAID else None,
    )


def _of_code(session: Session, found: MerchantCodeDetails) -> PaymentPage:
    code, product = found.code, found.product
    ended = None
    if product is not None and not product.is_active:
        ended = "This product is no longer on sale."
    elif product is not None and product.available_units == 0:
        ended = "This product is sold out."
    return PaymentPage(
        kind=code.label or "Pay",
        payee=public_name(found.merchant),
        support=found.merchant.support_email,
        verified=_verified(found.merchant),
        about=product.name if product else None,
        price=_money(product.price if product else code.amount, code.currency),
        currency=code.currency,
        is_product=product is not None,
        image=products.get_main_image(session, product.id) if product else None,
        logo=logos.get_logo(session, found.merchant),
        is_addressed=False,
        card_product=product.id if product is not None and gateway.is_configured() else None,
        ended=ended,
        ended_at=None,
        expires_at=None,
        zone=ZoneInfo(found.merchant.time_zone),
        pay=f"/merchant-codes/{code.token}/pay",
        decline=None,
        paid_request=None,
    )


def _verified(payee: User | Profile) -> str | None:
    since = verified_since(payee)
    return f"{local(since, ZoneInfo(payee.time_zone)):%-d %B %Y}" if since is not None else None


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)
