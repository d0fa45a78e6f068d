"""The files of products, as their merchants manage them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.ids import new_id
from app.delivery.files import repository
from app.delivery.files.errors import FileNotFound, FileSold, NotAFileProduct
from app.delivery.files.models import ProductFile
from app.events import service as events
from app.events.catalogue.delivery import ProductFileRemoved, ProductFileUploaded
from app.products import service as products
from app.products.errors import UnauthorizedProductAccess
from app.products.models import Product, ProductKind
from app.storage import service as storage
from app.storage.models import RETENTION, FileContent


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
    _require_file_kind(require_own(session, merchant=merchant, product_id=product_id))
    current = repository.get_current(session, product_id=product_id)
    replaced = current.FileContent.size if current else 0
    storage.require_space(session, merchant=merchant, size=size or 0, replaced=replaced)


def count_bytes(session: Session, *, merchant_id: UUID, retired_since: datetime | None) -> int:
    """The bytes of the merchant's current files, and of those retired since then."""
    return repository.count_bytes(session, merchant_id=merchant_id, retired_since=retired_since)


def require_own(session: Session, *, merchant: User, product_id: UUID) -> Product:
    """The merchant's product, even if it was deleted; not locked."""
    product = products.require_product(session, product_id=product_id, viewer=merchant).product
    if product.merchant_id != merchant.id:
        raise UnauthorizedProductAccess
    return product


def _require_file_kind(product: Product) -> None:
    if product.kind != ProductKind.FILE:
        raise NotAFileProduct


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
    content = storage.keep_content(session, content_id)
    row = repository.get_current(session, product_id=product_id)
    downloads = repository.count_downloads_of(session, product_id=product_id)
    if row is not None:
        current: ProductFile = row.ProductFile
        if (current.content_id, current.name, current.media_type) == (content_id, name, media_type):
            return CurrentFile(current, content, downloads)
        retire(current, row.FileContent)
        session.flush()
    storage.require_space(session, merchant=merchant, size=content.size)
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
    require_own(session, merchant=merchant, product_id=product_id)
    row = repository.get_current(session, product_id=product_id)
    if row is None:
        raise FileNotFound
    downloads = repository.count_downloads_of(session, product_id=product_id)
    return CurrentFile(row.ProductFile, row.FileContent, downloads)


def retire(file: ProductFile, content: FileContent) -> None:
    """Take the current file of a product off sale. content: that of the file."""
    file.retired_at = clock.now()
    content.review_at = file.retired_at + RETENTION


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
    retire(row.ProductFile, row.FileContent)
    products.set_ready(session, product, is_ready=False)
    removed = ProductFileRemoved(
        aggregate_id=product.id,
        merchant_id=product.merchant_id,
        version=row.ProductFile.version,
    )
    events.record(session, [removed])
