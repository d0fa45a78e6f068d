"""The storage of this process, the contents in it, and how much of it a merchant may use."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.quotas import service as quotas
from app.auth.quotas.errors import QuotaExceeded
from app.auth.quotas.quota import Quota
from app.common import clock
from app.common.errors import Unavailable
from app.common.ids import new_id
from app.common.process_state import Slot
from app.common.settings import Settings
from app.storage import repository
from app.storage.errors import FileEmpty
from app.storage.folder import FolderStorage
from app.storage.interface import Storage
from app.storage.models import RETENTION, FileContent

current: Final[Slot[Storage]] = Slot("file storage")


class ByteCount(Protocol):
    """The bytes of one kind that a merchant has stored. retired_since: and of those retired
    since then."""

    def __call__(
        self, session: Session, *, merchant_id: UUID, retired_since: datetime | None
    ) -> int: ...


#: What counts towards the quota of bytes, by the modules that own the rows.
byte_counts: Final[Slot[Sequence[ByteCount]]] = Slot("counts of stored bytes")


def from_settings(settings: Settings) -> Storage:
    """The configured bucket, or a folder if there is none."""
    if settings.files_s3_bucket is None:
        return FolderStorage(settings.files_folder)
    from app.storage.s3 import S3Storage

    return S3Storage(
        settings.files_s3_bucket,
        endpoint=settings.files_s3_endpoint,
        region=settings.files_s3_region,
    )


def require_space(session: Session, *, merchant: User, size: int, replaced: int = 0) -> None:
    """Require room for `size` bytes in place of current ones of `replaced` bytes.

    Bytes are stored for a while after they were replaced or deleted. Together with them the
    merchant may use twice the quota, so that a file of its size can be replaced, but not every
    minute. Raises QuotaExceeded.
    """
    more = max(size - replaced, 0)
    quotas.require_room(session, user_id=merchant.id, quota=Quota.FILE_BYTES, units=more)
    maximum = 2 * quotas.get_maximum(session, user_id=merchant.id, quota=Quota.FILE_BYTES)
    stored = _count(session, merchant_id=merchant.id, retired_since=clock.now() - RETENTION)
    if stored + size > maximum:
        raise QuotaExceeded(Quota.FILE_BYTES, used=stored, requested=size, maximum=maximum)


def count_bytes(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The bytes that the merchant stores and has not retired. limit: has no effect."""
    return _count(session, merchant_id=user_id, retired_since=None)


def _count(session: Session, *, merchant_id: UUID, retired_since: datetime | None) -> int:
    return sum(
        count(session, merchant_id=merchant_id, retired_since=retired_since)
        for count in byte_counts()
    )


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


def keep_content(session: Session, content_id: UUID) -> FileContent:
    """Keep a content until its next review, by when something must refer to it.

    Raises Unavailable if it was removed in the meantime.
    """
    until = clock.now() + RETENTION
    content = repository.postpone_review(session, content_id=content_id, until=until)
    if content is None:
        raise Unavailable
    return content
