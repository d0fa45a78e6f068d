"""Downloads: what is behind a link, and how much of it may still be sent."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.delivery.files import links, repository
from app.delivery.files.errors import DownloadLimitReached, DownloadRevoked, LinkInvalid
from app.delivery.files.links import Link
from app.delivery.files.models import FileContent, FileDelivery, ProductFile
from app.events import service as events
from app.events.catalogue.delivery import FileDownloaded

#: A link serves its file so often altogether: enough to begin again when something broke off.
TIMES: Final = 3


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a link leads to, complete without the database. place: in the storage."""

    link: Link
    product_id: UUID
    name: str
    media_type: str
    version: int
    sha256: str
    size: int
    place: str

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'


def behind(session: Session, *, token: str) -> Parcel:
    """Raises LinkInvalid, LinkExpired; DownloadRevoked when the order was taken back, or its
    buyer is deactivated.
    """
    link = links.read(token)
    row = repository.get_behind(session, order_id=link.order_id, file_id=link.file_id)
    if row is None:
        raise LinkInvalid
    delivery: FileDelivery = row.FileDelivery
    file: ProductFile = row.ProductFile
    content: FileContent = row.FileContent
    if not delivery.is_open or not row.User.is_active or content.removing_at is not None:
        raise DownloadRevoked
    return Parcel(
        link=link,
        product_id=file.product_id,
        name=file.name,
        media_type=file.media_type,
        version=file.version,
        sha256=content.sha256,
        size=content.size,
        place=content.place,
    )


def require_left(session: Session, *, parcel: Parcel) -> None:
    """Raises DownloadLimitReached if `begin` would, for want of downloads."""
    if repository.is_begun(session, download_id=parcel.link.id):
        return
    delivery = repository.get_delivery(session, parcel.link.order_id)
    if delivery is None or delivery.downloads >= delivery.downloads_allowed:
        raise DownloadLimitReached


def begin(session: Session, *, parcel: Parcel, length: int) -> bool:
    """Count what is about to be sent; whether it is the first use of its link.

    length: bytes; what is not sent in the end is given back. The first use is a download of the
    order, what follows resumes it. Conditional updates decide, so of many at once as many get
    through as there are downloads left.
    Raises DownloadLimitReached.
    """
    link = parcel.link
    is_first = repository.begin_download(
        session,
        id=link.id,
        order_id=link.order_id,
        file_id=link.file_id,
        served=0,
        budget=TIMES * parcel.size,
        begun_at=clock.now(),
    )
    if is_first:
        _count(session, parcel)
    if not repository.spend(session, download_id=link.id, length=length):
        raise DownloadLimitReached(
            f"This link has served its file {TIMES} times; look at the delivery for a new one"
        )
    return is_first


def _count(session: Session, parcel: Parcel) -> None:
    delivery = repository.count_download(session, order_id=parcel.link.order_id)
    if delivery is None:
        raise DownloadLimitReached
    downloaded = FileDownloaded(
        aggregate_id=delivery.order_id,
        user_id=delivery.buyer_id,
        product_id=parcel.product_id,
        version=parcel.version,
        download_id=parcel.link.id,
        downloads_left=delivery.downloads_allowed - delivery.downloads,
    )
    events.record(session, [downloaded])


def give_back(session: Session, *, parcel: Parcel, length: int) -> None:
    """Note that so many of the bytes that were counted were not sent."""
    repository.give_back(session, download_id=parcel.link.id, length=length)
