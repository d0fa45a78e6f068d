"""Uploads in parts: begun, continued after an interruption, and completed.

The parts are staged content of the storage, so what is not completed within a day is deleted with
other interrupted uploads.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock, deadline
from app.common.ids import new_id
from app.delivery.files import service as files
from app.delivery.files.service import CurrentFile
from app.delivery.files.uploads import repository
from app.delivery.files.uploads.errors import (
    PartDiffers,
    PartInvalid,
    PartsMissing,
    UploadNotFound,
)
from app.delivery.files.uploads.models import FileUpload, FileUploadPart
from app.products import service as products
from app.storage import service as storage
from app.storage.errors import ContentMissing
from app.storage.models import RETENTION, FileContent

#: Called with the id of an upload that has ended, whose parts are of no use any more.
OnClose = Callable[[UUID], None]

#: Sent within a few seconds, and accepted by most proxies.
PART_BYTES: Final = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class Progress:
    """An upload with the parts that were received. is_new: whether it was just begun."""

    upload: FileUpload
    parts: Sequence[FileUploadPart]
    is_new: bool = False

    @property
    def received_bytes(self) -> int:
        return sum(self.upload.size_of(part.number) for part in self.parts)


def expires_at(upload: FileUpload) -> datetime:
    return upload.created_at + RETENTION


def count_bytes(session: Session, *, merchant_id: UUID, retired_since: datetime | None) -> int:
    """The bytes of the merchant's unfinished uploads. They need room, but are no files yet."""
    if retired_since is None:
        return 0
    return repository.count_bytes(session, merchant_id=merchant_id, begun_since=retired_since)


def begin(
    session: Session,
    *,
    merchant: User,
    product_id: UUID,
    name: str,
    media_type: str,
    size: int,
    on_close: OnClose,
) -> Progress:
    """Begin an upload, or continue the unfinished one of the same name, type and size.

    Another unfinished upload of the product is closed. Raises ProductNotFound,
    UnauthorizedProductAccess, NotAFileProduct, QuotaExceeded.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    current = repository.get_unfinished(session, product_id=product_id)
    if current is not None:
        same = (current.name, current.media_type, current.size) == (name, media_type, size)
        if same and not _is_over(current):
            return _progress(session, current)
        _close(session, current, on_close)
    files.require_uploadable(session, merchant=merchant, product_id=product_id, size=size)
    upload = repository.insert_upload(
        session,
        id=new_id(),
        product_id=product_id,
        name=name,
        media_type=media_type,
        size=size,
        part_size=PART_BYTES,
        is_complete=False,
        created_at=clock.now(),
    )
    return Progress(upload, (), is_new=True)


def require_unfinished(session: Session, *, merchant: User, product_id: UUID) -> Progress:
    """The unfinished upload of the merchant's product.

    Raises ProductNotFound, UnauthorizedProductAccess, UploadNotFound.
    """
    files.require_own(session, merchant=merchant, product_id=product_id)
    found = repository.get_unfinished(session, product_id=product_id)
    if found is None or _is_over(found):
        raise UploadNotFound
    return _progress(session, found)


def require_upload(
    session: Session, *, merchant: User, product_id: UUID, upload_id: UUID
) -> Progress:
    """An upload that is unfinished or complete.

    Raises ProductNotFound, UnauthorizedProductAccess, UploadNotFound.
    """
    return _progress(session, _require_row(session, merchant, product_id, upload_id))


def check_part(
    session: Session,
    *,
    merchant: User,
    product_id: UUID,
    upload_id: UUID,
    number: int,
    length: int | None,
) -> FileUploadPart | None:
    """Check a part before its bytes are received. Returns it if it was received before.

    length: as announced. Raises ProductNotFound, UnauthorizedProductAccess, UploadNotFound,
    PartInvalid.
    """
    upload = _require_row(session, merchant, product_id, upload_id)
    if upload.is_complete:
        raise UploadNotFound
    if not 1 <= number <= upload.part_count:
        raise PartInvalid(f"The upload has {upload.part_count} parts")
    if length is not None and length != upload.size_of(number):
        raise PartInvalid(f"Part {number} has {upload.size_of(number)} bytes")
    return repository.get_part(session, upload_id=upload_id, number=number)


def add_part(
    session: Session,
    *,
    merchant: User,
    product_id: UUID,
    upload_id: UUID,
    number: int,
    sha256: str,
) -> FileUploadPart:
    """Record a part whose bytes are stored.

    Raises ProductNotFound, UnauthorizedProductAccess, UploadNotFound, PartDiffers.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    check_part(
        session,
        merchant=merchant,
        product_id=product_id,
        upload_id=upload_id,
        number=number,
        length=None,
    )
    repository.insert_part(session, upload_id=upload_id, number=number, sha256=sha256)
    part = repository.get_part(session, upload_id=upload_id, number=number)
    if part is None or part.sha256 != sha256:
        raise PartDiffers
    return part


