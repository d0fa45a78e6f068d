"""Goods that are files: what merchants upload, and what orders of it give their buyers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.clock import to_wire
from app.common.db import new_id
from app.common.errors import Unavailable
from app.common.process_state import Slot
from app.delivery.files import links, repository
from app.delivery.files.errors import (
    DeliveryNotFound,
    DeliveryTakenBack,
    FileEmpty,
    FileNotFound,
    FileSold,
    NotAFileProduct,
)
from app.delivery.files.links import Link
from app.delivery.files.models import FileContent, FileDelivery, ProductFile
from app.delivery.goods import Check, GoodsMissing, Line
from app.events import service as events
from app.events.catalogue.delivery import DownloadsReset, ProductFileRemoved, ProductFileUploaded
from app.products import service as products
from app.products.errors import UnauthorizedProductAccess
from app.products.models import Product, ProductKind


@dataclass(frozen=True, slots=True)
class Rules:
    """link_life: how long a link is valid; downloads: how many an order is worth."""

    link_life: timedelta = timedelta(minutes=60)
    downloads: int = 5


#: The rules of deliveries from now on. Orders keep the number of downloads they came with.
rules: Final[Slot[Rules]] = Slot("rules of file delivery", default=Rules())


@dataclass(frozen=True, slots=True)
class Offered:
    """What a product offers, and how often it was downloaded. is_new: there was nothing before."""

    file: ProductFile
    content: FileContent
    downloads: int
    is_new: bool = False


# What merchants do


def require_file_product(session: Session, *, merchant: User, product_id: UUID) -> None:
    """Raises ProductNotFound, UnauthorizedProductAccess, NotAFileProduct."""
    _require_file_kind(_require_own(session, merchant=merchant, product_id=product_id))


def _require_own(session: Session, *, merchant: User, product_id: UUID) -> Product:
    """The merchant's product, not locked and perhaps deleted."""
    product = products.find(session, product_id=product_id, viewer=merchant).product
    if product.merchant_id != merchant.id:
        raise UnauthorizedProductAccess
    return product


def _require_file_kind(product: Product) -> None:
    if product.kind != ProductKind.FILE:
        raise NotAFileProduct


def claim(session: Session, *, sha256: str, size: int) -> FileContent:
    """Where bytes that came in are to be kept. Committed before they are put there.

    So whatever lies in the storage has a row, and is found by who cleans up. Raises FileEmpty.
    """
    if not size:
        raise FileEmpty
    now = clock.now()
    return repository.claim_content(
        session, id=new_id(), sha256=sha256, size=size, created_at=now, touched_at=now
    )


def attach(
    session: Session,
    *,
    merchant: User,
    product_id: UUID,
    content_id: UUID,
    name: str,
    media_type: str,
) -> Offered:
    """Offer bytes that are kept as the newest version of a product's file.

    The same again changes nothing. Raises ProductNotFound, UnauthorizedProductAccess,
    NotAFileProduct; Unavailable when the bytes were removed meanwhile, a day after they came.
    """
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    _require_file_kind(product)
    now = clock.now()
    content = repository.touch_content(session, content_id=content_id, now=now)
    if content is None:
        raise Unavailable
    row = repository.get_current(session, product_id=product_id)
    downloads = repository.count_downloads_of(session, product_id=product_id)
    if row is not None:
        current: ProductFile = row.ProductFile
        if (current.content_id, current.name, current.media_type) == (content_id, name, media_type):
            return Offered(current, content, downloads)
        current.retired_at = now
        session.flush()
    file = repository.insert_file(
        session,
        id=new_id(),
        product_id=product_id,
        version=repository.last_version(session, product_id=product_id) + 1,
        name=name,
        media_type=media_type,
        content_id=content_id,
        uploaded_at=now,
    )
    if not product.is_ready:
        products.mark_ready(session, product)
    events.record(
        session,
        [
            ProductFileUploaded(
                aggregate_id=product.id,
                merchant_id=product.merchant_id,
                version=file.version,
                size=content.size,
            )
        ],
    )
    return Offered(file, content, downloads, is_new=row is None)


