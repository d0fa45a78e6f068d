"""Uploads: how files of codes come onto the shelf."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.common import clock
from app.common.db import new_id
from app.common.encryption import decrypt, encrypt, fingerprints
from app.common.pagination import Page, PageRequest
from app.delivery.codes import repository
from app.delivery.codes.errors import ProductHasNoCodes, UploadNotFound, UploadTooSlow
from app.delivery.codes.lines import Line
from app.delivery.codes.models import CodeUpload, UploadStatus
from app.delivery.codes.service import context_of
from app.events import service as events
from app.events.catalogue.delivery import CodesUploaded
from app.ledger_lock.service import acquire_ledger_lock
from app.products import service as products
from app.products.models import ProductKind

#: So many codes are put on sale in one transaction.
CHUNK: Final = 1_000
#: Line numbers of so many duplicates are kept.
MAX_DUPLICATES_SHOWN: Final = 100

#: A request that sends nothing for so long is over.
_SILENCE: Final = timedelta(hours=1)
#: So long after its last word a job is taken for lost.
_PATIENCE: Final = timedelta(minutes=1)
#: A position is the number of the upload and so many bits of line number.
_LINE_BITS: Final = 32
#: What is kept of a fingerprint: enough that no two codes ever share it by chance.
_FINGERPRINT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Ready:
    """A code as it is stored, sealed outside of any transaction.

    fingerprints: one for each of our keys, the first is stored.
    """

    id: UUID
    line: int
    sealed: bytes
    fingerprints: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next part of an upload."""

    upload_id: UUID
    number: int
    codes: Sequence[Ready]


def require_shelf(session: Session, *, merchant: User, product_id: UUID) -> None:
    """Make sure that the merchant can put codes there.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductHasNoCodes.
    """
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    if product.kind != ProductKind.CODES:
        raise ProductHasNoCodes


def get_ready(lines: Sequence[Line], *, product_id: UUID) -> list[Ready]:
    """Seal codes; needs no transaction."""
    return [_ready(line, product_id) for line in lines]


def _ready(line: Line, product_id: UUID) -> Ready:
    code_id, code = new_id(), line.code.encode()
    marks = fingerprints(code, context=f"product-codes/{product_id}")
    sealed = encrypt(code, context=context_of(code_id))
    return Ready(code_id, line.number, sealed, tuple(m[:_FINGERPRINT_BYTES] for m in marks))


def begin(session: Session, *, merchant: User, product_id: UUID) -> CodeUpload:
    """Write down that a file is coming, for a shelf that was looked at."""
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


def keep(session: Session, *, upload_id: UUID, number: int, lines: Sequence[Line]) -> None:
    """Store a part of a file that is coming, sealed. Raises UploadTooSlow."""
    upload = _require_receiving(session, upload_id)
    sealed = encrypt(json.dumps(lines).encode(), context=_context_of(upload_id, number))
    repository.insert_chunk(session, upload_id=upload_id, number=number, sealed=sealed)
    upload.total += len(lines)
    upload.updated_at = clock.now()


def hand_over(session: Session, *, upload_id: UUID) -> CodeUpload:
    """All of the file is here: from now on a job puts it on sale. Raises UploadTooSlow."""
    upload = _require_receiving(session, upload_id)
    upload.status = UploadStatus.PROCESSING.value
    upload.updated_at = clock.now()
    return upload


def _require_receiving(session: Session, upload_id: UUID) -> CodeUpload:
    upload = repository.get_upload_for_update(session, upload_id)
    if upload is None or upload.status != UploadStatus.RECEIVING:
        raise UploadTooSlow
    return upload


def drop(session: Session, *, upload_id: UUID) -> None:
    """Forget a file that did not come whole."""
    upload = repository.get_upload_for_update(session, upload_id)
    if upload is not None and upload.status == UploadStatus.RECEIVING:
        repository.delete_upload(session, upload)


def add_at_once(
    session: Session, *, merchant: User, product_id: UUID, codes: Sequence[Ready]
) -> CodeUpload:
    """Put a small file on sale. Raises ProductNotFound, UnauthorizedProductAccess."""
    upload = begin(session, merchant=merchant, product_id=product_id)
    upload.total = len(codes)
    _add(session, upload, codes, merchant=merchant)
    _close(session, upload, UploadStatus.COMPLETED)
    return upload


def next_chunk(session: Session, *, upload_id: UUID) -> Chunk | None:
    """The next part of an upload, ready to be put on sale; None when it is closed.

    Raises DecryptionFailed.
    """
    row = repository.next_chunk(session, upload_id)
    if row is None:
        return None
    upload, chunk = row
    raw = decrypt(chunk.sealed, context=_context_of(upload_id, chunk.number))
    lines = [Line(*pair) for pair in json.loads(raw)]
    return Chunk(upload_id, chunk.number, get_ready(lines, product_id=upload.product_id))


