"""Merchant codes: printed once, paid many times."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.common import clock
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.ledger_lock.service import acquire_ledger_lock
from app.payment_requests import repository
from app.payment_requests.errors import AmountChoiceInvalid, MerchantCodeNotFound
from app.payment_requests.models import MerchantCode
from app.payment_requests.payment_links import link_to, may_be_token, new_token
from app.products import service as products
from app.products.errors import ProductInactive, ProductNotFound, UnauthorizedProductAccess
from app.products.models import Product


@dataclass(frozen=True, slots=True)
class MerchantCodeDetails:
    """A code with its merchant and its product."""

    code: MerchantCode
    merchant: User
    product: Product | None

    @property
    def can_be_paid(self) -> bool:
        return self.code.is_active and self.merchant.is_active


def create_code(
    session: Session,
    *,
    merchant: User,
    currency: str,
    product_id: UUID | None = None,
    amount: Decimal | None = None,
    label: str | None = None,
) -> MerchantCodeDetails:
    """Create a code. amount: units of `currency`, None if the payer chooses.

    product_id: the product that is bought, at its price at the time of payment.
    Raises ProductNotFound, UnauthorizedProductAccess, ProductInactive, AmountInvalid,
    QuotaExceeded.
    """
    quotas.require_room(session, user_id=merchant.id, quota=Quota.MERCHANT_CODES)
    product = _require_sellable(session, merchant, product_id) if product_id else None
    now = clock.now()
    code = MerchantCode(
        id=new_id(),
        token=new_token(),
        merchant_id=merchant.id,
        product_id=product_id,
        amount=Money.of(amount, currency).minor if amount is not None else None,
        currency=product.currency if product else currency,
        label=label,
        is_active=True,
        created_at=now,
        updated_at=now,
    )
    repository.insert_code(session, code)
    return MerchantCodeDetails(code, merchant, product)


def _require_sellable(session: Session, merchant: User, product_id: UUID) -> Product:
    offer = products.require_product(session, product_id=product_id, viewer=merchant)
    if offer.merchant.id != merchant.id:
        raise UnauthorizedProductAccess
    if offer.product.deleted_at is not None:
        raise ProductNotFound
    if not offer.product.is_active:
        raise ProductInactive
    return offer.product


def deactivate_code(session: Session, *, merchant_id: UUID, code_id: UUID) -> MerchantCodeDetails:
    """Deactivate a code for good: it can no longer be paid.

    Raises MerchantCodeNotFound.
    """
    found = require_code(session, merchant_id=merchant_id, code_id=code_id)
    if not found.code.is_active:
        return found
    acquire_ledger_lock(session)  # a batch that pays it would fail otherwise
    code = repository.lock_code(session, found.code.id)
    if code is not None and code.is_active:
        code.is_active, code.updated_at = False, clock.now()
        session.flush()
    return found


def count_active_codes(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The number of the merchant's active codes. limit: as of `quotas.Count`."""
    return repository.count_active_codes(session, merchant_id=user_id, limit=limit)


def require_code(session: Session, *, merchant_id: UUID, code_id: UUID) -> MerchantCodeDetails:
    """A code of this merchant. Raises MerchantCodeNotFound."""
    row = repository.get_code_of(session, code_id=code_id, merchant_id=merchant_id)
    if row is None:
        raise MerchantCodeNotFound
    return MerchantCodeDetails(*row)


def require_active_code(session: Session, token: str) -> MerchantCodeDetails:
    """A code that can be paid, by its token. Raises MerchantCodeNotFound."""
    found = require_code_by_token(session, token)
    if not found.can_be_paid:
        raise MerchantCodeNotFound
    return found


def require_code_by_token(session: Session, token: str) -> MerchantCodeDetails:
    """A code by its token, active or not. Raises MerchantCodeNotFound."""
    row = repository.get_code_by_token(session, token) if may_be_token(token) else None
    if row is None:
        raise MerchantCodeNotFound
    return MerchantCodeDetails(*row)


def payment_path(session: Session, merchant_id: UUID, product_id: UUID) -> str | None:
    """The path of a payment page for the product, None if the merchant has no code for it."""
    token = repository.get_active_token(session, merchant_id=merchant_id, product_id=product_id)
    return link_to(token, base="") if token is not None else None


def list_codes(
    session: Session, page: PageRequest, *, merchant_id: UUID
) -> Page[MerchantCodeDetails]:
    """The merchant's codes, newest first, including inactive ones."""
    found = repository.list_codes(session, page, merchant_id=merchant_id)
    return found.with_data(MerchantCodeDetails(*row) for row in found.data)


def product_to_buy(
    found: MerchantCodeDetails, *, amount: Decimal | None, quantity: int | None
) -> UUID | None:
    """The product that the payment buys; None for `CodePayment`. Raises AmountChoiceInvalid.

    `CodePayment` also handles inactive codes: it refuses new payments and replays earlier
    responses.
    """
    if not found.can_be_paid:
        return None
    product_id = found.code.product_id
    if product_id is not None and amount is not None:
        raise AmountChoiceInvalid("The product has a fixed price; omit this field.")
    if product_id is None and quantity is not None:
        raise AmountChoiceInvalid("This code is not for a product.", field="quantity")
    return product_id