def find(session: Session, *, merchant: User, product_id: UUID) -> Offered:
    """What the merchant's product offers.

    Raises ProductNotFound, UnauthorizedProductAccess, FileNotFound.
    """
    _require_own(session, merchant=merchant, product_id=product_id)
    row = repository.get_current(session, product_id=product_id)
    if row is None:
        raise FileNotFound
    downloads = repository.count_downloads_of(session, product_id=product_id)
    return Offered(row.ProductFile, row.FileContent, downloads)


def take_away(session: Session, *, merchant: User, product_id: UUID) -> None:
    """Offer nothing any more, until there is another file: the product is not on sale then.

    Raises ProductNotFound, UnauthorizedProductAccess, FileNotFound, FileSold.
    """
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    row = repository.get_current(session, product_id=product_id)
    if row is None:
        raise FileNotFound
    if repository.was_sold(session, product_id=product_id):
        raise FileSold
    row.ProductFile.retired_at = clock.now()
    products.mark_ready(session, product, ready=False)
    removed = ProductFileRemoved(
        aggregate_id=product.id,
        merchant_id=product.merchant_id,
        version=row.ProductFile.version,
    )
    events.record(session, [removed])


def allow_again(session: Session, *, merchant: User, order_id: UUID) -> int:
    """Give the buyer of an order all downloads again; how many that are.

    Raises DeliveryNotFound, DeliveryTakenBack.
    """
    delivery = repository.get_sold_for_update(session, order_id=order_id, merchant_id=merchant.id)
    if delivery is None:
        raise DeliveryNotFound
    if not delivery.is_open:
        raise DeliveryTakenBack
    delivery.downloads_allowed = delivery.downloads + rules().downloads
    reset = DownloadsReset(
        aggregate_id=order_id, product_id=delivery.product_id, downloads_left=rules().downloads
    )
    events.record(session, [reset])
    return rules().downloads


# Goods (see app.delivery.goods)


def reserve(session: Session, lines: Sequence[Line]) -> Check:
    """Note who is about to buy, so that the file stays. Its stock needs nothing set aside."""
    cursor = repository.reserve(session, lines, allowed=rules().downloads, now=clock.now())

    def check() -> None:
        if len(cursor.fetchall()) != len(lines):
            raise GoodsMissing("a product was on sale that has no file")

    return check


def deliver(session: Session, lines: Sequence[Line]) -> None:
    """Let the buyers download."""
    repository.deliver(session, lines, now=clock.now())


def release(session: Session, line: Line) -> None:
    """Nobody has bought it."""
    repository.release(session, order_id=line.order_id)


def revoke(session: Session, line: Line, *, units: int) -> int:
    """All of them can be sold again. When all are taken back, the links stop working."""
    if not repository.revoke(session, order_id=line.order_id, units=units):
        raise GoodsMissing("an order of a file has no delivery")
    return units


def show(session: Session, line: Line, *, base: str) -> dict[str, Any]:
    """The file with a new link, which is null when there is no download left."""
    delivery = repository.get_delivery(session, line.order_id)
    row = repository.get_current(session, product_id=line.product_id)
    if delivery is None or not delivery.is_open or row is None:
        return {"files": []}
    return {"files": [_shown(delivery, *row, base=base)]}


def _shown(
    delivery: FileDelivery, file: ProductFile, content: FileContent, *, base: str
) -> dict[str, Any]:
    left = delivery.downloads_allowed - delivery.downloads
    until = (clock.now() + rules().link_life).replace(microsecond=0)
    token = links.token_of(Link(delivery.order_id, file.id, until)) if left else None
    return {
        "name": file.name,
        "size": content.size,
        "mediaType": file.media_type,
        "sha256": content.sha256,
        "url": f"{base}/downloads/{token}" if token else None,
        "expiresAt": to_wire(until) if token else None,
        "downloadsLeft": left,
    }
