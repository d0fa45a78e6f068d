"""Uploads of codes: storing the chunks of a file, and putting its codes on sale."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.common import clock
from app.common.encryption import decrypt, encrypt, fingerprints
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.delivery.codes import repository
from app.delivery.codes.errors import ProductHasNoCodes, UploadNotFound, UploadTimedOut
from app.delivery.codes.models import CodeUpload, UploadStatus
from app.delivery.codes.parser import ParsedCode
from app.delivery.codes.service import encryption_context
from app.events import service as events
from app.events.catalogue.delivery import CodesUploaded
from app.ledger_lock.service import acquire_ledger_lock
from app.products import service as products
from app.products.models import ProductKind

#: Codes per transaction.
CHUNK_SIZE: Final = 1_000
#: Duplicates whose line numbers are stored.
MAX_DUPLICATE_LINES: Final = 100

#: A request that sends nothing for this long has ended.
_RECEIVE_TIMEOUT: Final = timedelta(hours=1)
#: A job without progress for this long is considered lost.
_JOB_TIMEOUT: Final = timedelta(minutes=1)
#: A position is the number of the upload, followed by this many bits of line number.
_LINE_BITS: Final = 32
#: Stored bytes of a fingerprint, enough to rule out collisions.
_FINGERPRINT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class EncryptedCode:
    """A code as it is stored.

    fingerprints: one per encryption key, of which the first is stored.
    """

    id: UUID
    line: int
    encrypted: bytes
    fingerprints: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next codes of an upload, encrypted one by one."""

    upload_id: UUID
    number: int
    codes: Sequence[EncryptedCode]


def require_codes_product(session: Session, *, merchant: User, product_id: UUID) -> None:
    """Check that the merchant can add codes to the product.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoCodes.
    """
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    if product.kind != ProductKind.CODES:
        raise ProductHasNoCodes


def encrypt_codes(codes: Sequence[ParsedCode], *, product_id: UUID) -> list[EncryptedCode]:
    """Encrypt codes. Needs no transaction."""
    return [_encrypt(code, product_id) for code in codes]


def _encrypt(parsed: ParsedCode, product_id: UUID) -> EncryptedCode:
    code_id = new_id()
    encrypted = encrypt(parsed.code.encode(), context=encryption_context(code_id))
    return EncryptedCode(code_id, parsed.line, encrypted, _fingerprints(parsed, product_id))


def _fingerprints(parsed: ParsedCode, product_id: UUID) -> tuple[bytes, ...]:
    identity = (parsed.identity or parsed.code).encode()
    digests = fingerprints(identity, context=f"product-codes/{product_id}")
    return tuple(digest[:_FINGERPRINT_BYTES] for digest in digests)


def find_new(session: Session, *, product_id: UUID, codes: Sequence[ParsedCode]) -> set[bytes]:
    """The fingerprints of the codes that the product does not have."""
    digests = [_fingerprints(parsed, product_id) for parsed in codes]
    known = repository.list_known_fingerprints(
        session, product_id=product_id, fingerprints=[one for each in digests for one in each]
    )
    return {each[0] for each in digests if known.isdisjoint(each)}


def create_upload(session: Session, *, merchant: User, product_id: UUID) -> CodeUpload:
    """Record that a file is being received, for a product that was checked."""
    now = clock.now()
    return repository.insert_upload(
        session,
        id=new_id(),
        product_id=product_id,
        merchant_id=merchant.id,
        status=UploadStatus.RECEIVING.value,
        total=0,
        added=0,
        duplicates=0,
        duplicate_lines=[],
        created_at=now,
        updated_at=now,
        closed_at=None,
    )


