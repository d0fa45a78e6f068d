"""Codes of a product, as its merchant manages them."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.encryption import decrypt
from app.common.pagination import Page, PageRequest
from app.delivery.codes import repository
from app.delivery.codes.errors import CodeNotFound, CodeSold
from app.delivery.codes.models import CodeStatus, ProductCode
from app.events import service as events
from app.events.catalogue.delivery import CodeRemoved
from app.ledger_lock.service import acquire_ledger_lock
from app.products import service as products

_MASK: Final = "••••"
_MAX_VISIBLE: Final = 4


@dataclass(frozen=True, slots=True)
class MaskedCode:
    """A code as its merchant sees it. masked: with at most four of its characters; order_number:
    of the order that it was sold with."""

    code: ProductCode
    masked: str
    status: CodeStatus
    order_number: str | None


def list_codes(
    session: Session,
    page: PageRequest,
    *,
    merchant: User,
    product_id: UUID,
    status: str | None = None,
) -> Page[MaskedCode]:
    """The codes of the merchant's product, in the order of sale.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    found = repository.list_codes(session, page, product_id=product_id, status=status)
    return found.with_data(_masked(*row) for row in found.data)


def count_by_status(session: Session, *, merchant: User, product_id: UUID) -> dict[str, int]:
    """The number of codes of the merchant's product by CodeStatus.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    return repository.count_by_status(session, product_id)


def delete_code(session: Session, *, merchant: User, product_id: UUID, code_id: UUID) -> None:
    """Delete an unsold code, which lowers the stock by one.

    Raises ProductNotFound, UnauthorizedProductAccess, CodeNotFound, CodeSold.
    """
    acquire_ledger_lock(session)
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    code = repository.get_code_for_update(session, product_id=product_id, code_id=code_id)
    if code is None:
        raise CodeNotFound
    if code.order_id is not None:
        raise CodeSold
    repository.delete_code(session, code)
    products.restock(session, product, units=-1, actor_id=merchant.id)
    removed = CodeRemoved(aggregate_id=code_id, product_id=product_id, merchant_id=merchant.id)
    events.record(session, [removed])


def _masked(code: ProductCode, order_number: str | None) -> MaskedCode:
    masked = mask(decrypt_code(code.encrypted, code_id=code.id))
    return MaskedCode(code, masked, _status(code), order_number)


def _status(code: ProductCode) -> CodeStatus:
    if code.revoked_at is not None:
        return CodeStatus.REVOKED
    return CodeStatus.AVAILABLE if code.order_id is None else CodeStatus.SOLD


def mask(code: str) -> str:
    """The end of a code: at most four of its characters, and at most half of them."""
    visible = min(_MAX_VISIBLE, len(code) // 2)
    return _MASK + code[len(code) - visible :]


def encryption_context(code_id: UUID) -> str:
    """What binds an encrypted code to its row."""
    return f"product-code/{code_id}"


def decrypt_code(encrypted: bytes, *, code_id: UUID) -> str:
    return decrypt(encrypted, context=encryption_context(code_id)).decode()
