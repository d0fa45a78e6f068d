"""Codes of a product, as its merchant manages them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth.models import User
from app.common import clock
from app.common.encryption import decrypt
from app.common.pagination import Page, PageRequest
from app.delivery.codes import errors, repository
from app.delivery.codes.errors import CodeNotFound, CodeNotSold, CodeSold, NoCodeLeft
from app.delivery.codes.models import CodeStatus, ProductCode
from app.delivery.repository import get_order_number
from app.events import service as events
from app.events.catalogue.delivery import CodeReissued, CodeRemoved, CodeRevoked
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


@dataclass(frozen=True, slots=True)
class RevokedCode:
    """A code that was revoked, as its buyer sees it. masked: as of MaskedCode; reason: the
    merchant's, None if a refund revoked it."""

    masked: str
    reason: str | None
    revoked_at: datetime
    is_replaced: bool


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
    return found.with_data(masked_code(*row) for row in found.data)


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


def revoke_code(
    session: Session, *, merchant: User, product_id: UUID, code_id: UUID, reason: str
) -> MaskedCode:
    """Revoke a sold code without a refund. It is not sold again.

    Raises ProductNotFound, UnauthorizedProductAccess, CodeNotFound, CodeNotSold, CodeRevoked.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    code, number = _require_sold(session, product_id=product_id, code_id=code_id)
    if code.revoked_at is not None:
        raise errors.CodeRevoked
    _revoke(session, merchant, code, number, reason)
    code.is_withdrawn = True
    _record(session, merchant, "code.revoke", code, number, reason)
    return masked_code(code, number)


def reissue_code(
    session: Session, *, merchant: User, product_id: UUID, code_id: UUID, reason: str
) -> MaskedCode:
    """Replace a sold code by the next unsold one, which lowers the stock by one. Returns that one.
    The old one is revoked, if the merchant has not done that.

    Raises ProductNotFound, UnauthorizedProductAccess, CodeNotFound, CodeNotSold, NoCodeLeft, and
    CodeRevoked if it was refunded or replaced.
    """
    acquire_ledger_lock(session)
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    code, number = _require_sold(session, product_id=product_id, code_id=code_id)
    if code.revoked_at is not None and not code.is_withdrawn:
        raise errors.CodeRevoked
    replacement = repository.get_next_free_for_update(session, product_id=product_id)
    if replacement is None:
        raise NoCodeLeft
    if code.revoked_at is None:
        _revoke(session, merchant, code, number, reason)
    replacement.order_id, replacement.taken_at = code.order_id, clock.now()
    code.is_withdrawn, code.replaced_by = False, replacement.id
    products.restock(session, product, units=-1, actor_id=merchant.id)
    _record(session, merchant, "code.reissue", code, number, reason)
    reissued = CodeReissued.of(code, order_number=number, merchant_id=merchant.id, reason=reason)
    events.record(session, [reissued])
    return masked_code(replacement, number)


def list_revoked_codes(session: Session, order_id: UUID) -> Iterator[RevokedCode]:
    """The codes of an order that its merchant or a refund has revoked, in order."""
    for code in repository.list_revoked(session, order_id):
        if code.revoked_at is not None:
            yield RevokedCode(
                _mask(code),
                code.revocation_reason,
                code.revoked_at,
                is_replaced=code.replaced_by is not None,
            )


def _require_sold(session: Session, *, product_id: UUID, code_id: UUID) -> tuple[ProductCode, str]:
    """Lock a code of a locked product that was sold. Refunds lock the product first, too.

    Returns the number of its order as well.
    """
    code = repository.get_code_for_update(session, product_id=product_id, code_id=code_id)
    if code is None:
        raise CodeNotFound
    if code.order_id is None or not repository.is_paid(session, code.order_id):
        raise CodeNotSold
    return code, get_order_number(session, code.order_id)


def _revoke(
    session: Session, merchant: User, code: ProductCode, order_number: str, reason: str
) -> None:
    code.revoked_at = clock.now()
    code.revocation_reason = reason
    revoked = CodeRevoked.of(
        code, order_number=order_number, merchant_id=merchant.id, reason=reason
    )
    events.record(session, [revoked])


def _record(
    session: Session,
    merchant: User,
    action: str,
    code: ProductCode,
    order_number: str,
    reason: str,
) -> None:
    audit.record(
        session,
        actor_id=merchant.id,
        action=action,
        target=("product_code", code.id),
        reason=reason,
        details={"orderId": str(code.order_id), "orderNumber": order_number},
    )


def masked_code(code: ProductCode, order_number: str | None) -> MaskedCode:
    """A code as its merchant sees it. order_number: of the order that it was sold with."""
    return MaskedCode(code, _mask(code), _status(code), order_number)


def _mask(code: ProductCode) -> str:
    return mask(decrypt_code(code.encrypted, code_id=code.id))


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
