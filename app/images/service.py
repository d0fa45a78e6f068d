"""Images of merchants: stored in a few sizes, like files, and shown to everyone.

A module that shows images keeps their ids, adds them with `add` and removes them with `retire`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.db import retry_transaction
from app.common.ids import new_id
from app.images import repository
from app.images.converter import ConvertedSize
from app.images.errors import ImageNotFound
from app.images.limits import SIDES
from app.images.models import Image
from app.storage import service as storage
from app.storage.models import FileContent


@dataclass(frozen=True, slots=True)
class StoredSize:
    """An image in one size whose bytes are stored. side: of limits.SIDES."""

    side: int
    width: int
    height: int
    bytes: int
    content_id: UUID


@dataclass(frozen=True, slots=True)
class Size:
    """An image in one size, as it is shown. side: as of StoredSize."""

    side: int
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ShownImage:
    """An image as it is shown. sizes: the smallest first."""

    id: UUID
    alt: str | None
    sizes: Sequence[Size]

    @property
    def preview(self) -> Size:
        """The size for a part of a page: at most 640 pixels wide and high."""
        return self.sizes[min(1, len(self.sizes) - 1)]


def store(sizes: Iterable[ConvertedSize]) -> list[StoredSize]:
    """Store the bytes of a converted image; without a database connection meanwhile.

    They are removed after a day unless `add` is called. Raises StorageFull, StorageUnavailable.
    """
    return [_store(size) for size in sizes]


def _store(size: ConvertedSize) -> StoredSize:
    with storage.current().receive([size.content]) as staged:
        register = partial(storage.register_content, sha256=staged.sha256, size=staged.size)
        content = retry_transaction(register)
        staged.store(content.storage_key)
    return StoredSize(size.side, size.width, size.height, staged.size, content.id)


def add(
    session: Session, *, merchant: User, sizes: Sequence[StoredSize], alt: str | None = None
) -> Image:
    """A new image of the merchant. Raises QuotaExceeded, Unavailable."""
    for content_id in sorted({size.content_id for size in sizes}):
        storage.keep_content(session, content_id)
    total = sum(size.bytes for size in sizes)
    storage.require_space(session, merchant=merchant, size=total)
    image = repository.insert_image(
        session,
        id=new_id(),
        merchant_id=merchant.id,
        alt=alt,
        bytes=total,
        created_at=clock.now(),
    )
    repository.insert_sizes(
        session,
        [
            {
                "image_id": image.id,
                "side": size.side,
                "width": size.width,
                "height": size.height,
                "bytes": size.bytes,
                "content_id": size.content_id,
            }
            for size in sizes
        ],
    )
    return image


def retire(session: Session, image_ids: Collection[UUID]) -> None:
    """Delete images. Their bytes are removed after a day."""
    for content_id in repository.get_content_ids(session, image_ids):
        storage.keep_content(session, content_id)
    repository.retire(session, image_ids, now=clock.now())


def get_image(session: Session, image_id: UUID) -> ShownImage:
    """An image that someone refers to."""
    image = repository.get_image(session, image_id)
    sizes = repository.list_sizes(session, image_id)
    return ShownImage(
        image.id,
        image.alt,
        [Size(size.side, size.width, size.height, size.bytes) for size in sizes],
    )


def require_content(session: Session, *, image_id: UUID, side: int) -> FileContent:
    """What to send for an image in one size. Raises ImageNotFound."""
    # Other numbers may be too large for the database.
    content = (
        repository.get_content(session, image_id=image_id, side=side) if side in SIDES else None
    )
    if content is None:
        raise ImageNotFound
    return content


def read(content: FileContent) -> bytes:
    """The bytes of an image; without a database connection. Raises StorageUnavailable."""
    stream = storage.current().open(content.storage_key, start=0, end=content.size)
    try:
        return b"".join(stream)
    finally:
        stream.close()


def count_bytes(session: Session, *, merchant_id: UUID, retired_since: datetime | None) -> int:
    """The bytes of the merchant's images, and of those retired since then."""
    return repository.count_bytes(session, merchant_id=merchant_id, retired_since=retired_since)