def add_chunk(session: Session, chunk: Chunk) -> None:
    """Put a part of an upload on sale, once. Raises ProductNotFound if it is gone."""
    upload = repository.get_upload_for_update(session, chunk.upload_id)
    if upload is None or not repository.delete_chunk(
        session, upload_id=chunk.upload_id, number=chunk.number
    ):
        return
    merchant = auth.require_user(session, upload.merchant_id)
    _add(session, upload, chunk.codes, merchant=merchant)
    upload.updated_at = clock.now()
    if upload.added + upload.duplicates == upload.total:
        _close(session, upload, UploadStatus.COMPLETED)


def give_up(session: Session, *, upload_id: UUID) -> None:
    """Leave the rest of an upload whose product is gone."""
    upload = repository.get_upload_for_update(session, upload_id)
    if upload is not None and upload.status == UploadStatus.PROCESSING:
        repository.delete_chunks(session, upload_id)
        _close(session, upload, UploadStatus.FAILED)


def _add(session: Session, upload: CodeUpload, codes: Sequence[Ready], *, merchant: User) -> None:
    """Insert what is new, and raise the stock by as much.

    Only then, with the codes in, does it get in the way of purchases. Whoever holds the product
    must not come here, because others who add codes to it may wait for it.
    """
    repository.lock_uploads_of(session, upload.product_id)
    first = upload.number << _LINE_BITS
    rows = [
        {
            "id": code.id,
            "position": first + code.line,
            "fingerprint": code.fingerprints[0],
            "sealed": code.sealed,
        }
        for code in _without_old_ones(session, upload.product_id, codes)
    ]
    added = repository.insert_codes(session, rows, product_id=upload.product_id)
    again = [code.line for code in codes if first + code.line not in added]
    upload.added += len(added)
    upload.duplicates += len(again)
    upload.duplicate_lines = [*upload.duplicate_lines, *again][:MAX_DUPLICATES_SHOWN]
    acquire_ledger_lock(session, exclusive=False)
    product = products.require_own(session, merchant=merchant, product_id=upload.product_id)
    products.restock(session, product, units=len(added), actor_id=merchant.id)


def _without_old_ones(
    session: Session, product_id: UUID, codes: Sequence[Ready]
) -> Sequence[Ready]:
    """Those that are not there under the fingerprint of a key that was in use before."""
    older = {mark for code in codes for mark in code.fingerprints[1:]}
    if not older:
        return codes
    known = repository.known_fingerprints(session, product_id=product_id, fingerprints=list(older))
    return [code for code in codes if known.isdisjoint(code.fingerprints[1:])]


def _close(session: Session, upload: CodeUpload, status: UploadStatus) -> None:
    upload.status = status.value
    upload.closed_at = upload.updated_at = clock.now()
    session.flush()
    uploaded = CodesUploaded(
        aggregate_id=upload.id,
        product_id=upload.product_id,
        merchant_id=upload.merchant_id,
        status=upload.status,
        total=upload.total,
        added=upload.added,
        duplicates=upload.duplicates,
    )
    events.record(session, [uploaded])


def drop_silent(session: Session, *, limit: int) -> int:
    """Forget files that stopped coming; how many."""
    silent = repository.lock_open_uploads(
        session, status=UploadStatus.RECEIVING, before=clock.now() - _SILENCE, limit=limit
    )
    for upload in silent:
        repository.delete_upload(session, upload)
    return len(silent)


def take_stalled(session: Session, *, limit: int) -> list[UUID]:
    """Uploads whose job seems to be lost; nobody else takes them for a while."""
    now = clock.now()
    stalled = repository.lock_open_uploads(
        session, status=UploadStatus.PROCESSING, before=now - _PATIENCE, limit=limit
    )
    for upload in stalled:
        upload.updated_at = now
    return [upload.id for upload in stalled]


def find(session: Session, *, merchant: User, product_id: UUID, upload_id: UUID) -> CodeUpload:
    """Raises ProductNotFound, UnauthorizedProductAccess, UploadNotFound."""
    products.require_own(session, merchant=merchant, product_id=product_id)
    upload = repository.get_upload_of(session, product_id=product_id, upload_id=upload_id)
    if upload is None:
        raise UploadNotFound
    return upload


def page_of_product(
    session: Session, page: PageRequest, *, merchant: User, product_id: UUID
) -> Page[CodeUpload]:
    """Uploads to the merchant's product, newest first.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    products.require_own(session, merchant=merchant, product_id=product_id)
    return repository.list_uploads(session, page, product_id=product_id)


def _context_of(upload_id: UUID, number: int) -> str:
    """What a part of a file is sealed for."""
    return f"code-upload/{upload_id}/{number}"
