"""The files of products, as their merchants manage them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.quotas import service as quotas
from app.auth.quotas.errors import QuotaExceeded
from app.auth.quotas.quota import Quota
from app.common import clock
from app.common.errors import Unavailable
from app.common.ids import new_id
from app.delivery.files import maintenance, repository
from app.delivery.files.errors import FileEmpty, FileNotFound, FileSold, NotAFileProduct
from app.delivery.files.models import RETENTION, FileContent, ProductFile
from app.events import service as events
from app.events.catalogue.delivery import ProductFileRemoved, ProductFileUploaded
from app.products import service as products
from app.products.errors import UnauthorizedProductAccess
from app.products.models import Product, ProductKind


@dataclass(frozen=True, slots=True)
class CurrentFile:
    """The current file of a product. downloads: of all its versions. is_new: it is the first."""

    file: ProductFile
    content: FileContent
    downloads: int
    is_new: bool = False


def require_uploadable(
    session: Session, *, merchant: User, product_id: UUID, size: int | None
) -> None:
    """Check an upload before its bytes are received. size: as announced.

    Raises ProductNotFound, UnauthorizedProductAccess, NotAFileProduct, QuotaExceeded.
    """
    _require_file_kind(_require_own(session, merchant=merchant, product_id=product_id))
    current = repository.get_current(session, product_id=product_id)
    replaced = current.FileContent.size if current else 0
    _require_space(session, merchant=merchant, size=size or 0, replaced=replaced)


def _require_space(session: Session, *, merchant: User, size: int, replaced: int = 0) -> None:
    """Require room for a file of `size` bytes in place of a current one of `replaced` bytes.

    Bytes are stored for a while after their file was replaced or deleted. Together with them the
    merchant may use twice the quota, so that a file of its size can be replaced, but not every
    minute. Raises QuotaExceeded.
    """
    more = max(size - replaced, 0)
    quotas.require_room(session, user_id=merchant.id, quota=Quota.FILE_BYTES, units=more)
    maximum = 2 * quotas.get_maximum(session, user_id=merchant.id, quota=Quota.FILE_BYTES)
    stored = repository.count_bytes(
        session, merchant_id=merchant.id, retired_since=clock.now() - RETENTION
    )
    if stored + size > maximum:
        raise QuotaExceeded(Quota.FILE_BYTES, used=stored, requested=size, maximum=maximum)


def count_bytes(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The bytes of the merchant's current files. limit: has no effect."""
    return repository.count_bytes(session, merchant_id=user_id)


def _require_own(session: Session, *, merchant: User, product_id: UUID) -> Product:
    """The merchant's product, even if it was deleted; not locked."""
    product = products.require_product(session, product_id=product_id, viewer=merchant).product
    if product.merchant_id != merchant.id:
        raise UnauthorizedProductAccess
    return product


def _require_file_kind(product: Product) -> None:
    if product.kind != ProductKind.FILE:
        raise NotAFileProduct


def register_content(session: Session, *, sha256: str, size: int) -> FileContent:
    """The row of received bytes, to be committed before they are stored.

    So everything in the storage has a row by which it can be removed. Raises FileEmpty.
    """
    if not size:
        raise FileEmpty
    now = clock.now()
    return repository.upsert_content(
        session, id=new_id(), sha256=sha256, size=size, created_at=now, review_at=now + RETENTION
    )


def publish(
    session: Session,
    *,
    merchant: User,
    product_id: UUID,
    content_id: UUID,
    name: str,
    media_type: str,
) -> CurrentFile:
    """Make stored bytes the newest version of a product's file, unless they already are.

    Raises ProductNotFound, UnauthorizedProductAccess, NotAFileProduct, QuotaExceeded, and
    Unavailable if the bytes were removed in the meantime.
    """
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    _require_file_kind(product)
    now = clock.now()
    content = repository.postpone_review(session, content_id=content_id, until=now + RETENTION)
    if content is None:
        raise Unavailable
    row = repository.get_current(session, product_id=product_id)
    downloads = repository.count_downloads_of(session, product_id=product_id)
    if row is not None:
        current: ProductFile = row.ProductFile
        if (current.content_id, current.name, current.media_type) == (content_id, name, media_type):
            return CurrentFile(current, content, downloads)
        maintenance.retire(current, row.FileContent, now=now)
        session.flush()
    _require_space(session, merchant=merchant, size=content.size)
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
        products.set_ready(session, product, is_ready=True)
    uploaded = ProductFileUploaded(
        aggregate_id=product.id,
        merchant_id=product.merchant_id,
        version=file.version,
        size=content.size,
    )
    events.record(session, [uploaded])
    return CurrentFile(file, content, downloads, is_new=row is None)


def require_file(session: Session, *, merchant: User, product_id: UUID) -> CurrentFile:
    """The current file of the merchant's product.

    Raises ProductNotFound, UnauthorizedProductAccess, FileNotFound.
    """
    _require_own(session, merchant=merchant, product_id=product_id)
    row = repository.get_current(session, product_id=product_id)
    if row is None:
        raise FileNotFound
    downloads = repository.count_downloads_of(session, product_id=product_id)
    return CurrentFile(row.ProductFile, row.FileContent, downloads)


def delete_file(session: Session, *, merchant: User, product_id: UUID) -> None:
    """Delete the current file. The product is not on sale until it has another one.

    Raises ProductNotFound, UnauthorizedProductAccess, FileNotFound, FileSold.
    """
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    row = repository.get_current(session, product_id=product_id)
    if row is None:
        raise FileNotFound
    if repository.was_sold(session, product_id=product_id):
        raise FileSold
    maintenance.retire(row.ProductFile, row.FileContent, now=clock.now())
    products.set_ready(session, product, is_ready=False)
    removed = ProductFileRemoved(
        aggregate_id=product.id,
        merchant_id=product.merchant_id,
        version=row.ProductFile.version,
    )
    events.record(session, [removed])
