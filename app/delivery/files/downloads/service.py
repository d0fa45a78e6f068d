"""Downloads: resolving links, and counting downloads and the bytes that a link may send."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.process_state import Slot
from app.delivery.files import repository
from app.delivery.files.downloads import links
from app.delivery.files.downloads.links import DownloadLink
from app.delivery.files.errors import (
    DeliveryNotFound,
    DeliveryRevoked,
    DownloadLimitReached,
    DownloadRevoked,
    LinkInvalid,
)
from app.delivery.files.models import FileDelivery, ProductFile
from app.events import service as events
from app.events.catalogue.delivery import DownloadsReset, FileDownloaded
from app.storage.models import FileContent

#: How often a link can send its file, so that interrupted downloads can be repeated.
MAX_SENDS_PER_LINK: Final = 3


@dataclass(frozen=True, slots=True)
class DownloadPolicy:
    """link_ttl: how long a link is valid. max_downloads: per order."""

    link_ttl: timedelta = timedelta(minutes=60)
    max_downloads: int = 5


#: The policy for new orders and links. Existing orders keep their number of downloads.
policy: Final[Slot[DownloadPolicy]] = Slot("download policy", default=DownloadPolicy())


@dataclass(frozen=True, slots=True)
class Download:
    """The file of a link. storage_key: of its bytes."""

    link: DownloadLink
    product_id: UUID
    name: str
    media_type: str
    version: int
    sha256: str
    size: int
    storage_key: str

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'


def resolve_link(session: Session, *, token: str) -> Download:
    """The file of a link.

    Raises LinkInvalid, LinkExpired, and DownloadRevoked if the link was
    revoked, the order was refunded or its buyer was deactivated.
    """
    link = links.verify(token)
    row = repository.get_linked_file(session, order_id=link.order_id, file_id=link.file_id)
    if row is None:
        raise LinkInvalid
    delivery: FileDelivery = row.FileDelivery
    file: ProductFile = row.ProductFile
    content: FileContent = row.FileContent
    if link.serial != delivery.link_serial:
        raise DownloadRevoked
    if not delivery.is_open or not row.User.is_active or content.removing_at is not None:
        raise DownloadRevoked
    return Download(
        link=link,
        product_id=file.product_id,
        name=file.name,
        media_type=file.media_type,
        version=file.version,
        sha256=content.sha256,
        size=content.size,
        storage_key=content.storage_key,
    )


def require_downloads_left(session: Session, *, download: Download) -> None:
    """Raises DownloadLimitReached if the order has no download left for this link."""
    if repository.is_started(session, download_id=download.link.id):
        return
    delivery = repository.get_delivery(session, download.link.order_id)
    if delivery is None or delivery.downloads >= delivery.downloads_allowed:
        raise DownloadLimitReached


def start(session: Session, *, download: Download, length: int) -> bool:
    """Count the bytes that will be sent. Returns whether this is the first use of the link.

    length: bytes; those that are not sent are restored with `restore_bytes`. The first use of a
    link counts as a download of the order, later ones resume it. Conditional updates decide, so
    that concurrent requests cannot exceed the limits.
    Raises DownloadLimitReached.
    """
    link = download.link
    is_first = repository.insert_download(
        session,
        id=link.id,
        order_id=link.order_id,
        file_id=link.file_id,
        served=0,
        budget=MAX_SENDS_PER_LINK * download.size,
        begun_at=clock.now(),
    )
    if is_first:
        _count(session, download)
    if not repository.spend_bytes(session, download_id=link.id, length=length):
        raise DownloadLimitReached(
            f"This link has sent its file {MAX_SENDS_PER_LINK} times; get a new link from the "
            "delivery of the order"
        )
    return is_first


def _count(session: Session, download: Download) -> None:
    delivery = repository.count_download(session, order_id=download.link.order_id)
    if delivery is None:
        raise DownloadLimitReached
    downloaded = FileDownloaded(
        aggregate_id=delivery.order_id,
        user_id=delivery.buyer_id,
        merchant_id=repository.require_merchant_id(session, product_id=download.product_id),
        product_id=download.product_id,
        version=download.version,
        download_id=download.link.id,
        downloads_left=delivery.downloads_allowed - delivery.downloads,
    )
    events.record(session, [downloaded])


def restore_bytes(session: Session, *, download: Download, length: int) -> None:
    """Restore bytes that were counted and not sent."""
    repository.restore_bytes(session, download_id=download.link.id, length=length)


def reset_downloads(session: Session, *, merchant: User, order_id: UUID) -> int:
    """Give the buyer of an order the full number of downloads again. Returns that number.

    Raises DeliveryNotFound, DeliveryRevoked.
    """
    delivery = repository.get_delivery_for_update(
        session, order_id=order_id, merchant_id=merchant.id
    )
    if delivery is None:
        raise DeliveryNotFound
    if not delivery.is_open:
        raise DeliveryRevoked
    downloads_left = policy().max_downloads
    delivery.downloads_allowed = delivery.downloads + downloads_left
    reset = DownloadsReset(
        aggregate_id=order_id,
        merchant_id=merchant.id,
        product_id=delivery.product_id,
        downloads_left=downloads_left,
    )
    events.record(session, [reset])
    return downloads_left