def store_chunk(
    session: Session, *, upload_id: UUID, number: int, codes: Sequence[ParsedCode]
) -> None:
    """Store a chunk of a file that is being received, encrypted.

    Raises UploadTimedOut, QuotaExceeded.
    """
    upload = _require_receiving(session, upload_id)
    encrypted = encrypt(json.dumps(codes).encode(), context=_chunk_context(upload_id, number))
    repository.insert_chunk(session, upload_id=upload_id, number=number, encrypted=encrypted)
    upload.total += len(codes)
    upload.updated_at = clock.now()
    session.flush()
    _require_room(session, upload, units=len(codes))


def _require_room(session: Session, upload: CodeUpload, *, units: int) -> None:
    """Raises QuotaExceeded if the merchant now has too many codes. units: just added."""
    quotas.require_room(
        session, user_id=upload.merchant_id, quota=Quota.CODES, units=units, counted=True
    )


def count_codes(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The merchant's unsold codes, with those that uploads will add. limit: has no effect."""
    unsold = products.count_units(session, merchant_id=user_id, kind=ProductKind.CODES)
    return unsold + repository.count_pending_codes(session, merchant_id=user_id)


def mark_received(session: Session, *, upload_id: UUID) -> CodeUpload:
    """Record that the file is complete, so that a job adds its codes. Raises UploadTimedOut."""
    upload = _require_receiving(session, upload_id)
    upload.status = UploadStatus.PROCESSING.value
    upload.updated_at = clock.now()
    return upload


def _require_receiving(session: Session, upload_id: UUID) -> CodeUpload:
    upload = repository.get_upload_for_update(session, upload_id)
    if upload is None or upload.status != UploadStatus.RECEIVING:
        raise UploadTimedOut
    return upload


def discard(session: Session, *, upload_id: UUID) -> None:
    """Delete an upload whose file is incomplete."""
    upload = repository.get_upload_for_update(session, upload_id)
    if upload is not None and upload.status == UploadStatus.RECEIVING:
        repository.delete_upload(session, upload)


def add_codes(
    session: Session, *, merchant: User, product_id: UUID, codes: Sequence[EncryptedCode]
) -> CodeUpload:
    """Put the codes of a small file on sale.

    Raises ProductNotFound, UnauthorizedProductAccess, QuotaExceeded.
    """
    upload = create_upload(session, merchant=merchant, product_id=product_id)
    upload.total = len(codes)
    _insert(session, upload, codes, merchant=merchant)
    _close(session, upload, UploadStatus.COMPLETED)
    _require_room(session, upload, units=upload.added)
    return upload


def get_next_chunk(session: Session, *, upload_id: UUID) -> Chunk | None:
    """The next chunk of an upload, to be passed to `add_chunk`; None when it is closed.

    Raises DecryptionFailed.
    """
    row = repository.get_next_chunk(session, upload_id)
    if row is None:
        return None
    upload, chunk = row
    raw = decrypt(chunk.encrypted, context=_chunk_context(upload_id, chunk.number))
    codes = [ParsedCode(*fields) for fields in json.loads(raw)]
    return Chunk(upload_id, chunk.number, encrypt_codes(codes, product_id=upload.product_id))


def add_chunk(session: Session, chunk: Chunk) -> None:
    """Put a chunk of an upload on sale, once. Raises ProductNotFound."""
    upload = repository.get_upload_for_update(session, chunk.upload_id)
    if upload is None or not repository.delete_chunk(
        session, upload_id=chunk.upload_id, number=chunk.number
    ):
        return
    merchant = auth.require_user(session, upload.merchant_id)
    _insert(session, upload, chunk.codes, merchant=merchant)
    upload.updated_at = clock.now()
    if upload.added + upload.duplicates == upload.total:
        _close(session, upload, UploadStatus.COMPLETED)


def fail_upload(session: Session, *, upload_id: UUID) -> None:
    """Discard the rest of an upload whose product was deleted."""
    upload = repository.get_upload_for_update(session, upload_id)
    if upload is not None and upload.status == UploadStatus.PROCESSING:
        repository.delete_chunks(session, upload_id)
        _close(session, upload, UploadStatus.FAILED)


def _insert(
    session: Session, upload: CodeUpload, codes: Sequence[EncryptedCode], *, merchant: User
) -> None:
    """Insert the codes that are new, and raise the stock by their number.

    The product is locked last, so that purchases are blocked only for a moment. A caller must not
    have locked it: it would deadlock with another upload to the product.
    """
    repository.lock_uploads_of_product(session, upload.product_id)
    first = upload.number << _LINE_BITS
    rows = [
        {
            "id": code.id,
            "position": first + code.line,
            "fingerprint": code.fingerprints[0],
            "encrypted": code.encrypted,
        }
        for code in _without_known(session, upload.product_id, codes)
    ]
    added = repository.insert_codes(session, rows, product_id=upload.product_id)
    duplicates = [code.line for code in codes if first + code.line not in added]
    upload.added += len(added)
    upload.duplicates += len(duplicates)
    upload.duplicate_lines = [*upload.duplicate_lines, *duplicates][:MAX_DUPLICATE_LINES]
    acquire_ledger_lock(session)
    product = products.require_own(session, merchant=merchant, product_id=upload.product_id)
    products.restock(session, product, units=len(added), actor_id=merchant.id)


def _without_known(
    session: Session, product_id: UUID, codes: Sequence[EncryptedCode]
) -> Sequence[EncryptedCode]:
    """Without those that are stored under the fingerprint of an earlier key."""
    earlier = {digest for code in codes for digest in code.fingerprints[1:]}
    if not earlier:
        return codes
    known = repository.list_known_fingerprints(
        session, product_id=product_id, fingerprints=list(earlier)
    )
    return [code for code in codes if known.isdisjoint(code.fingerprints[1:])]


def _close(session: Session, upload: CodeUpload, status: UploadStatus) -> None:
    upload.status = status.value
    upload.closed_at = upload.updated_at = clock.now()
    session.flush()
    events.record(session, [CodesUploaded.of(upload)])


def delete_abandoned(session: Session, *, limit: int) -> int:
    """Delete uploads whose request has ended. Returns their number."""
    abandoned = repository.lock_open_uploads(
        session, status=UploadStatus.RECEIVING, before=clock.now() - _RECEIVE_TIMEOUT, limit=limit
    )
    for upload in abandoned:
        repository.delete_upload(session, upload)
    return len(abandoned)


def purge_deleted(session: Session, *, limit: int) -> int:
    """Delete unsold codes of a deleted product. Returns their number; 0 if there are none."""
    acquire_ledger_lock(session)
    product = products.get_deleted_with_units(session, ProductKind.CODES)
    if product is None:
        return 0
    deleted = repository.delete_free_codes(session, product_id=product.id, limit=limit)
    products.restock(session, product, units=-deleted, actor_id=product.merchant_id)
    return deleted


def claim_stalled(session: Session, *, limit: int) -> list[UUID]:
    """Ids of uploads whose job was lost. They are not returned again for a while."""
    now = clock.now()
    stalled = repository.lock_open_uploads(
        session, status=UploadStatus.PROCESSING, before=now - _JOB_TIMEOUT, limit=limit
    )
    for upload in stalled:
        upload.updated_at = now
    return [upload.id for upload in stalled]


def require_upload(
    session: Session, *, merchant: User, product_id: UUID, upload_id: UUID
) -> CodeUpload:
    """An upload to the merchant's product.

    Raises ProductNotFound, UnauthorizedProductAccess, UploadNotFound.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    upload = repository.get_upload(session, product_id=product_id, upload_id=upload_id)
    if upload is None:
        raise UploadNotFound
    return upload


def list_uploads(
    session: Session, page: PageRequest, *, merchant: User, product_id: UUID
) -> Page[CodeUpload]:
    """Uploads to the merchant's product, newest first.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    return repository.list_uploads(session, page, product_id=product_id)


def _chunk_context(upload_id: UUID, number: int) -> str:
    """What binds an encrypted chunk to its row."""
    return f"code-upload/{upload_id}/{number}"
