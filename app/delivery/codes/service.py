"""Codes: sold one by one in the order of upload, each exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.encryption import decrypt
from app.common.pagination import Page, PageRequest
from app.delivery.codes import repository
from app.delivery.codes.errors import CodeNotFound, CodeSold
from app.delivery.codes.models import CodeStatus, ProductCode
from app.delivery.goods import Check, GoodsMissing, Line
from app.events import service as events
from app.events.catalogue.delivery import CodeRemoved, CodesRevoked
from app.ledger_lock.service import acquire_ledger_lock
from app.products import service as products

_GAP: Final = "••••"
_SHOWN: Final = 4


def reserve(session: Session, lines: Sequence[Line]) -> Check:
    """Give each order its codes. What is returned raises GoodsMissing unless all have theirs."""
    rows = [
        {
            "place": place,
            "order_id": line.order_id,
            "product_id": line.product_id,
            "quantity": line.quantity,
        }
        for place, line in enumerate(lines)
    ]
    taken = repository.take_codes(session, rows, now=clock.now())
    wanted = sum(line.quantity for line in lines)

    def check() -> None:
        # Nobody gets more than is wanted, so that many in all are enough for each.
        (found,) = taken
        if found.units != wanted:
            raise GoodsMissing(f"{found.units} of {wanted} codes")

    return check


def deliver(session: Session, lines: Sequence[Line]) -> None:
    """Nothing: the codes have their orders."""


def release(session: Session, line: Line) -> None:
    """Somebody else can have the codes."""
    repository.give_back_codes(session, order_id=line.order_id)


def revoke(session: Session, line: Line, *, units: int) -> int:
    """Take codes back, those first that the buyer has not seen: these can be sold again."""
    codes = repository.lock_codes_of_order(session, order_id=line.order_id, limit=units)
    if len(codes) != units:
        raise GoodsMissing(f"{len(codes)} of {units} codes")
    seen = [code.id for code in codes if code.seen_at is not None]
    repository.revoke_codes(session, seen, now=clock.now())
    repository.free_codes(session, [code.id for code in codes if code.seen_at is None])
    released = units - len(seen)
    revoked = CodesRevoked(
        aggregate_id=line.order_id, product_id=line.product_id, released=released, lost=len(seen)
    )
    events.record(session, [revoked])
    return released


def show(session: Session, line: Line, *, base: str) -> dict[str, Any]:
    """The buyer's codes in order, which are seen from now on."""
    # First, so that nobody gives a code to somebody else while we read it.
    repository.mark_seen(session, order_id=line.order_id, now=clock.now())
    rows = repository.codes_of_order(session, line.order_id)
    return {"codes": [open_code(row.sealed, code_id=row.id) for row in rows]}


def context_of(code_id: UUID) -> str:
    """What a code is sealed for."""
    return f"product-code/{code_id}"


def open_code(sealed: bytes, *, code_id: UUID) -> str:
    return decrypt(sealed, context=context_of(code_id)).decode()


@dataclass(frozen=True, slots=True)
class Kept:
    """A code as its merchant sees it. masked: with four characters of it at most."""

    code: ProductCode
    masked: str
    status: CodeStatus


def page_of_product(
    session: Session,
    page: PageRequest,
    *,
    merchant: User,
    product_id: UUID,
    status: str | None = None,
) -> Page[Kept]:
    """The codes of the merchant's product, in the order of sale.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    found = repository.list_codes(session, page, product_id=product_id, status=status)
    return found.with_data(map(_kept, found.data))


def summary(session: Session, *, merchant: User, product_id: UUID) -> dict[str, int]:
    """How many codes the merchant's product has in each CodeStatus.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    return repository.count_by_status(session, product_id)


def remove(session: Session, *, merchant: User, product_id: UUID, code_id: UUID) -> None:
    """Take a code off the shelf that nobody has bought.

    Raises ProductNotFound, UnauthorizedProductAccess, CodeNotFound, CodeSold.
    """
    acquire_ledger_lock(session, exclusive=False)
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


def _kept(code: ProductCode) -> Kept:
    return Kept(code, mask(open_code(code.sealed, code_id=code.id)), _status(code))


def _status(code: ProductCode) -> CodeStatus:
    if code.revoked_at is not None:
        return CodeStatus.REVOKED
    return CodeStatus.AVAILABLE if code.order_id is None else CodeStatus.SOLD


def mask(code: str) -> str:
    """The end of a code: four characters of it, but never more than half."""
    shown = min(_SHOWN, len(code) // 2)
    return _GAP + code[len(code) - shown :]