def require_all_parts(progress: Progress) -> None:
    """Raises PartsMissing."""
    missing = progress.upload.part_count - len(progress.parts)
    if missing:
        raise PartsMissing(missing=missing)


def read_parts(progress: Progress) -> Iterator[bytes]:
    """The bytes of the whole file, in chunks, as they were received.

    Raises ContentMissing if a part is not what was received, and StorageUnavailable.
    """
    for part in progress.parts:
        deadline.extend()  # the size of the file is not the request's fault
        digest = sha256()
        size = progress.upload.size_of(part.number)
        content = storage.current().open(part.storage_key, start=0, end=size)
        try:
            for chunk in content:
                digest.update(chunk)
                yield chunk
        finally:
            content.close()
        if digest.hexdigest() != part.sha256:
            raise ContentMissing


def complete(
    session: Session,
    *,
    merchant: User,
    product_id: UUID,
    upload_id: UUID,
    content: FileContent,
    on_close: OnClose,
) -> CurrentFile:
    """Make the content of all parts the newest version of the product's file.

    Raises what `files.publish` raises, UploadNotFound, and FileNotFound.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    upload = _require_row(session, merchant, product_id, upload_id)
    if upload.is_complete:  # another request has just completed it
        return files.require_file(session, merchant=merchant, product_id=product_id)
    _close(session, upload, on_close, is_complete=True)
    return files.publish(
        session,
        merchant=merchant,
        product_id=product_id,
        content_id=content.id,
        name=upload.name,
        media_type=upload.media_type,
    )


def delete(
    session: Session, *, merchant: User, product_id: UUID, upload_id: UUID, on_close: OnClose
) -> None:
    """Delete an unfinished upload with its parts.

    Raises ProductNotFound, UnauthorizedProductAccess, UploadNotFound.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    upload = _require_row(session, merchant, product_id, upload_id)
    if upload.is_complete:
        raise UploadNotFound
    _close(session, upload, on_close)


def _require_row(session: Session, merchant: User, product_id: UUID, upload_id: UUID) -> FileUpload:
    """An upload that is unfinished or complete. Raises as `require_upload`."""
    files.require_own(session, merchant=merchant, product_id=product_id)
    found = repository.get_upload(session, product_id=product_id, upload_id=upload_id)
    if found is None or (not found.is_complete and _is_over(found)):
        raise UploadNotFound
    return found


def _progress(session: Session, upload: FileUpload) -> Progress:
    return Progress(upload, repository.list_parts(session, upload_id=upload.id))


def _is_over(upload: FileUpload) -> bool:
    return upload.closed_at is not None or clock.now() >= expires_at(upload)


def _close(
    session: Session, upload: FileUpload, on_close: OnClose, *, is_complete: bool = False
) -> None:
    upload.closed_at = clock.now()
    upload.is_complete = is_complete
    session.flush()
    on_close(upload.id)
